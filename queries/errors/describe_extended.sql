-- What to describe comes first.
CREATE STREAM riders (id INT KEY, name VARCHAR, km DOUBLE) WITH (kafka_topic='riders', value_format='json', partitions=1);
DESCRIBE EXTENDED riders;
