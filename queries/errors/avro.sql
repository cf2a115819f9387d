-- Columns come from the subject's last schema; a topic that has none says where to look.
CREATE STREAM riders WITH (kafka_topic='riders', value_format='avro', partitions=1);
