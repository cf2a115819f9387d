-- A quote that is never closed.
CREATE STREAM people (id INT KEY, name VARCHAR) WITH (kafka_topic='people, value_format='json', partitions=1);
