-- From one type to another, and what NULL does.
CREATE STREAM one (id INT KEY, b BOOLEAN, n BIGINT, d DOUBLE, s VARCHAR)
  WITH (kafka_topic='one', value_format='json', partitions=1);
INSERT INTO one (id, b, n, d, s) VALUES (1, true, 42, 2.75, '17');
INSERT INTO one (id) VALUES (2);
SELECT id, CAST(n AS VARCHAR) AS text, CAST(s AS INT) + 1 AS number, CAST(d AS INT) AS cut, CAST(b AS VARCHAR) AS yes FROM one;
SELECT id, COALESCE(s, 'none') AS s, IFNULL(b, false) AS b, NULLIF(s, '17') AS no17, s IS NULL AS missing,
       CASE WHEN d > 2 THEN 'big' WHEN d <= 2 THEN 'small' ELSE 'unknown' END AS extent FROM one;
SELECT id, n BETWEEN 40 AND 50 AS within_50, n IN (1, 42) AS among, NOT b AS not_b, d <> 2 AS differs FROM one;
