-- The newer planner lets a stream go on without its key: a part of it that is selected is a value then.
CREATE STREAM visits (site INT KEY, visitor INT KEY, pages INT) WITH (kafka_topic='visits', format='json', partitions=1);
SET 'ksql.new.query.planner.enabled'='true';
SET 'auto.offset.reset'='earliest';
CREATE STREAM by_site AS SELECT site, pages FROM visits;
CREATE STREAM lengths AS SELECT pages FROM visits;
INSERT INTO visits VALUES (1, 7, 3);
INSERT INTO visits VALUES (1, 8, 6);
SELECT * FROM by_site EMIT CHANGES LIMIT 2;
SELECT * FROM lengths EMIT CHANGES LIMIT 2;
