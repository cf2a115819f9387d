-- AVRO works on a fresh server: it keeps the schemas itself. Keys may be AVRO, too; a table of several keys has a record.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM views (user_id BIGINT KEY, page VARCHAR, place STRUCT<city VARCHAR, point ARRAY<DOUBLE>>, seen TIMESTAMP, price DECIMAL(6, 2))
  WITH (kafka_topic='views', format='AVRO', partitions=1);
INSERT INTO views (ROWTIME, user_id, page, place, seen, price)
  VALUES (1000, 7, 'home', STRUCT(city := 'Bern', point := ARRAY[46.9, 7.4]), '2024-02-29T12:00:00', 1.50);
INSERT INTO views (ROWTIME, user_id, page) VALUES (2000, 8, 'cart');
CREATE STREAM views_again WITH (kafka_topic='views', format='AVRO');
DESCRIBE views_again;
SELECT * FROM views_again;
PRINT views FROM BEGINNING LIMIT 2;
CREATE TABLE counts WITH (key_format='AVRO', value_format='AVRO') AS
  SELECT page, place->city AS city, COUNT(*) AS n FROM views GROUP BY page, place->city;
SELECT page, city, n FROM counts EMIT CHANGES LIMIT 1;
ASSERT SCHEMA SUBJECT 'COUNTS-key';
-- A schema by its number keeps the case of its names.
CREATE STREAM named (k BIGINT KEY) WITH (kafka_topic='views', key_format='AVRO', value_format='AVRO', value_schema_id=2);
DESCRIBE named;
DROP TABLE counts DELETE TOPIC;
ASSERT NOT EXISTS SCHEMA SUBJECT 'COUNTS-value';
