-- A record is dropped once its window and the grace period have passed by stream time.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM clicks (page VARCHAR KEY, n INT) WITH (kafka_topic='clicks', value_format='json', partitions=1);
-- Every update is to be seen, not only the last of several that come together.
SET 'cache.max.bytes.buffering' = '0';
CREATE TABLE per_window AS
  SELECT page, COUNT(*) AS clicks, SUM(n) AS total, WINDOWSTART AS ws, WINDOWEND AS we
  FROM clicks WINDOW TUMBLING (SIZE 30 SECONDS, GRACE PERIOD 1 MINUTE) GROUP BY page;
INSERT INTO clicks (rowtime, page, n) VALUES (0, 'home', 1);
INSERT INTO clicks (rowtime, page, n) VALUES (29999, 'home', 1);
INSERT INTO clicks (rowtime, page, n) VALUES (60000, 'home', 5);
INSERT INTO clicks (rowtime, page, n) VALUES (10, 'home', 2);     -- late, but within the grace period
INSERT INTO clicks (rowtime, page, n) VALUES (90000, 'home', 7);  -- closes the first window
INSERT INTO clicks (rowtime, page, n) VALUES (20, 'home', 9);     -- too late
INSERT INTO clicks (rowtime, page, n) VALUES (90001, 'home', 1);
SELECT page, clicks, total, ws, we FROM per_window EMIT CHANGES LIMIT 6;
