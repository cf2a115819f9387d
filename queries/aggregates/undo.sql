-- GROUP BY on a table: when a row changes, what it added to its old group is taken back.
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE players (name VARCHAR PRIMARY KEY, team VARCHAR, goals INT)
  WITH (kafka_topic='players', value_format='json', partitions=1);
CREATE TABLE teams AS
  SELECT team, COUNT(*) AS players, SUM(goals) AS goals, COLLECT_LIST(goals) AS each
  FROM players GROUP BY team;
INSERT INTO players (name, team, goals) VALUES ('ada', 'red', 3);
INSERT INTO players (name, team, goals) VALUES ('bob', 'red', 1);
SELECT * FROM teams;
INSERT INTO players (name, team, goals) VALUES ('ada', 'blue', 4);
SELECT * FROM teams;
INSERT INTO players (name, team, goals) VALUES ('bob', 'blue', 0);
SELECT * FROM teams;
