-- CASE with conditions or with values; without ELSE it is NULL, and a branch may be NULL.
CREATE STREAM tides (id INT KEY, cm INT, place VARCHAR) WITH (kafka_topic='tides', value_format='json', partitions=1);
INSERT INTO tides (id, cm, place) VALUES (1, -40, 'Brest');
INSERT INTO tides (id, cm, place) VALUES (2, 210, NULL);
INSERT INTO tides (id, place) VALUES (3, 'Hull');
SELECT id, CASE WHEN cm < 0 THEN 'ebb' WHEN cm < 100 THEN 'low' WHEN cm < 300 THEN 'flood' ELSE 'unknown' END AS state,
       CASE place WHEN 'Brest' THEN 1 WHEN 'Hull' THEN 2 END AS number,
       CASE WHEN cm > 0 THEN NULL ELSE place END AS hidden,
       IFNULL(CASE WHEN place IS NULL THEN NULL ELSE UCASE(place) END, 'somewhere') AS shown FROM tides;
SELECT id, CASE WHEN cm > 0 OR place IS NULL THEN 1 WHEN cm IS NULL THEN 2 END AS which FROM tides;
