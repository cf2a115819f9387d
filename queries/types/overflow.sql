-- Integers wrap around, division of integers cuts; DOUBLE and DECIMAL next to integers.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM gauges (k VARCHAR KEY, i INT, b BIGINT, d DOUBLE, n DECIMAL(6, 2))
  WITH (kafka_topic='gauges', value_format='json', partitions=1);
CREATE TABLE gauge_sums AS SELECT k, SUM(i) AS si, SUM(b) AS sb, AVG(i) AS ai, SUM(n) AS sn, COUNT(d) AS cd FROM gauges GROUP BY k;
INSERT INTO gauges VALUES ('a', 2147483647, 9223372036854775807, 0.5, 8.75);
INSERT INTO gauges VALUES ('a', 2, 2, NULL, -8.75);
SELECT i + 2 AS i2, i * 2 AS twice, b + 2 AS b2, i + b AS wide, CAST(b AS INT) AS narrow, CAST(b AS DOUBLE) AS float FROM gauges LIMIT 1;
SELECT i / 2 AS half, -9 / 2 AS minus, -9 % 2 AS rest, 9 % -2 AS other_rest FROM gauges LIMIT 1;
SELECT n * 2 AS twice, n + i AS sum, n * d AS product, ABS(n) AS abs, CEIL(n) AS up, FLOOR(n) AS down, CAST(n AS INT) AS cut FROM gauges;
SELECT * FROM gauge_sums;
-- Numbers between -1 and 1, with exponents, with zeros in front; DOUBLE is shown as Java does.
CREATE STREAM grains (id INT KEY, d DOUBLE, n DECIMAL(6, 4)) WITH (kafka_topic='grains', value_format='json', partitions=1);
INSERT INTO grains (id, d, n) VALUES (1, .25, 00.5);
INSERT INTO grains (id, d, n) VALUES (2, 1e-7, -0.0001);
INSERT INTO grains (id, d, n) VALUES (3, 123456789.5, 12.3400);
SELECT id, d, n, CAST(d AS VARCHAR) AS text FROM grains;
SELECT id FROM grains WHERE n BETWEEN -0.001 AND 0.5;
