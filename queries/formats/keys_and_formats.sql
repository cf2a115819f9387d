-- Keys have a format of their own, and may be made of several columns. The topics hold the same rows, written in
-- different ways; PRINT shows what is there.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM rooms (house VARCHAR KEY, floor INT KEY, name VARCHAR, heated BOOLEAN)
  WITH (kafka_topic='rooms', format='json', partitions=1);
INSERT INTO rooms (ROWTIME, house, floor, name, heated) VALUES (0, 'mill', 2, 'loft, south', false);
CREATE STREAM as_delimited WITH (kafka_topic='rooms_delimited', format='delimited') AS SELECT * FROM rooms;
CREATE STREAM piped WITH (kafka_topic='rooms_piped', value_format='delimited', value_delimiter='|') AS SELECT * FROM rooms;
CREATE STREAM one_text WITH (kafka_topic='room_names', key_format='none', value_format='kafka') AS
  SELECT name FROM rooms PARTITION BY NULL;
SELECT * FROM as_delimited EMIT CHANGES LIMIT 1;
SELECT * FROM piped EMIT CHANGES LIMIT 1;
SELECT * FROM one_text EMIT CHANGES LIMIT 1;
PRINT rooms FROM BEGINNING LIMIT 1;
PRINT rooms_delimited FROM BEGINNING LIMIT 1;
PRINT rooms_piped FROM BEGINNING LIMIT 1;
PRINT room_names FROM BEGINNING LIMIT 1;
