-- A table function makes several rows of one. Others beside it go on in step; what is shorter is filled with NULLs.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM baskets (id INT KEY, items ARRAY<VARCHAR>, prices ARRAY<INT>)
  WITH (kafka_topic='baskets', value_format='json', partitions=1);
INSERT INTO baskets (id, items, prices) VALUES (1, ARRAY['tea', 'jam'], ARRAY[4, 6]);
INSERT INTO baskets (id, items, prices) VALUES (2, ARRAY['ink'], ARRAY[3, 5]);
SELECT id, EXPLODE(items) AS item FROM baskets EMIT CHANGES LIMIT 3;
SELECT id, EXPLODE(items) AS item, EXPLODE(prices) AS price FROM baskets EMIT CHANGES LIMIT 4;
SELECT id, CUBE_EXPLODE(ARRAY[id, 7]) AS corner FROM baskets EMIT CHANGES LIMIT 4;
