-- The function exists, but takes other arguments: all its forms are shown.
CREATE STREAM people (id INT KEY, name VARCHAR) WITH (kafka_topic='people', value_format='json', partitions=1);
SELECT INITCAP(id) FROM people EMIT CHANGES;
