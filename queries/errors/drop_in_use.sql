-- What is still read cannot be dropped.
CREATE STREAM a (id INT KEY, x INT) WITH (kafka_topic='a', value_format='json', partitions=1);
CREATE STREAM b AS SELECT * FROM a;
DROP STREAM a;
