-- A stream may consist of its key alone: the values of its records are empty.
SET 'auto.offset.reset'='earliest';
CREATE STREAM visits (page VARCHAR KEY) WITH (kafka_topic='visits', value_format='json', partitions=1);
INSERT INTO visits (rowtime, page) VALUES (1000, 'home');
INSERT INTO visits (rowtime, page) VALUES (2000, 'cart');
INSERT INTO visits (rowtime, page) VALUES (3000, 'home');
CREATE TABLE visited AS SELECT page, COUNT(*) AS times FROM visits GROUP BY page;
SELECT * FROM visited WHERE page = 'home';
