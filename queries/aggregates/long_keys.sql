-- A key may be longer than what the local database takes (65,535 bytes), in every kind of state.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM s (k STRING KEY, n INT) WITH (kafka_topic='s', value_format='json', partitions=1);
CREATE STREAM long AS SELECT LPAD('', 70000, 'x') + k AS l, AS_VALUE(k) AS short, n FROM s PARTITION BY LPAD('', 70000, 'x') + k;
CREATE TABLE counts AS SELECT l, COUNT(*) AS c, SUM(n) AS total FROM long GROUP BY l;
CREATE TABLE hourly AS SELECT l, COUNT(*) AS c FROM long WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY l;
CREATE TABLE sessions AS SELECT l, COUNT(*) AS c FROM long WINDOW SESSION (1 HOUR) GROUP BY l;
CREATE TABLE finals AS
  SELECT l, COUNT(*) AS c FROM long WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY l EMIT FINAL;
CREATE TABLE names AS SELECT l, LATEST_BY_OFFSET(short) AS name FROM long GROUP BY l;
CREATE TABLE joined AS SELECT c.l AS l, c.total, n.name FROM counts c JOIN names n ON c.l = n.l;
CREATE TABLE texts AS SELECT short, LATEST_BY_OFFSET(l) AS l FROM long GROUP BY short;
CREATE TABLE by_text AS SELECT t.short, c.c FROM texts t JOIN counts c ON t.l = c.l;
CREATE STREAM again (l STRING KEY, n INT) WITH (kafka_topic='LONG', value_format='json');
CREATE STREAM pairs AS
  SELECT a.l AS l, a.n AS a, b.n AS b FROM long a LEFT JOIN again b WITHIN 1 MINUTE GRACE PERIOD 1 MINUTE ON a.l = b.l;
INSERT INTO s (rowtime, k, n) VALUES (1000, 'a', 1);
INSERT INTO s (rowtime, k, n) VALUES (2000, 'b', 2);
INSERT INTO s (rowtime, k, n) VALUES (3000, 'a', 4);
INSERT INTO s (rowtime, k, n) VALUES (3600001, 'c', 8);
SELECT LEN(l) AS len, SUBSTRING(l, 70001) AS k, c, total FROM counts;
SELECT SUBSTRING(l, 70001) AS k, windowstart, c FROM hourly;
SELECT SUBSTRING(l, 70001) AS k, windowstart, windowend, c FROM sessions;
SELECT SUBSTRING(l, 70001) AS k, windowstart, c FROM finals;
SELECT SUBSTRING(l, 70001) AS k, total, name FROM joined;
SELECT * FROM by_text;
SELECT SUBSTRING(l, 70001) AS k, a, b FROM pairs EMIT CHANGES LIMIT 5;
