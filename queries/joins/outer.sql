-- LEFT, RIGHT and FULL OUTER joins of two tables: what has no partner is joined with NULLs.
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE staff (id INT PRIMARY KEY, name VARCHAR) WITH (kafka_topic='staff', value_format='json', partitions=1);
CREATE TABLE rooms (id INT PRIMARY KEY, room VARCHAR) WITH (kafka_topic='rooms', value_format='json', partitions=1);
INSERT INTO staff (ROWTIME, id, name) VALUES (1, 1, 'Ada');
INSERT INTO staff (ROWTIME, id, name) VALUES (2, 2, 'Bob');
INSERT INTO rooms (ROWTIME, id, room) VALUES (3, 2, 'B12');
INSERT INTO rooms (ROWTIME, id, room) VALUES (4, 3, 'C7');
CREATE TABLE with_room AS SELECT s.id AS id, name, room FROM staff s LEFT JOIN rooms r ON s.id = r.id;
CREATE TABLE with_person AS SELECT r.id AS id, name, room FROM staff s RIGHT JOIN rooms r ON s.id = r.id;
CREATE TABLE everything AS SELECT ROWKEY AS id, name, room FROM staff s FULL OUTER JOIN rooms r ON s.id = r.id;
SELECT * FROM with_room EMIT CHANGES LIMIT 3;
SELECT * FROM with_room;
SELECT * FROM with_person;
SELECT * FROM everything;
