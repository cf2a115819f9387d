-- Records that cannot be read are skipped. DESCRIBE … EXTENDED tells how many, and what is wrong with the last.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM raw (line VARCHAR) WITH (kafka_topic='sensor', value_format='kafka', partitions=1);
CREATE STREAM readings (temp INT) WITH (kafka_topic='sensor', value_format='json');
CREATE STREAM warm AS SELECT temp FROM readings WHERE temp > 20;
INSERT INTO raw (line) VALUES ('not json');
INSERT INTO raw (line) VALUES ('{"temp": "warm"}');
INSERT INTO raw (line) VALUES ('{"temp": 21}');
SELECT * FROM warm EMIT CHANGES LIMIT 1;
DESCRIBE readings EXTENDED;
