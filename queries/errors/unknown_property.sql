-- A property of WITH that does not exist.
CREATE STREAM people (id INT KEY, name VARCHAR) WITH (kafka_topic='people', value_fromat='json', partitions=1);
