-- INSERT INTO … SELECT: several streams flow into one. Each statement is a query of its own and goes on until it is
-- terminated.
CREATE STREAM web (id INT KEY, amount INT) WITH (kafka_topic='web', value_format='json', partitions=1);
CREATE STREAM shop (id INT KEY, amount INT, till VARCHAR) WITH (kafka_topic='shop', value_format='json', partitions=1);
CREATE STREAM sales (id INT KEY, amount INT, origin VARCHAR)
  WITH (kafka_topic='sales', value_format='json', partitions=1);
SET 'auto.offset.reset' = 'earliest';
INSERT INTO sales SELECT id, amount, 'web' AS origin FROM web;
INSERT INTO sales SELECT id, amount, till AS origin FROM shop WHERE amount > 0;
INSERT INTO web (id, amount) VALUES (1, 20);
SELECT * FROM sales EMIT CHANGES LIMIT 1;
INSERT INTO shop (id, amount, till) VALUES (2, 0, 'till 4');
INSERT INTO shop (id, amount, till) VALUES (3, 7, 'till 4');
SELECT * FROM sales EMIT CHANGES LIMIT 2;
