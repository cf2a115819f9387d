-- ASSERT in scripts: go on only when a topic is there, as it should be.
CREATE STREAM cargo (id INT KEY, tons INT) WITH (kafka_topic='cargo', value_format='json', partitions=3);
ASSERT TOPIC cargo;
ASSERT TOPIC cargo WITH (partitions=3);
ASSERT NOT EXISTS TOPIC passengers TIMEOUT 1 SECONDS;
ASSERT TOPIC cargo WITH (partitions=4) TIMEOUT 1 SECONDS;
