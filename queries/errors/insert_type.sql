-- INSERT of a value whose type is not the column's.
CREATE STREAM parcels (id INT KEY, label VARCHAR, price DECIMAL(4, 2)) WITH (kafka_topic='parcels', value_format='json', partitions=1);
INSERT INTO parcels (label) VALUES (1);
