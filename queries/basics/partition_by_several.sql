-- PARTITION BY an expression and a column: the key is made of both, in this order, whatever the SELECT list says. BY NULL
-- gives the key up.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM cells (id INT KEY, x INT, y INT, v INT) WITH (kafka_topic='cells', value_format='json', partitions=1);
CREATE STREAM by_spot WITH (key_format='json', kafka_topic='by_spot') AS SELECT y, x * 10 AS x10, v FROM cells PARTITION BY x * 10, y;
CREATE STREAM by_nothing WITH (kafka_topic='by_nothing') AS SELECT id, v FROM cells PARTITION BY NULL;
INSERT INTO cells (ROWTIME, id, x, y, v) VALUES (0, 1, 2, 3, 4);
SELECT * FROM by_spot EMIT CHANGES LIMIT 1;
SELECT y, v, x10 FROM by_spot EMIT CHANGES LIMIT 1;
SELECT * FROM by_nothing EMIT CHANGES LIMIT 1;
PRINT by_spot FROM BEGINNING LIMIT 1;
PRINT by_nothing FROM BEGINNING LIMIT 1;
