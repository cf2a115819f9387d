-- INSERT with more values than there are columns: nothing is written.
CREATE STREAM parcels (id INT KEY, label VARCHAR, price DECIMAL(4, 2), codes ARRAY<INT>)
  WITH (kafka_topic='parcels', value_format='json', partitions=1);
INSERT INTO parcels VALUES (1, 'a', 1.00, ARRAY[1], 5);
