-- Pull queries on a table: by key, by several keys, by a range of keys, by any column.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM votes (id INT KEY, party VARCHAR) WITH (kafka_topic='votes', value_format='json', partitions=1);
CREATE TABLE counts AS SELECT party, COUNT(*) AS votes FROM votes GROUP BY party;
INSERT INTO votes (id, party) VALUES (1, 'blue');
INSERT INTO votes (id, party) VALUES (2, 'green');
INSERT INTO votes (id, party) VALUES (3, 'red');
INSERT INTO votes (id, party) VALUES (4, 'green');
INSERT INTO votes (id, party) VALUES (5, 'yellow');
SELECT * FROM counts WHERE party = 'green';
SELECT * FROM counts WHERE party IN ('blue', 'red', 'pink');
SELECT * FROM counts WHERE party >= 'green' AND party < 'yellow';
SELECT party FROM counts WHERE votes > 1;
SELECT party, votes * 25 AS percent FROM counts LIMIT 2;
SELECT * FROM counts WHERE party = 'pink';
