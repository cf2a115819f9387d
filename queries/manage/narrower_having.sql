-- The same with HAVING: groups that do not belong any more get tombstones.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM visits (page STRING KEY, ms INT) WITH (kafka_topic='visits', value_format='json', partitions=1);
CREATE TABLE popular AS SELECT page, COUNT(*) AS n FROM visits GROUP BY page HAVING COUNT(*) > 0;
INSERT INTO visits VALUES ('home', 10);
INSERT INTO visits VALUES ('help', 10);
INSERT INTO visits VALUES ('home', 10);
SELECT * FROM popular;
CREATE OR REPLACE TABLE popular AS SELECT page, COUNT(*) AS n FROM visits GROUP BY page HAVING COUNT(*) > 1;
SELECT * FROM popular;
INSERT INTO visits VALUES ('help', 10);
SELECT * FROM popular;
