-- Rows come as the log has them.
CREATE STREAM riders (id INT KEY, name VARCHAR, km DOUBLE) WITH (kafka_topic='riders', value_format='json', partitions=1);
SELECT * FROM riders ORDER BY km EMIT CHANGES;
