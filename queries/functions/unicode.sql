-- Texts count in UTF-16 units, as in Java: an emoji counts twice and can be cut apart.
CREATE STREAM words (id INT KEY, t VARCHAR) WITH (kafka_topic='words', value_format='json', partitions=1);
INSERT INTO words VALUES (1, 'ö🎈z');
INSERT INTO words VALUES (2, 'Ünal');
SELECT id, LEN(t) AS len, SUBSTRING(t, 1, 2) AS two, SUBSTRING(t, -2) AS tail, INSTR(t, 'z') AS at_char, UCASE(t) AS upper,
       LPAD(t, 6, '*') AS padded, INITCAP(t) AS proper, REPLACE(t, 'ö', 'o') AS plain FROM words;
-- A lambda may use the columns of its row, here a path for each element.
CREATE STREAM lookups (id INT KEY, doc VARCHAR, paths ARRAY<VARCHAR>) WITH (kafka_topic='lookups', value_format='json', partitions=1);
INSERT INTO lookups VALUES (1, '{"a": 4, "b": {"c": "five"}}', ARRAY['.a', '.b.c', '.d']);
SELECT TRANSFORM(paths, p => EXTRACTJSONFIELD(doc, '$' + p)) AS found FROM lookups;
