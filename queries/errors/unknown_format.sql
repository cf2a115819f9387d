-- A format that there is not.
CREATE STREAM notes (id INT KEY, body VARCHAR) WITH (kafka_topic='notes', value_format='jsn', partitions=1);
