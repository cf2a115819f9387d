-- DECIMAL keeps every digit, also those that DOUBLE cannot: read from JSON and DELIMITED, shown, and written again. A number
-- with more digits than the column has drops its record.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM raw (id INT KEY, v VARCHAR) WITH (kafka_topic='prices', value_format='kafka', partitions=1);
CREATE STREAM prices (id INT KEY, p DECIMAL(10, 2), q DECIMAL(19, 17)) WITH (kafka_topic='prices', value_format='json');
CREATE STREAM as_delimited WITH (kafka_topic='prices_delimited', value_format='delimited') AS SELECT * FROM prices;
INSERT INTO raw (ROWTIME, id, v) VALUES (0, 1, '{"p": 12.1, "q": 0.99999999999999999}');
INSERT INTO raw (ROWTIME, id, v) VALUES (0, 2, '{"p": "7", "q": 1.0E-3}');
INSERT INTO raw (ROWTIME, id, v) VALUES (0, 3, '{"p": 1.005, "q": 1}');
INSERT INTO raw (ROWTIME, id, v) VALUES (0, 4, '{"p": 123456789.1, "q": 1}');
INSERT INTO raw (ROWTIME, id, v) VALUES (0, 5, '{"p": 1e2, "q": 0}');
SELECT * FROM prices;
PRINT prices_delimited FROM BEGINNING LIMIT 3;
SELECT * FROM as_delimited;
