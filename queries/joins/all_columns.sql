-- * in a join: the columns of all sources, named after their source where names meet; and of one source only.
CREATE TABLE carts (id INT PRIMARY KEY, buyer INT, total INT) WITH (kafka_topic='carts', value_format='json', partitions=1);
CREATE TABLE buyers (buyer_id INT PRIMARY KEY, name VARCHAR) WITH (kafka_topic='buyers', value_format='json', partitions=1);
CREATE TABLE sold AS SELECT * FROM carts JOIN buyers ON buyer = buyer_id;
INSERT INTO buyers VALUES (10, 'Ida');
INSERT INTO carts VALUES (1, 10, 99);
SELECT * FROM sold;
CREATE TABLE a (id INT PRIMARY KEY, v INT) WITH (kafka_topic='a', value_format='json', partitions=1);
CREATE TABLE b (id INT PRIMARY KEY, v INT) WITH (kafka_topic='b', value_format='json', partitions=1);
CREATE TABLE c (id INT PRIMARY KEY, v INT) WITH (kafka_topic='c', value_format='json', partitions=1);
CREATE TABLE abc AS SELECT a.id, b.*, c.v FROM a JOIN b ON a.id = b.id JOIN c ON b.id = c.id;
INSERT INTO a VALUES (1, 10);
INSERT INTO b VALUES (1, 20);
INSERT INTO c VALUES (1, 30);
SELECT * FROM abc;
