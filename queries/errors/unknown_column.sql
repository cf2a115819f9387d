-- What is wrong, where, and what was probably meant.
CREATE STREAM riders (id VARCHAR KEY, latitude DOUBLE) WITH (kafka_topic='riders', value_format='json', partitions=1);
SELECT id, latitud FROM riders EMIT CHANGES;
