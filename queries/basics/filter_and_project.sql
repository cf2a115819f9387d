-- A stream made from another: filter, project, a new key. The push query ends after three rows.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM pageviews (userid VARCHAR KEY, page VARCHAR, ms INT)
  WITH (kafka_topic='pageviews', value_format='json', partitions=1);
CREATE STREAM slow AS
  SELECT page, userid, ms / 1000 AS secs, UCASE(page) AS shouted FROM pageviews WHERE ms >= 1000 PARTITION BY page;
INSERT INTO pageviews (userid, page, ms) VALUES ('ada', 'home', 120);
INSERT INTO pageviews (userid, page, ms) VALUES ('ada', 'search', 2500);
INSERT INTO pageviews (userid, page, ms) VALUES ('bob', 'cart', 1000);
INSERT INTO pageviews (userid, page, ms) VALUES ('bob', NULL, 9000);
SELECT * FROM slow EMIT CHANGES LIMIT 3;
DESCRIBE slow;
