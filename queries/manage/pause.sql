-- PAUSE stops a query, RESUME lets it go on with what came meanwhile, TERMINATE ends it for good.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM drops (id INT KEY, ml INT) WITH (kafka_topic='drops', value_format='json', partitions=1);
CREATE TABLE bucket AS SELECT 'all' AS k, SUM(ml) AS ml FROM drops GROUP BY 'all';
INSERT INTO drops (id, ml) VALUES (1, 5);
SELECT ml FROM bucket;
PAUSE CTAS_BUCKET_0;
INSERT INTO drops (id, ml) VALUES (2, 7);
SELECT ml FROM bucket;
RESUME CTAS_BUCKET_0;
SELECT ml FROM bucket;
TERMINATE CTAS_BUCKET_0;
SHOW QUERIES;
