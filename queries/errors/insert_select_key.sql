-- INSERT INTO … SELECT: key columns must meet key columns. A stream without a key takes what has been given up as one.
CREATE STREAM keyed (id INT KEY, v VARCHAR) WITH (kafka_topic='keyed', value_format='json', partitions=1);
CREATE STREAM keyless (id INT, v VARCHAR) WITH (kafka_topic='keyless', value_format='json', partitions=1);
INSERT INTO keyless SELECT id, v FROM keyed PARTITION BY NULL;
INSERT INTO keyless SELECT id, v FROM keyed;
