-- WITHIN (before, after) says how much older and younger than the left row the right one may be, in every kind of join.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM calls (id INT KEY, caller STRING) WITH (kafka_topic='calls', value_format='json', partitions=1);
CREATE STREAM answers (id INT KEY, who STRING) WITH (kafka_topic='answers', value_format='json', partitions=1);
CREATE STREAM both AS
  SELECT a.id AS id, caller, who FROM calls c JOIN answers a WITHIN (0 SECONDS, 10 SECONDS) ON c.id = a.id;
CREATE STREAM all_answers AS
  SELECT a.id AS id, caller, who FROM calls c RIGHT JOIN answers a WITHIN (0 SECONDS, 10 SECONDS) ON c.id = a.id;
CREATE STREAM mirrored AS
  SELECT a.id AS id, caller, who FROM answers a LEFT JOIN calls c WITHIN (10 SECONDS, 0 SECONDS) ON c.id = a.id;
INSERT INTO calls (ROWTIME, id, caller) VALUES (1000, 1, 'ann');
INSERT INTO answers (ROWTIME, id, who) VALUES (6000, 1, 'bob');       -- five seconds later
INSERT INTO answers (ROWTIME, id, who) VALUES (7000, 2, 'too early');
INSERT INTO calls (ROWTIME, id, caller) VALUES (9000, 2, 'cid');
SELECT * FROM both EMIT CHANGES LIMIT 1;
SELECT * FROM all_answers EMIT CHANGES LIMIT 2;
SELECT * FROM mirrored EMIT CHANGES LIMIT 2;
