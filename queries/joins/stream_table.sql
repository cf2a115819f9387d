-- Every order finds its customer as the table was at that moment.
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR)
  WITH (kafka_topic='customers', value_format='json', partitions=1);
CREATE STREAM orders (customer INT KEY, item VARCHAR) WITH (kafka_topic='orders', value_format='json', partitions=1);
INSERT INTO customers (rowtime, id, name) VALUES (1, 1, 'Ada');
INSERT INTO orders (rowtime, customer, item) VALUES (10, 1, 'book');
INSERT INTO customers (rowtime, id, name) VALUES (20, 1, 'Ada Lovelace');
INSERT INTO orders (rowtime, customer, item) VALUES (30, 1, 'lamp');
INSERT INTO orders (rowtime, customer, item) VALUES (40, 2, 'ink');
CREATE STREAM named AS
  SELECT o.customer AS customer, c.name AS name, o.item AS item FROM orders o LEFT JOIN customers c ON o.customer = c.id;
SELECT * FROM named EMIT CHANGES LIMIT 3;
