-- PARTITION BY gives a stream another key. Rows of the same key then lie in the same partition, which joins and
-- aggregations need; the old key becomes a value, unless it is not selected.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM taxis (plate VARCHAR KEY, zone INT, fare INT)
  WITH (kafka_topic='taxis', value_format='json', partitions=4);
CREATE STREAM by_zone WITH (partitions=2) AS SELECT zone, plate, fare FROM taxis PARTITION BY zone;
DESCRIBE by_zone;

-- An expression may be the key, and so may several columns.
CREATE STREAM by_initial AS SELECT SUBSTRING(plate, 1, 1) AS initial, fare FROM taxis PARTITION BY SUBSTRING(plate, 1, 1);
CREATE STREAM by_both WITH (key_format='json') AS SELECT * FROM taxis PARTITION BY zone, plate;
DESCRIBE by_both;
INSERT INTO taxis (plate, zone, fare) VALUES ('XA-1', 7, 12);
SELECT * FROM by_zone EMIT CHANGES LIMIT 1;
SELECT * FROM by_initial EMIT CHANGES LIMIT 1;
SELECT * FROM by_both EMIT CHANGES LIMIT 1;
