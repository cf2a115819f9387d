-- server: ksql.processing.deadletter.topic=lost
-- Records that a query cannot use go to a topic of their own, as they are, with headers that say why.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM lines (id INT KEY, line VARCHAR) WITH (kafka_topic='orders', value_format='kafka', partitions=1);
CREATE STREAM orders (id INT KEY, cents INT, pieces INT) WITH (kafka_topic='orders', value_format='json');
CREATE STREAM cheap AS SELECT id, cents FROM orders WHERE cents / pieces < 50;
INSERT INTO lines VALUES (1, '{"cents": 100, "pieces": 4}');
INSERT INTO lines VALUES (2, 'hundred for two');
INSERT INTO lines VALUES (3, '{"cents": 100, "pieces": 0}');
INSERT INTO lines VALUES (4, '{"cents": 10, "pieces": 1}');
SELECT * FROM cheap EMIT CHANGES LIMIT 2;
CREATE STREAM lost (id INT KEY, line VARCHAR, query_id BYTES HEADER('millstream.error.query'),
  step BYTES HEADER('millstream.error.step'), why BYTES HEADER('millstream.error.message'))
  WITH (kafka_topic='lost', value_format='kafka');
SELECT id, line, FROM_BYTES(query_id, 'utf8') AS query_id, FROM_BYTES(step, 'utf8') AS step, FROM_BYTES(why, 'utf8') AS why
  FROM lost EMIT CHANGES LIMIT 2;
