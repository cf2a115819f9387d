-- DELIMITED does not tell an empty text from NULL; a field with the delimiter in it is quoted; dates are numbers.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM rows_in (id INT KEY, a VARCHAR, b VARCHAR, n BIGINT, d DATE, t TIME, ts TIMESTAMP, y BYTES)
  WITH (kafka_topic='rows_in', value_format='delimited', value_delimiter='|', partitions=1);
INSERT INTO rows_in (ROWTIME, id, a, b) VALUES (1, 1, '', 'x|y');
INSERT INTO rows_in (ROWTIME, id, a, n, d, t, ts, y) VALUES (2, 2, 'z', -9223372036854775808, '1969-12-31', '23:59:59', '1969-12-31T23:59:59.999', TO_BYTES('00ff', 'hex'));
SELECT * FROM rows_in;
SELECT id, a IS NULL AS no_a, b IS NULL AS no_b FROM rows_in;
PRINT rows_in FROM BEGINNING LIMIT 2;
-- A record with too few or too many fields is left out, and so is one whose number is none.
CREATE STREAM raw (id INT KEY, v VARCHAR) WITH (kafka_topic='pairs', value_format='kafka', partitions=1);
CREATE STREAM pairs (id INT KEY, x INT, y VARCHAR) WITH (kafka_topic='pairs', value_format='delimited');
INSERT INTO raw VALUES (1, '1,one');
INSERT INTO raw VALUES (2, '2');
INSERT INTO raw VALUES (3, '3,three,3');
INSERT INTO raw VALUES (4, 'four,four');
INSERT INTO raw VALUES (5, '5,"with, comma"');
SELECT * FROM pairs;
