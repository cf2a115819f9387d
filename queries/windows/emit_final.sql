-- EMIT FINAL: one result for each window, when the window and its grace period have passed by stream time.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM meters (house INT KEY, watts INT) WITH (kafka_topic='meters', value_format='json', partitions=1);
CREATE TABLE per_minute AS
  SELECT house, MAX(watts) AS peak, WINDOWSTART AS minute
  FROM meters WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 10 SECONDS) GROUP BY house EMIT FINAL;
INSERT INTO meters (ROWTIME, house, watts) VALUES (1000, 1, 300);
INSERT INTO meters (ROWTIME, house, watts) VALUES (59000, 1, 800);
INSERT INTO meters (ROWTIME, house, watts) VALUES (65000, 1, 100);
INSERT INTO meters (ROWTIME, house, watts) VALUES (30000, 1, 900);   -- late, within the grace period
INSERT INTO meters (ROWTIME, house, watts) VALUES (70000, 2, 50);    -- closes the first minute
INSERT INTO meters (ROWTIME, house, watts) VALUES (131000, 2, 60);   -- closes the second
SELECT house, peak, minute FROM per_minute EMIT CHANGES LIMIT 3;
