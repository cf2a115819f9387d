-- Arrays, maps and structs: declared, built, taken apart.
SET 'auto.offset.reset' = 'earliest';
CREATE TYPE address AS STRUCT<street VARCHAR, zip INT>;
CREATE STREAM people (id INT KEY, home address, tags ARRAY<VARCHAR>, scores MAP<VARCHAR, INT>)
  WITH (kafka_topic='people', value_format='json', partitions=1);
INSERT INTO people (id, home, tags, scores)
  VALUES (1, STRUCT(street := 'Mill Lane', zip := 4711), ARRAY['a', 'b'], MAP('x' := 1, 'y' := 2));
SELECT id, home->street AS street, tags[1] AS first, tags[-1] AS last, scores['y'] AS y, ARRAY_LENGTH(tags) AS n
  FROM people EMIT CHANGES LIMIT 1;
