-- HAVING keeps the groups whose result fulfils a condition; a group that does so no longer leaves the table.
SET 'auto.offset.reset' = 'earliest';
SET 'cache.max.bytes.buffering' = '0';
CREATE STREAM moves (account INT KEY, amount INT) WITH (kafka_topic='moves', value_format='json', partitions=1);
CREATE TABLE rich AS SELECT account, SUM(amount) AS balance FROM moves GROUP BY account HAVING SUM(amount) > 100;
INSERT INTO moves (account, amount) VALUES (1, 80);
INSERT INTO moves (account, amount) VALUES (1, 40);
INSERT INTO moves (account, amount) VALUES (2, 500);
SELECT * FROM rich;
INSERT INTO moves (account, amount) VALUES (1, -60);
SELECT * FROM rich;
SELECT * FROM rich EMIT CHANGES LIMIT 3;
