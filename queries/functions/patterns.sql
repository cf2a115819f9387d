-- LIKE knows % and _ only, everything else stands for itself; ESCAPE names the character that takes their meaning away.
CREATE STREAM labels (id INT KEY, text VARCHAR, pattern VARCHAR) WITH (kafka_topic='labels', value_format='json', partitions=1);
INSERT INTO labels VALUES (1, '[1.5](x)+$', '[1.5](x)+$');
INSERT INTO labels VALUES (2, 'a1b', 'a.b');
INSERT INTO labels VALUES (3, 'under_score', 'under_score');
INSERT INTO labels VALUES (4, '50% off', '%!%%');
SELECT id FROM labels WHERE text LIKE pattern;
SELECT id FROM labels WHERE text LIKE '%!%%' ESCAPE '!';
SELECT id FROM labels WHERE text LIKE '%!_%' ESCAPE '!';
SELECT id FROM labels WHERE text NOT LIKE '[%';
-- Regular expressions: groups, lazy repetition, all matches, line breaks.
CREATE STREAM pages (id INT KEY, body VARCHAR) WITH (kafka_topic='pages', value_format='json', partitions=1);
INSERT INTO pages VALUES (1, '<b>one</b> 22-333 <b>two</b>');
SELECT REGEXP_EXTRACT('<b>(.*?)</b>', body, 1) AS first, REGEXP_EXTRACT_ALL('<b>(.*?)</b>', body, 1) AS each,
       REGEXP_EXTRACT('(\d+)-(\d+)', body, 2) AS behind, REGEXP_REPLACE(body, '\d+', '<$0>') AS marked,
       REGEXP_SPLIT_TO_ARRAY('a1b22c', '\d+') AS parts, REGEXP_EXTRACT('x\*y', 'say x*y') AS literal FROM pages;
