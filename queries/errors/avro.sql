-- Formats with a registry are not there yet.
CREATE STREAM riders WITH (kafka_topic='riders', value_format='avro', partitions=1);
