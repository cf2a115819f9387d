-- The key is a column that is marked as such.
CREATE STREAM riders (id INT, name VARCHAR)
  WITH (kafka_topic='riders', value_format='json', key='id');
