-- A table with several key columns is asked by all of them, by some, by ranges, by expressions.
CREATE STREAM sales (shop VARCHAR, day INT, cents INT) WITH (kafka_topic='sales', value_format='json', partitions=1);
CREATE TABLE daily WITH (key_format='json') AS SELECT shop, day, SUM(cents) AS cents FROM sales GROUP BY shop, day;
INSERT INTO sales VALUES ('north', 1, 10);
INSERT INTO sales VALUES ('north', 2, 20);
INSERT INTO sales VALUES ('south', 1, 30);
INSERT INTO sales VALUES ('south', 3, 40);
SELECT * FROM daily WHERE shop = 'north' AND day = 2;
SELECT * FROM daily WHERE day > 1 AND day < 4;
SELECT * FROM daily WHERE shop IN ('north', 'west') AND day IN (1, 3);
SELECT * FROM daily WHERE shop = 'south' AND day = 3 OR cents = 10;
SELECT * FROM daily WHERE day + 1 = 2 AND LEN(shop) = 5;
SELECT * FROM daily WHERE day BETWEEN 2 AND 3 AND shop LIKE 's%';
