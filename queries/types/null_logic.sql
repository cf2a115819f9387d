-- Conditions are TRUE, FALSE or NULL: AND, OR and NOT follow SQL. A comparison with NULL is FALSE here, as in ksqlDB.
CREATE STREAM facts (id INT KEY, n INT, sure BOOLEAN, word VARCHAR)
  WITH (kafka_topic='facts', value_format='json', partitions=1);
INSERT INTO facts (id, n, sure, word) VALUES (1, 7, true, 'oak');
INSERT INTO facts (id) VALUES (2);
SELECT id, n = 7 OR sure AS either, n = 7 AND sure AS both_hold, NOT sure AS unsure, NOT (n = 7) AS another FROM facts;
SELECT id, n IN (7, NULL) AS among, n NOT IN (8) AS elsewhere, n BETWEEN 1 AND 9 AS inside, n NOT BETWEEN 1 AND 9 AS outside FROM facts;
SELECT id, word LIKE '%' AS alike, word NOT LIKE 'elm' AS unlike, n IS DISTINCT FROM 7 AS other, n IS NOT DISTINCT FROM NULL AS none FROM facts;
-- Arithmetic with NULL is NULL; CONCAT leaves NULL out; NULL fields of what is built stay.
SELECT id, n + 1 AS more, CONCAT(word, '!') AS loud, ARRAY[n, 0] AS listed, MAP('n' := n) AS mapped, STRUCT(n := n, w := UCASE(word)) AS both_of FROM facts;
-- What is NULL has NULL inside.
CREATE STREAM trees (id INT KEY, site STRUCT<town VARCHAR, spot STRUCT<x INT>>, rings ARRAY<STRUCT<mm INT>>, notes MAP<VARCHAR, VARCHAR>)
  WITH (kafka_topic='trees', value_format='json', partitions=1);
INSERT INTO trees (id) VALUES (1);
INSERT INTO trees (id, site, rings, notes) VALUES (2, STRUCT(town := 'Ulm', spot := STRUCT(x := 3)), ARRAY[STRUCT(mm := 4)], MAP('a' := 'b'));
SELECT id, IFNULL(site->town, 'nowhere') AS town, COALESCE(site->spot->x, -1) AS x, COALESCE(rings[1]->mm, -2) AS first,
       COALESCE(rings[9]->mm, -3) AS ninth, COALESCE(notes['a'], 'none') AS a, LEN(notes['z']) AS z, ARRAY_LENGTH(rings) AS n FROM trees;
