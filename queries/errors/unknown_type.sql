-- A type that there is not: the hint names the one that is meant.
CREATE STREAM notes (id INTEGR KEY, body VARCHAR)
  WITH (kafka_topic='notes', value_format='json', partitions=1);
