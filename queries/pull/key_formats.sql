-- The key format of a table's topic makes no difference to pull queries.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM trips (city VARCHAR KEY, rider INT, km DOUBLE) WITH (kafka_topic='trips', value_format='json', partitions=1);
CREATE TABLE per_city WITH (key_format='json') AS SELECT city AS place, COUNT(*) AS trips FROM trips GROUP BY city;
CREATE TABLE per_rider WITH (key_format='delimited') AS SELECT city, rider, SUM(km) AS km FROM trips GROUP BY city, rider;
CREATE TABLE hourly WITH (key_format='json') AS
  SELECT rider, COUNT(*) AS trips FROM trips WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY rider;
CREATE TABLE copied WITH (key_format='json') AS SELECT * FROM per_city WHERE trips > 1;
INSERT INTO trips (ROWTIME, city, rider, km) VALUES (0, 'Ulm', 1, 2.5);
INSERT INTO trips (ROWTIME, city, rider, km) VALUES (1000, 'Ulm', 2, 1.0);
INSERT INTO trips (ROWTIME, city, rider, km) VALUES (2000, 'Frankfurt, Oder', 1, 7.5);
INSERT INTO trips (ROWTIME, city, rider, km) VALUES (3600000, 'Ulm', 1, 2.5);
SELECT * FROM per_city;
SELECT * FROM per_city WHERE place = 'Frankfurt, Oder';
SELECT * FROM per_rider WHERE city = 'Ulm' AND rider IN (1, 2, 3);
SELECT * FROM per_rider WHERE rider = 1;
SELECT rider, trips FROM hourly WHERE rider = 1 AND WINDOWSTART < 3600000;
SELECT * FROM copied;
SELECT * FROM copied WHERE place IN ('Ulm', 'Frankfurt, Oder');
