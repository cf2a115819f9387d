-- A word of the language as a name needs backticks.
CREATE STREAM people (id INT KEY, name VARCHAR) WITH (kafka_topic='people', value_format='json', partitions=1);
SELECT id AS `LIST` FROM people;
SELECT id AS list FROM people;
