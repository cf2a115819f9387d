-- Keys have the names of their columns.
CREATE STREAM riders (id INT KEY, name VARCHAR, km DOUBLE) WITH (kafka_topic='riders', value_format='json', partitions=1);
SELECT ROWKEY, name FROM riders EMIT CHANGES;
