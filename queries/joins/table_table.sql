-- A join of two tables is a table: it follows every change of either side, deletions too.
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR) WITH (kafka_topic='users', value_format='json', partitions=1);
CREATE TABLE quotas (id INT PRIMARY KEY, gb INT) WITH (kafka_topic='quotas', value_format='json', partitions=1);
CREATE TABLE accounts AS SELECT u.id AS id, u.name AS name, q.gb AS gb FROM users u JOIN quotas q ON u.id = q.id;
INSERT INTO users (id, name) VALUES (1, 'Ada');
INSERT INTO quotas (id, gb) VALUES (1, 10);
SELECT * FROM accounts;
INSERT INTO quotas (id, gb) VALUES (1, 20);
SELECT * FROM accounts;

-- A record without a value deletes its row; through a stream on the same topic it can be written.
CREATE STREAM user_graves (id INT KEY, nothing VARCHAR) WITH (kafka_topic='users', value_format='kafka');
INSERT INTO user_graves (id, nothing) VALUES (1, NULL);
SELECT * FROM accounts;
