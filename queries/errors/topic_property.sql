-- The topic's property is not called TOPIC.
CREATE STREAM notes (id INT KEY, body VARCHAR)
  WITH (topic='notes', value_format='json',
        partitions=1);
