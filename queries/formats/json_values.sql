-- A value that is no object: an array, a map or a text as the only column, unwrapped.
CREATE STREAM raw_lists (v VARCHAR) WITH (kafka_topic='lists', value_format='kafka', partitions=1);
CREATE STREAM lists (items ARRAY<STRUCT<x INT>>) WITH (kafka_topic='lists', value_format='json', wrap_single_value=false);
INSERT INTO raw_lists VALUES ('[{"x": 1}, null, {"X": 2}, {}]');
INSERT INTO raw_lists VALUES ('[]');
SELECT items, items[-2]->x AS last_but_one, ARRAY_LENGTH(items) AS n FROM lists;
CREATE STREAM raw_maps (v VARCHAR) WITH (kafka_topic='maps', value_format='kafka', partitions=1);
CREATE STREAM maps (m MAP<VARCHAR, VARCHAR>) WITH (kafka_topic='maps', value_format='json', wrap_single_value=false);
INSERT INTO raw_maps VALUES ('{"number": 1, "inner": {"z": true}, "none": null}');
SELECT m, m['inner'] AS inside FROM maps;
CREATE STREAM raw_texts (v VARCHAR) WITH (kafka_topic='texts', value_format='kafka', partitions=1);
CREATE STREAM texts (t VARCHAR) WITH (kafka_topic='texts', value_format='json', wrap_single_value=false);
INSERT INTO raw_texts VALUES ('"plain"');
INSERT INTO raw_texts VALUES ('{"a": 1}');
INSERT INTO raw_texts VALUES ('true');
SELECT t FROM texts;
