-- A query with EMIT CHANGES goes on for ever, or until its LIMIT: it is pushed rows as they come.
-- Without EMIT CHANGES it ends with what is there now: it pulls.
CREATE STREAM parcels (id INT KEY, town VARCHAR, grams INT)
  WITH (kafka_topic='parcels', value_format='json', partitions=1);
INSERT INTO parcels (id, town, grams) VALUES (1, 'Oslo', 900);
INSERT INTO parcels (id, town, grams) VALUES (2, 'Bergen', 150);
INSERT INTO parcels (id, town, grams) VALUES (3, 'Oslo', 40);

-- Pulled from a stream: all of it, whatever the offset reset says.
SELECT * FROM parcels;
SELECT id, grams FROM parcels WHERE town = 'Oslo' LIMIT 1;

-- Pushed: new rows only, unless the query is to begin with the oldest.
SET 'auto.offset.reset' = 'earliest';
SELECT id, town FROM parcels EMIT CHANGES LIMIT 3;
SELECT id, grams / 1000.0 AS kilos FROM parcels WHERE grams >= 100 EMIT CHANGES LIMIT 2;
