-- MIN, MAX, AVG, COUNT(column) leave NULL out. HAVING with an aggregate that is NULL keeps nothing; a group that leaves is
-- deleted in the topic, one that was never in it is not.
SET 'auto.offset.reset' = 'earliest';
SET 'cache.max.bytes.buffering' = '0';
CREATE STREAM readings (k VARCHAR KEY, n INT, d DOUBLE) WITH (kafka_topic='readings', value_format='json', partitions=1);
CREATE TABLE summary AS SELECT k, MIN(n) AS least, MAX(d) AS most, AVG(d) AS mean, COUNT(n) AS given, COUNT(*) AS n FROM readings GROUP BY k;
CREATE TABLE positive WITH (kafka_topic='positive') AS SELECT k, SUM(n) AS total FROM readings GROUP BY k HAVING SUM(n) > 0;
CREATE TABLE never AS SELECT k, MAX(n) AS most FROM readings GROUP BY k HAVING MAX(n) IS NULL;
INSERT INTO readings (ROWTIME, k) VALUES (1, 'a');
INSERT INTO readings (ROWTIME, k, n, d) VALUES (2, 'b', -3, 0.5);
INSERT INTO readings (ROWTIME, k, n) VALUES (3, 'b', 7);
INSERT INTO readings (ROWTIME, k, n) VALUES (4, 'b', -5);
INSERT INTO readings (ROWTIME, k, n) VALUES (5, 'b', -1);
INSERT INTO readings (ROWTIME, k, n) VALUES (6, 'b', 4);
SELECT * FROM summary;
SELECT * FROM positive;
SELECT * FROM never;
PRINT positive FROM BEGINNING LIMIT 3;
