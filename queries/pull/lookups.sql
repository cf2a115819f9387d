-- A table that a query keeps is asked by key, by ranges, by windows, or as a whole.
CREATE STREAM visits (page VARCHAR, stay INT) WITH (kafka_topic='visits', value_format='json', partitions=2);
CREATE TABLE per_page AS SELECT page, COUNT(*) AS n, SUM(stay) AS total FROM visits GROUP BY page;
CREATE TABLE per_hour AS SELECT page, COUNT(*) AS n FROM visits WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY page;
INSERT INTO visits (ROWTIME, page, stay) VALUES (0, 'home', 5);
INSERT INTO visits (ROWTIME, page, stay) VALUES (10, 'help', 60);
INSERT INTO visits (ROWTIME, page, stay) VALUES (3600000, 'home', 7);
INSERT INTO visits (ROWTIME, page, stay) VALUES (3600001, 'home', 3);
SELECT page, n, total FROM per_page WHERE page = 'home';
SELECT * FROM per_page WHERE page IN ('help', 'nowhere');
SELECT page, total / n AS mean FROM per_page WHERE page > 'he' AND n < 3;
SELECT page, WINDOWSTART, n FROM per_hour WHERE page = 'home';
SELECT page, n FROM per_hour WHERE page = 'home' AND WINDOWSTART >= '1970-01-01T01:00:00';
