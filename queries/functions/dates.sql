-- DATE, TIME and TIMESTAMP: from texts and numbers, back again, and counted with.
CREATE STREAM visits (id INT KEY, d DATE, t TIME, ts TIMESTAMP)
  WITH (kafka_topic='visits', value_format='json', partitions=1);
INSERT INTO visits (id, d, t, ts) VALUES (1, '2024-02-28', '23:30:00', '2024-02-28T23:30:00.125');
SELECT d, t, ts FROM visits;
SELECT DATEADD(DAYS, 2, d) AS leap, TIMEADD(HOURS, 1, t) AS next_day, TIMESTAMPADD(MINUTES, 45, ts) AS later,
       DATESUB(DAYS, 28, d) AS january FROM visits;
SELECT FORMAT_DATE(d, 'EEE d MMM yyyy') AS day, FORMAT_TIME(t, 'h:mm a') AS time,
       FORMAT_TIMESTAMP(ts, 'yyyy-MM-dd''T''HH:mm:ss.SSSXXX', 'Asia/Tokyo') AS tokyo FROM visits;
SELECT PARSE_DATE('3.4.2025', 'd.M.yyyy') AS date, PARSE_TIME('5:06 PM', 'h:mm a') AS time,
       PARSE_TIMESTAMP('2025-04-03 17:06', 'yyyy-MM-dd HH:mm', 'Europe/Paris') AS moment FROM visits;
SELECT UNIX_TIMESTAMP(ts) AS ms, UNIX_DATE(d) AS number, FROM_UNIXTIME(0) AS epoch, FROM_DAYS(366) AS day,
       CONVERT_TZ(ts, 'UTC', 'America/New_York') AS new_york FROM visits;
SELECT id FROM visits WHERE d >= '2024-02-01' AND ts < '2024-03-01T00:00:00';
