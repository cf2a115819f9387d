-- Days that are not there, days before 1970, zones by name and by offset, moments written without separators.
CREATE STREAM diary (id INT KEY, d DATE, t TIME, ts TIMESTAMP, text VARCHAR)
  WITH (kafka_topic='diary', value_format='json', partitions=1);
INSERT INTO diary VALUES (1, '2000-02-29', '06:30', '2000-02-29T06:30:00.001', '20000229063000001');
INSERT INTO diary VALUES (2, '1961-04-12', '23:59:59', '1961-04-12T06:07:00', '19610412060700000');
SELECT id, d, t, ts, d > '1999-12-31' AS young, t >= '06:30:00' AS awake, ts > d AS later, CAST(ts AS DATE) = d AS same_day FROM diary;
SELECT id, DATEADD(DAYS, 365, d) AS year_on, FORMAT_DATE(d, 'EEEE, D') AS day, UNIX_DATE(d) AS number, FROM_UNIXTIME(-1) AS before FROM diary;
SELECT id, PARSE_TIMESTAMP(text, 'yyyyMMddHHmmssSSS') AS moment, PARSE_DATE(SUBSTRING(text, 1, 8), 'yyyyMMdd') AS day,
       PARSE_TIME(SUBSTRING(text, 9, 6), 'HHmmss') AS time FROM diary;
SELECT id, FORMAT_TIMESTAMP(ts, 'HH:mm', 'Asia/Kolkata') AS kolkata, FORMAT_TIMESTAMP(ts, 'HH:mm', '-03:30') AS offset,
       FORMAT_TIMESTAMP(ts, 'HH:mm', 'nowhere') AS nowhere, CONVERT_TZ(ts, 'UTC', 'Australia/Sydney') AS sydney FROM diary;
-- A day beyond the end of its month is one of the next, as in ksqlDB; an hour that is not there is NULL.
SELECT PARSE_DATE('2001-02-29', 'yyyy-MM-dd') AS no_leap, PARSE_DATE('2001-02-28', 'yyyy-MM-dd') AS last, PARSE_TIME('25:00', 'HH:mm') AS late FROM diary LIMIT 1;
