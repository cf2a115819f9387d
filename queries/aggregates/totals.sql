-- A table kept up to date; pull queries by key and over the whole table.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM orders (customer VARCHAR KEY, item VARCHAR, price INT)
  WITH (kafka_topic='orders', value_format='json', partitions=1);
-- Every update is to be seen, not only the last of several that come together.
SET 'cache.max.bytes.buffering' = '0';
CREATE TABLE totals AS
  SELECT customer, COUNT(*) AS n, SUM(price) AS total, MIN(price) AS least, MAX(price) AS most, AVG(price) AS mean,
         LATEST_BY_OFFSET(item) AS latest, COLLECT_LIST(item) AS items
  FROM orders GROUP BY customer HAVING COUNT(*) > 1;
INSERT INTO orders (customer, item, price) VALUES ('ada', 'book', 20);
INSERT INTO orders (customer, item, price) VALUES ('bob', 'pen', 2);
INSERT INTO orders (customer, item, price) VALUES ('ada', 'lamp', 31);
INSERT INTO orders (customer, item, price) VALUES ('ada', 'pen', 2);
INSERT INTO orders (customer, item, price) VALUES ('bob', 'ink', 4);
SELECT customer, n, total FROM totals EMIT CHANGES LIMIT 3;
SELECT * FROM totals WHERE customer = 'ada';
SELECT customer, total FROM totals WHERE total < 10;
