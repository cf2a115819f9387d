-- PRINT guesses what keys are from the first records there are: texts stay texts, four bytes may be a number.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM films (title VARCHAR) WITH (kafka_topic='films', value_format='json', partitions=1);
CREATE STREAM by_title WITH (kafka_topic='by_title') AS SELECT title, LEN(title) AS n FROM films PARTITION BY title;
CREATE STREAM by_length WITH (kafka_topic='by_length') AS SELECT LEN(title) AS n, title FROM films PARTITION BY LEN(title);
INSERT INTO films (ROWTIME, title) VALUES (0, 'Wild Strawberries');
INSERT INTO films (ROWTIME, title) VALUES (1000, 'Jaws');
INSERT INTO films (ROWTIME, title) VALUES (2000, 'Rashomon');
PRINT by_title FROM BEGINNING LIMIT 3;
PRINT by_length FROM BEGINNING LIMIT 3;
