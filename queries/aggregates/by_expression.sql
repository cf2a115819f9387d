-- GROUP BY an expression: SELECT may name it again, and AS_VALUE copies it into the value. NULL makes no group.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM sightings (bird VARCHAR, n INT, place STRUCT<town VARCHAR>) WITH (kafka_topic='sightings', value_format='json', partitions=1);
CREATE TABLE birds AS SELECT LCASE(bird) AS bird, AS_VALUE(LCASE(bird)) AS name, SUM(n) AS n FROM sightings GROUP BY LCASE(bird);
CREATE TABLE towns AS SELECT place->town, COUNT(*) AS n FROM sightings GROUP BY place->town;
CREATE TABLE decades AS SELECT n / 10 AS decade, SUM(n) * 2 AS twice, SUM(n) + COUNT(*) AS more FROM sightings GROUP BY n / 10 HAVING n / 10 > 0;
INSERT INTO sightings VALUES ('Owl', 12, STRUCT(town := 'Bonn'));
INSERT INTO sightings VALUES ('OWL', 15, NULL);
INSERT INTO sightings VALUES (NULL, 3, STRUCT(town := 'Bonn'));
SELECT * FROM birds;
SELECT * FROM towns;
SELECT * FROM decades;
