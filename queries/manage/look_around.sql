-- What exists, and how it runs.
SET 'auto.offset.reset' = 'earliest';
CREATE TYPE place AS STRUCT<city VARCHAR, zip VARCHAR>;
CREATE STREAM people (id INT KEY, name VARCHAR, home place) WITH (kafka_topic='people', value_format='json', partitions=2);
CREATE TABLE cities AS SELECT home->city AS city, COUNT(*) AS n FROM people GROUP BY home->city;
SHOW STREAMS;
SHOW TABLES;
SHOW TOPICS;
SHOW QUERIES;
SHOW TYPES;
DESCRIBE people;
DESCRIBE cities EXTENDED;
EXPLAIN CTAS_CITIES_0;
DESCRIBE FUNCTION INITCAP;
TERMINATE CTAS_CITIES_0;
DROP TABLE cities DELETE TOPIC;
DROP TYPE place;
SHOW TOPICS;
