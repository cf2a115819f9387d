-- BYTES: from and to texts; in JSON and on the screen as base64.
CREATE STREAM blobs (id INT KEY, data BYTES) WITH (kafka_topic='blobs', value_format='json', partitions=1);
INSERT INTO blobs (id, data) VALUES (1, TO_BYTES('mill', 'utf8'));
INSERT INTO blobs (id, data) VALUES (2, TO_BYTES('00ff10', 'hex'));
SELECT id, data, FROM_BYTES(data, 'hex') AS hex, LEN(data) AS len, SUBSTRING(data, 2, 2) AS two FROM blobs;
SELECT id, FROM_BYTES(data, 'utf8') AS text FROM blobs WHERE data = TO_BYTES('6d696c6c', 'hex');
SELECT INT_FROM_BYTES(TO_BYTES('0000002a', 'hex')) AS n, CONCAT(TO_BYTES('ab', 'utf8'), TO_BYTES('c', 'utf8')) AS abc FROM blobs LIMIT 1;
