-- A column that is nearly right.
CREATE STREAM riders (id INT KEY, name VARCHAR, km DOUBLE) WITH (kafka_topic='riders', value_format='json', partitions=1);
INSERT INTO riders (id, nmae) VALUES (1, 'Bo');
