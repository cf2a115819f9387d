-- LIMIT counts the rows of all partitions together.
CREATE STREAM ticks (id INT KEY, v INT) WITH (kafka_topic='ticks', value_format='json', partitions=4);
CREATE TABLE per_id AS SELECT id, COUNT(*) AS n FROM ticks GROUP BY id;
INSERT INTO ticks VALUES (1, 0);
INSERT INTO ticks VALUES (2, 0);
INSERT INTO ticks VALUES (3, 0);
INSERT INTO ticks VALUES (4, 0);
INSERT INTO ticks VALUES (5, 0);
SELECT n FROM per_id LIMIT 3;
SELECT n FROM per_id LIMIT 0;
SELECT n FROM per_id LIMIT 100;
SELECT v FROM ticks LIMIT 2;
-- Filters of the query that makes a table hold for look-ups, too.
CREATE TABLE people (id VARCHAR PRIMARY KEY, name VARCHAR, age INT) WITH (kafka_topic='people', value_format='json', partitions=1);
CREATE TABLE adults AS SELECT id, UCASE(name) AS name, age FROM people WHERE age >= 18;
INSERT INTO people VALUES ('7', 'ole', 17);
INSERT INTO people VALUES ('8', 'pia', 18);
SELECT * FROM adults;
SELECT * FROM adults WHERE id = '7';
SELECT * FROM adults WHERE id = '8';
