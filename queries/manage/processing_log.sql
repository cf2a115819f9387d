-- server: ksql.logging.processing.topic.auto.create=true
-- server: ksql.logging.processing.stream.auto.create=true
-- What became of records and values that could not be used is a stream, too.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM lines (id INT KEY, line VARCHAR) WITH (kafka_topic='orders', value_format='kafka', partitions=1);
CREATE STREAM orders (id INT KEY, cents INT, pieces INT) WITH (kafka_topic='orders', value_format='json');
CREATE STREAM prices AS SELECT id, cents / pieces AS price FROM orders;
INSERT INTO lines VALUES (1, '{"cents": 100, "pieces": 4}');
INSERT INTO lines VALUES (2, 'hundred for two');
INSERT INTO lines VALUES (3, '{"cents": 100, "pieces": 0}');
SELECT * FROM prices EMIT CHANGES LIMIT 2;
DESCRIBE KSQL_PROCESSING_LOG;
SELECT logger, message->type, message->deserializationError->`topic`, message->deserializationError->errorMessage
  FROM KSQL_PROCESSING_LOG WHERE message->type = 0 AND logger LIKE '%PRICES%' EMIT CHANGES LIMIT 1;
SELECT logger, level, message->recordProcessingError->errorMessage
  FROM KSQL_PROCESSING_LOG WHERE message->type = 1 EMIT CHANGES LIMIT 1;
