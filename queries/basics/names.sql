-- Names: back quotes keep their case and let everything in; without them they are in capitals.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM odd_names (`k.1` INT KEY, `q``t` VARCHAR, `größe` INT, `select` STRUCT<`from` VARCHAR>, "Quoted" INT)
  WITH (kafka_topic='odd_names', value_format='json', partitions=1);
INSERT INTO odd_names VALUES (1, 'back quote', 5, STRUCT(`from` := 'here'), 7);
SELECT `k.1`, `q``t`, `größe` + "Quoted" AS `sum of both`, `select`->`from` FROM odd_names;
-- What has no name gets one: a function's column is KSQL_COL_n, with the next n that is free; a field has its own.
CREATE STREAM generated AS SELECT `k.1`, LEN(`q``t`), `q``t` FROM odd_names;
CREATE STREAM again AS SELECT `k.1`, UCASE(`q``t`), KSQL_COL_0 FROM generated;
SELECT * FROM again EMIT CHANGES LIMIT 1;
-- No two columns of one name, and no value named like the key.
CREATE STREAM twice AS SELECT `k.1`, `größe` AS a, "Quoted" AS a FROM odd_names;
CREATE STREAM like_key AS SELECT `k.1`, `größe` AS `k.1` FROM odd_names;
