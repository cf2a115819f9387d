-- FULL JOIN of tables: a row stands as long as one side has it; when the last goes, the joined row is deleted.
SET 'auto.offset.reset' = 'earliest';
SET 'cache.max.bytes.buffering' = '0';
CREATE TABLE keys_out (id INT PRIMARY KEY, who VARCHAR) WITH (kafka_topic='keys_out', value_format='json', partitions=1);
CREATE TABLE rooms (id INT PRIMARY KEY, floor VARCHAR) WITH (kafka_topic='rooms', value_format='json', partitions=1);
CREATE STREAM rooms_gone (id INT KEY, nothing VARCHAR) WITH (kafka_topic='rooms', value_format='kafka');
CREATE TABLE both_of WITH (kafka_topic='both_of') AS SELECT ROWKEY AS id, who, floor FROM keys_out k FULL JOIN rooms r ON k.id = r.id;
INSERT INTO rooms (ROWTIME, id, floor) VALUES (1, 7, 'second');
SELECT * FROM both_of;
INSERT INTO rooms_gone (ROWTIME, id, nothing) VALUES (2, 7, NULL);
SELECT * FROM both_of;
INSERT INTO keys_out (ROWTIME, id, who) VALUES (3, 7, 'Uwe');
SELECT * FROM both_of;
PRINT both_of FROM BEGINNING LIMIT 3;
