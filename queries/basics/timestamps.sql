-- ROWTIME is when a row happened. It is the record's own time, or a column named by the TIMESTAMP property.
CREATE STREAM logins (name VARCHAR KEY, moment VARCHAR) WITH (kafka_topic='logins', value_format='json', partitions=1,
  timestamp='moment', timestamp_format='yyyy-MM-dd HH:mm:ssX');
INSERT INTO logins (name, moment) VALUES ('ada', '2024-02-29 08:00:00Z');
INSERT INTO logins (name, moment) VALUES ('bob', '2024-02-29 09:30:00+01');
SELECT name, ROWTIME, FORMAT_TIMESTAMP(FROM_UNIXTIME(ROWTIME), 'HH:mm', 'UTC') AS utc FROM logins;

-- INSERT may set it, and WHERE may ask for it, as a number or as a text.
CREATE STREAM pings (host VARCHAR KEY, ms INT) WITH (kafka_topic='pings', value_format='json', partitions=1);
INSERT INTO pings (ROWTIME, host, ms) VALUES (1700000000000, 'a', 5);
INSERT INTO pings (ROWTIME, host, ms) VALUES (1700000060000, 'a', 6);
SELECT host, ms, ROWTIME FROM pings WHERE ROWTIME >= '2023-11-14T22:14:20';
