-- Aggregates that keep more than a number: lists, sets, the largest, the first and the last, how often.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM scans (shelf INT KEY, product VARCHAR, price INT)
  WITH (kafka_topic='scans', value_format='json', partitions=1);
INSERT INTO scans (shelf, product, price) VALUES (1, 'tea', 4);
INSERT INTO scans (shelf, product, price) VALUES (1, 'jam', 6);
INSERT INTO scans (shelf, product, price) VALUES (1, 'tea', 5);
INSERT INTO scans (shelf, product, price) VALUES (1, NULL, 9);
CREATE TABLE shelves AS
  SELECT shelf,
         COLLECT_LIST(product) AS each,
         COLLECT_SET(product) AS one_of_each,
         TOPK(price, 2) AS dearest,
         TOPKDISTINCT(product, 1) AS last_by_name,
         HISTOGRAM(product) AS how_often,
         COUNT_DISTINCT(product) AS kinds
  FROM scans GROUP BY shelf;
CREATE TABLE ends AS
  SELECT shelf,
         EARLIEST_BY_OFFSET(product) AS earliest,
         LATEST_BY_OFFSET(product) AS latest,
         LATEST_BY_OFFSET(product, false) AS latest_or_null,
         EARLIEST_BY_OFFSET(price, 2) AS first_two
  FROM scans GROUP BY shelf;
SELECT * FROM shelves;
SELECT * FROM ends;
