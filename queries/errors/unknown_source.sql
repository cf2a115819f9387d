-- A stream that does not exist, but almost.
CREATE STREAM people (id INT KEY, name VARCHAR) WITH (kafka_topic='people', value_format='json', partitions=1);
SELECT * FROM peopel EMIT CHANGES;
