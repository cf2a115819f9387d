-- INSERT of more digits behind the point than the column has.
CREATE STREAM parcels (id INT KEY, label VARCHAR, price DECIMAL(4, 2)) WITH (kafka_topic='parcels', value_format='json', partitions=1);
INSERT INTO parcels (price) VALUES (1.234);
