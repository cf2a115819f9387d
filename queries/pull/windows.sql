-- Pull queries on a windowed table: a key, and bounds for the window's start or end.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM steps (person VARCHAR KEY, n INT) WITH (kafka_topic='steps', value_format='json', partitions=1);
CREATE TABLE hourly AS
  SELECT person, SUM(n) AS total FROM steps WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY person;
INSERT INTO steps (ROWTIME, person, n) VALUES (1577836800000, 'ada', 100);
INSERT INTO steps (ROWTIME, person, n) VALUES (1577838600000, 'ada', 50);
INSERT INTO steps (ROWTIME, person, n) VALUES (1577840400000, 'ada', 900);
INSERT INTO steps (ROWTIME, person, n) VALUES (1577844000000, 'ada', 10);
INSERT INTO steps (ROWTIME, person, n) VALUES (1577844000000, 'bob', 1);
SELECT * FROM hourly WHERE person = 'ada';
SELECT total FROM hourly WHERE person = 'ada' AND WINDOWSTART = '2020-01-01T01:00:00';
SELECT person, total FROM hourly
  WHERE person = 'ada' AND WINDOWSTART >= '2020-01-01T01:00:00' AND WINDOWEND <= 1577847600000;
SELECT person, total FROM hourly WHERE WINDOWSTART >= '2020-01-01T02:00:00';
