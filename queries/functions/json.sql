-- Texts that hold JSON, taken apart and put together.
CREATE STREAM events (id INT KEY, body VARCHAR) WITH (kafka_topic='events', value_format='json', partitions=1);
INSERT INTO events (id, body) VALUES (1, '{"user": {"name": "ada"}, "tags": ["x", "y"], "n": 3}');
INSERT INTO events (id, body) VALUES (2, 'no json');
SELECT id, EXTRACTJSONFIELD(body, '$.user.name') AS name, EXTRACTJSONFIELD(body, '$.tags[1]') AS tag,
       IS_JSON_STRING(body) AS is_json FROM events;
SELECT id, JSON_KEYS(body) AS keys, JSON_ARRAY_LENGTH(EXTRACTJSONFIELD(body, '$.tags')) AS tags,
       JSON_ARRAY_CONTAINS('[1, 2, "a"]', 'a') AS has_a FROM events;
SELECT id, JSON_RECORDS('{"a": 1, "b": [2]}') AS records, JSON_CONCAT('{"a": 1}', '{"b": 2}') AS both,
       TO_JSON_STRING(STRUCT(x := ARRAY[1, 2], y := 'z')) AS made FROM events LIMIT 1;
