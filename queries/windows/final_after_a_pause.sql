-- EMIT FINAL emits every window once, however far stream time jumps between two records.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM meters (house INT KEY, watts INT) WITH (kafka_topic='meters', value_format='json', partitions=1);
CREATE TABLE per_minute AS
  SELECT house, COUNT(*) AS readings, WINDOWSTART AS start
  FROM meters WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 0 SECONDS) GROUP BY house EMIT FINAL;
CREATE TABLE overlapping AS
  SELECT house, COUNT(*) AS readings, WINDOWSTART AS start
  FROM meters WINDOW HOPPING (SIZE 2 MINUTES, ADVANCE BY 1 MINUTE, GRACE PERIOD 0 SECONDS) GROUP BY house EMIT FINAL;
CREATE TABLE busy AS
  SELECT house, COUNT(*) AS readings, WINDOWSTART AS start
  FROM meters WINDOW SESSION (1 MINUTE, GRACE PERIOD 0 SECONDS) GROUP BY house EMIT FINAL;
INSERT INTO meters (ROWTIME, house, watts) VALUES (1000, 1, 300);
INSERT INTO meters (ROWTIME, house, watts) VALUES (72000, 2, 800);
INSERT INTO meters (ROWTIME, house, watts) VALUES (86400000, 3, 100);   -- a day later
INSERT INTO meters (ROWTIME, house, watts) VALUES (999999999999, 4, 1); -- years later
SELECT house, readings, start FROM per_minute EMIT CHANGES LIMIT 3;
SELECT house, readings, start FROM overlapping EMIT CHANGES LIMIT 5;
SELECT house, readings, start FROM busy EMIT CHANGES LIMIT 3;
