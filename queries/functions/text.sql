-- Functions on texts.
CREATE STREAM names (id INT KEY, name VARCHAR) WITH (kafka_topic='names', value_format='json', partitions=1);
INSERT INTO names (id, name) VALUES (1, '  Ada LOVELACE ');
SELECT TRIM(name) AS trimmed, UCASE(name) AS upper, LCASE(TRIM(name)) AS lower, INITCAP(TRIM(name)) AS proper FROM names;
SELECT LEN(name) AS len, SUBSTRING(TRIM(name), 5) AS rest, SUBSTRING(TRIM(name), 1, 3) AS first,
       INSTR(name, 'LOVE') AS at_char, REPLACE(TRIM(name), 'LACE', 'ly') AS changed FROM names;
SELECT LPAD('7', 3, '0') AS lpad, RPAD('ab', 4, '-') AS rpad, CONCAT('a', 'b', 'c') AS concat, CONCAT_WS('/', 'a', NULL, 'c') AS ws,
       SPLIT('a,b,,c', ',') AS split, SPLIT_TO_MAP('k=1;l=2', ';', '=') AS pairs FROM names;
SELECT REGEXP_EXTRACT('([a-z]+)@([a-z.]+)', 'me: ada@mill.org', 2) AS host, REGEXP_REPLACE('a1b22', '[0-9]+', '#') AS digits,
       REGEXP_SPLIT_TO_ARRAY('one  two', ' +') AS words, name LIKE '%LOVE%' AS loves FROM names;
SELECT MASK('AbC-12') AS masked, MASK_KEEP_RIGHT('4012-8888', 4) AS tail, FIELD('b', 'a', 'b') AS field, ELT(2, 'x', 'y') AS elt,
       CHR(9731) AS chr, UCASE('straße') AS strasse FROM names;
SELECT URL_EXTRACT_HOST('https://mill.org:8080/a?q=1') AS host, URL_EXTRACT_PARAMETER('https://mill.org/a?q=1', 'q') AS q,
       URL_ENCODE_PARAM('a b&c') AS encoded FROM names;
