-- The same rows as JSON, DELIMITED and KAFKA; PRINT shows the bytes of the topics.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM readings (id INT KEY, label VARCHAR, amount DECIMAL(6, 2), seen BOOLEAN)
  WITH (kafka_topic='readings', value_format='json', partitions=1);
CREATE STREAM as_text WITH (kafka_topic='as_text', value_format='delimited') AS SELECT * FROM readings;
CREATE STREAM labels WITH (kafka_topic='labels', value_format='kafka') AS SELECT id, label FROM readings;
INSERT INTO readings (id, label, amount, seen) VALUES (1, 'one, two', 3.50, true);
INSERT INTO readings (id, label, amount, seen) VALUES (2, 'three', NULL, false);
SELECT * FROM as_text EMIT CHANGES LIMIT 2;
SELECT * FROM labels EMIT CHANGES LIMIT 2;
