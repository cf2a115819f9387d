-- INSERT into a column that is not there.
CREATE STREAM parcels (id INT KEY, label VARCHAR, price DECIMAL(4, 2)) WITH (kafka_topic='parcels', value_format='json', partitions=1);
INSERT INTO parcels (id, nothing) VALUES (1, 2);
