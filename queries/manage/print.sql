-- PRINT shows the records of a topic, whatever they are, and guesses their formats.
CREATE STREAM notes (id INT KEY, text VARCHAR) WITH (kafka_topic='notes', value_format='json', partitions=1);
INSERT INTO notes (ROWTIME, id, text) VALUES (0, 1, 'first');
INSERT INTO notes (ROWTIME, id, text) VALUES (1000, 2, NULL);
INSERT INTO notes (ROWTIME, id, text) VALUES (2000, 3, 'third');
PRINT notes FROM BEGINNING LIMIT 3;
PRINT notes FROM BEGINNING INTERVAL 2 LIMIT 2;
PRINT Notes;
