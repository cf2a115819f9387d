-- Two streams meet within a time: which orders were paid within an hour? With LEFT, those that were not are told when
-- the hour and the grace period have passed.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM orders (id INT KEY, item VARCHAR) WITH (kafka_topic='orders', value_format='json', partitions=1);
CREATE STREAM payments (id INT KEY, amount INT) WITH (kafka_topic='payments', value_format='json', partitions=1);
INSERT INTO orders (ROWTIME, id, item) VALUES (0, 1, 'lamp');
INSERT INTO payments (ROWTIME, id, amount) VALUES (600000, 1, 30);
INSERT INTO orders (ROWTIME, id, item) VALUES (700000, 2, 'desk');
INSERT INTO payments (ROWTIME, id, amount) VALUES (5000000, 2, 250);   -- more than an hour later
INSERT INTO orders (ROWTIME, id, item) VALUES (9000000, 3, 'pen');
INSERT INTO payments (ROWTIME, id, amount) VALUES (9000001, 3, 2);
CREATE STREAM paid AS
  SELECT o.id AS id, o.item AS item, p.amount AS amount
  FROM orders o JOIN payments p WITHIN 1 HOUR GRACE PERIOD 5 MINUTES ON o.id = p.id;
SELECT * FROM paid EMIT CHANGES LIMIT 2;
CREATE STREAM followed AS
  SELECT o.id AS id, o.item AS item, p.amount AS amount
  FROM orders o LEFT JOIN payments p WITHIN 1 HOUR GRACE PERIOD 5 MINUTES ON o.id = p.id;
SELECT * FROM followed EMIT CHANGES LIMIT 3;
