-- CREATE OR REPLACE changes a running query in place: it goes on where it stands. ALTER adds columns.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM sensors (id INT KEY, temp INT) WITH (kafka_topic='sensors', value_format='json', partitions=1);
CREATE STREAM hot AS SELECT id, temp FROM sensors WHERE temp > 30;
INSERT INTO sensors (id, temp) VALUES (1, 35);
SELECT * FROM hot EMIT CHANGES LIMIT 1;
CREATE OR REPLACE STREAM hot AS SELECT id, temp FROM sensors WHERE temp > 50;
INSERT INTO sensors (id, temp) VALUES (2, 40);
INSERT INTO sensors (id, temp) VALUES (3, 60);
SELECT * FROM hot EMIT CHANGES LIMIT 2;
CREATE OR REPLACE STREAM hot AS SELECT id, temp, temp * 9 / 5 + 32 AS fahrenheit FROM sensors WHERE temp > 50;
ALTER STREAM sensors ADD COLUMN place VARCHAR;
DESCRIBE hot;
DESCRIBE sensors;

-- What would not fit the rows that are there already is refused.
CREATE OR REPLACE STREAM hot AS SELECT id, temp * 2 AS twice FROM sensors;
