-- A value of a single column may be written as it is (unwrapped) or as a record of one field (wrapped).
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM bare (id INT KEY, temp INT)
  WITH (kafka_topic='bare', value_format='json', partitions=1, wrap_single_value=false);
CREATE STREAM wrapped WITH (kafka_topic='wrapped', wrap_single_value=true) AS SELECT * FROM bare;
INSERT INTO bare (ROWTIME, id, temp) VALUES (0, 1, 21);
SELECT * FROM wrapped EMIT CHANGES LIMIT 1;
PRINT bare FROM BEGINNING LIMIT 1;
PRINT wrapped FROM BEGINNING LIMIT 1;
