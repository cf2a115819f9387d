-- A column that is neither grouped by nor aggregated.
CREATE STREAM people (id INT KEY, name VARCHAR, town VARCHAR)
  WITH (kafka_topic='people', value_format='json', partitions=1);
CREATE TABLE towns AS SELECT town, name, COUNT(*) AS n FROM people GROUP BY town;
