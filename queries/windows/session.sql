-- A session goes on as long as the pauses between rows are short. A row in between merges two sessions into one: the
-- old ones leave the table.
SET 'auto.offset.reset' = 'earliest';
SET 'cache.max.bytes.buffering' = '0';
CREATE STREAM taps (device VARCHAR KEY, x INT) WITH (kafka_topic='taps', value_format='json', partitions=1);
CREATE TABLE visits AS
  SELECT device, COUNT(*) AS taps, WINDOWSTART AS began, WINDOWEND AS ended
  FROM taps WINDOW SESSION (10 SECONDS, GRACE PERIOD 1 HOUR) GROUP BY device;
INSERT INTO taps (ROWTIME, device, x) VALUES (0, 'phone', 1);
INSERT INTO taps (ROWTIME, device, x) VALUES (4000, 'phone', 2);
INSERT INTO taps (ROWTIME, device, x) VALUES (20000, 'phone', 3);
SELECT device, taps, began, ended FROM visits WHERE device = 'phone';
INSERT INTO taps (ROWTIME, device, x) VALUES (12000, 'phone', 4);
SELECT device, taps, began, ended FROM visits WHERE device = 'phone';
SELECT device, taps, began, ended FROM visits EMIT CHANGES LIMIT 7;
