-- CREATE OR REPLACE TABLE with a narrower filter: rows that do not belong any more go at once, from the table and, by a
-- tombstone, from its topic.
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE prices (item STRING PRIMARY KEY, price INT) WITH (kafka_topic='prices', value_format='json', partitions=1);
CREATE TABLE known AS SELECT * FROM prices;
INSERT INTO prices (ROWTIME, item, price) VALUES (1, 'tea', 3);
INSERT INTO prices (ROWTIME, item, price) VALUES (2, 'wine', 12);
INSERT INTO prices (ROWTIME, item, price) VALUES (3, 'caviar', 90);
SELECT * FROM known;
CREATE OR REPLACE TABLE known AS SELECT * FROM prices WHERE price < 50;
CREATE OR REPLACE TABLE known AS SELECT * FROM prices WHERE price < 10;
INSERT INTO prices (ROWTIME, item, price) VALUES (4, 'salt', 1);
SELECT * FROM known;
INSERT INTO prices (ROWTIME, item, price) VALUES (5, 'tea', 11);
SELECT * FROM known;
PRINT 'KNOWN' FROM BEGINNING LIMIT 7;
