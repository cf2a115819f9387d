-- Hopping windows overlap: a row belongs to every window that covers it.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM calls (line VARCHAR KEY, secs INT) WITH (kafka_topic='calls', value_format='json', partitions=1);
INSERT INTO calls (ROWTIME, line, secs) VALUES (12000, 'A', 60);
INSERT INTO calls (ROWTIME, line, secs) VALUES (17000, 'A', 30);
INSERT INTO calls (ROWTIME, line, secs) VALUES (26000, 'A', 5);
CREATE TABLE busy AS
  SELECT line, COUNT(*) AS n, SUM(secs) AS secs
  FROM calls WINDOW HOPPING (SIZE 20 SECONDS, ADVANCE BY 10 SECONDS) GROUP BY line;
SELECT * FROM busy WHERE line = 'A';
