-- A row that closes the gap merges sessions: LATEST and EARLIEST leave NULL out unless told otherwise, lists keep it.
CREATE STREAM knocks (door INT KEY, who VARCHAR) WITH (kafka_topic='knocks', value_format='json', partitions=1);
CREATE TABLE visits AS
  SELECT door, EARLIEST_BY_OFFSET(who) AS first, LATEST_BY_OFFSET(who) AS last, LATEST_BY_OFFSET(who, false) AS last_or_null,
         COLLECT_LIST(who) AS each, COUNT(*) AS n
  FROM knocks WINDOW SESSION (5 SECONDS) GROUP BY door;
INSERT INTO knocks (ROWTIME, door, who) VALUES (1000, 1, 'ann');
INSERT INTO knocks (ROWTIME, door, who) VALUES (3000, 1, NULL);
INSERT INTO knocks (ROWTIME, door, who) VALUES (12000, 1, 'cid');
SELECT door, WINDOWSTART AS began, WINDOWEND AS ended, first, last, n FROM visits WHERE door = 1;
INSERT INTO knocks (ROWTIME, door, who) VALUES (7500, 1, NULL);
SELECT door, WINDOWSTART AS began, WINDOWEND AS ended, first, last, last_or_null, each, n FROM visits WHERE door = 1;
