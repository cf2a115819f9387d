-- Headers of Kafka records as columns: all of them, or the last value of one. They can be read, not inserted.
CREATE STREAM letters (
    id INT KEY,
    text VARCHAR,
    all_headers ARRAY<STRUCT<key VARCHAR, value BYTES>> HEADERS)
  WITH (kafka_topic='letters', value_format='json', partitions=1);
CREATE STREAM stamped (id INT KEY, text VARCHAR, stamp BYTES HEADER('stamp'))
  WITH (kafka_topic='letters', value_format='json');
DESCRIBE stamped;
INSERT INTO letters (id, text) VALUES (1, 'Dear all');
SELECT id, text, all_headers FROM letters;
SELECT id, stamp FROM stamped;
INSERT INTO stamped (id, stamp) VALUES (2, TO_BYTES('x', 'utf8'));
