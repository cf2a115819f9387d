-- Types that cannot be compared.
CREATE STREAM people (id INT KEY, name VARCHAR) WITH (kafka_topic='people', value_format='json', partitions=1);
SELECT * FROM people WHERE id > ARRAY[1] EMIT CHANGES;
