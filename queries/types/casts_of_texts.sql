-- Texts that are no number are NULL; blanks around one do not matter; for BOOLEAN a beginning is enough.
CREATE STREAM scraps (id INT KEY, t VARCHAR) WITH (kafka_topic='scraps', value_format='json', partitions=1);
INSERT INTO scraps VALUES (1, ' 64 ');
INSERT INTO scraps VALUES (2, '2.75');
INSERT INTO scraps VALUES (3, '9e2');
INSERT INTO scraps VALUES (4, '99999999999');
INSERT INTO scraps VALUES (5, 'y');
INSERT INTO scraps VALUES (6, '');
INSERT INTO scraps VALUES (7, '-7');
SELECT id, CAST(t AS BOOLEAN) AS b, CAST(t AS INT) AS i, CAST(t AS BIGINT) AS l, CAST(t AS DOUBLE) AS d, CAST(t AS DECIMAL(7, 1)) AS n FROM scraps;
