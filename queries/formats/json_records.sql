-- Records that others wrote: a KAFKA stream over the same topic writes texts as they are. What does not fit a column
-- drops the record; what is missing is NULL; names of columns may be written in small letters, names in back quotes not.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM raw (k INT KEY, v VARCHAR) WITH (kafka_topic='orders', value_format='kafka', partitions=1);
CREATE STREAM orders (k INT KEY, id INT, `Note` VARCHAR, moment TIMESTAMP, on_day DATE, lines ARRAY<STRUCT<sku VARCHAR, tags MAP<VARCHAR, VARCHAR>>>)
  WITH (kafka_topic='orders', value_format='json');
INSERT INTO raw VALUES (1, '{"id": 1, "Note": "caf\u00e9 \ud83c\udf88", "MOMENT": 86400000, "on_day": "1", "lines": [{"sku": "a", "tags": {"x": 1, "y": null}}, null, {"SKU": "b"}]}');
INSERT INTO raw VALUES (2, '{"ID": "2", "note": "another name", "lines": []}');
INSERT INTO raw VALUES (3, '{"id": {"no": "number"}}');
INSERT INTO raw VALUES (4, 'no json');
INSERT INTO raw VALUES (5, NULL);
INSERT INTO raw VALUES (6, '{"id": 6, "Note": {"nested": [1, 2]}, "extra": true}');
SELECT k, id, `Note`, moment, on_day FROM orders;
SELECT k, lines, lines[1]->tags['x'] AS x, lines[2]->sku AS none, lines[-1]->sku AS last FROM orders;
SELECT k FROM orders WHERE `Note` IS NULL;
