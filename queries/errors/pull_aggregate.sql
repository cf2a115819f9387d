-- A pull query looks up what is there; aggregates need a table, or EMIT CHANGES.
CREATE STREAM visits (page VARCHAR KEY, stay INT) WITH (kafka_topic='visits', value_format='json', partitions=1);
SELECT page, SUM(stay) FROM visits GROUP BY page;
