-- Several joins in one statement: a stream of orders, the customer, and the town of the customer. The second join is on
-- another column, so that the rows are repartitioned on the way.
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR, town INT)
  WITH (kafka_topic='customers', value_format='json', partitions=1);
CREATE TABLE towns (id INT PRIMARY KEY, name VARCHAR) WITH (kafka_topic='towns', value_format='json', partitions=1);
CREATE STREAM orders (customer INT, item VARCHAR) WITH (kafka_topic='orders', value_format='json', partitions=1);
INSERT INTO towns (ROWTIME, id, name) VALUES (1, 5, 'Ghent');
INSERT INTO customers (ROWTIME, id, name, town) VALUES (2, 1, 'Ada', 5);
INSERT INTO orders (ROWTIME, customer, item) VALUES (3, 1, 'kite');
INSERT INTO orders (ROWTIME, customer, item) VALUES (4, 9, 'drum');
CREATE STREAM shipping AS
  SELECT t.id AS town_id, o.item AS item, c.name AS customer, t.name AS town
  FROM orders o
  JOIN customers c ON o.customer = c.id
  LEFT JOIN towns t ON c.town = t.id;
SELECT * FROM shipping EMIT CHANGES LIMIT 1;
