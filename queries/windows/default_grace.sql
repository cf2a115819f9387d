-- Without GRACE PERIOD a row may be late until a day after its window began: a window of a day takes none, one of an hour
-- takes them for 23 hours more.
CREATE STREAM tolls (gate INT KEY, cents INT) WITH (kafka_topic='tolls', value_format='json', partitions=1);
CREATE TABLE per_day AS SELECT gate, SUM(cents) AS total FROM tolls WINDOW TUMBLING (SIZE 1 DAY) GROUP BY gate;
CREATE TABLE per_hour AS SELECT gate, SUM(cents) AS total FROM tolls WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY gate;
INSERT INTO tolls (ROWTIME, gate, cents) VALUES (86400000, 1, 10);
INSERT INTO tolls (ROWTIME, gate, cents) VALUES (86399999, 1, 20);
INSERT INTO tolls (ROWTIME, gate, cents) VALUES (3599999, 1, 40);
SELECT WINDOWSTART AS began, total FROM per_day WHERE gate = 1;
SELECT WINDOWSTART AS began, total FROM per_hour WHERE gate = 1;
