-- Two streams meet only within a time.
CREATE STREAM a (id INT KEY, x INT) WITH (kafka_topic='a', value_format='json', partitions=1);
CREATE STREAM b (id INT KEY, y INT) WITH (kafka_topic='b', value_format='json', partitions=1);
SELECT * FROM a JOIN b ON a.id = b.id EMIT CHANGES;
