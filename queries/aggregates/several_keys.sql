-- GROUP BY several columns or an expression; the key of the table is then made of several columns.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM trips (id INT KEY, origin VARCHAR, target VARCHAR, km DOUBLE)
  WITH (kafka_topic='trips', value_format='json', partitions=1);
INSERT INTO trips (id, origin, target, km) VALUES (1, 'Rome', 'Pisa', 350.5);
INSERT INTO trips (id, origin, target, km) VALUES (2, 'Rome', 'Pisa', 349.5);
INSERT INTO trips (id, origin, target, km) VALUES (3, 'Pisa', 'Rome', 351);
CREATE TABLE routes WITH (key_format='json') AS
  SELECT origin, target, COUNT(*) AS trips, AVG(km) AS mean, STDDEV_SAMPLE(km) AS spread
  FROM trips GROUP BY origin, target;
SELECT * FROM routes;
SELECT trips FROM routes WHERE origin = 'Rome' AND target = 'Pisa';
CREATE TABLE lengths AS
  SELECT CASE WHEN km > 350 THEN 'long' ELSE 'short' END AS length, COUNT(*) AS trips
  FROM trips GROUP BY CASE WHEN km > 350 THEN 'long' ELSE 'short' END;
SELECT * FROM lengths;
