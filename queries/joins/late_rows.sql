-- A LEFT join with a grace period waits for the match of a late row as long as the row's window and grace are open, and only
-- says that there is none when they have closed.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM orders (id INT KEY, item STRING) WITH (kafka_topic='orders', value_format='json', partitions=1);
CREATE STREAM payments (id INT KEY, method STRING) WITH (kafka_topic='payments', value_format='json', partitions=1);
CREATE STREAM paid AS
  SELECT o.id AS id, o.item AS item, p.method AS method
  FROM orders o LEFT JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 60 SECONDS ON o.id = p.id;
INSERT INTO orders (ROWTIME, id, item) VALUES (30000, 1, 'tea');
INSERT INTO orders (ROWTIME, id, item) VALUES (1000, 2, 'late, but in time');
INSERT INTO payments (ROWTIME, id, method) VALUES (2000, 2, 'card');
INSERT INTO orders (ROWTIME, id, item) VALUES (200000, 3, 'a new day');   -- closes the windows before
SELECT id, item, method FROM paid EMIT CHANGES LIMIT 2;
