-- PROTOBUF has no NULL unless it is asked to tell it: by optional fields or by wrappers. PROTOBUF_NOSR needs no registry.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM readings (id INT KEY, n INT, t VARCHAR, tags ARRAY<VARCHAR>) WITH (kafka_topic='readings', value_format='PROTOBUF', partitions=1);
INSERT INTO readings (ROWTIME, id, n, t, tags) VALUES (1000, 1, 5, 'warm', ARRAY['a', 'b']);
INSERT INTO readings (ROWTIME, id, n) VALUES (2000, 2, NULL);
SELECT * FROM readings;
PRINT readings FROM BEGINNING LIMIT 2;
CREATE STREAM told (id INT KEY, n INT, t VARCHAR)
  WITH (kafka_topic='told', value_format='PROTOBUF', value_protobuf_nullable_representation='OPTIONAL', partitions=1);
INSERT INTO told (ROWTIME, id, n) VALUES (1000, 1, NULL);
INSERT INTO told (ROWTIME, id, n, t) VALUES (2000, 2, 0, '');
SELECT * FROM told;
CREATE STREAM told_again (id INT KEY) WITH (kafka_topic='told', value_format='PROTOBUF');
DESCRIBE told_again;
SELECT * FROM told_again;
CREATE STREAM bare (id INT KEY, n INT) WITH (kafka_topic='bare', value_format='PROTOBUF_NOSR', partitions=1);
INSERT INTO bare (ROWTIME, id, n) VALUES (1000, 1, 300);
SELECT * FROM bare;
ASSERT NOT EXISTS SCHEMA SUBJECT 'bare-value';
