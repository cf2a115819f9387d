-- A hopping window that would put every record into very many windows is refused.
CREATE STREAM meters (house INT KEY, watts INT) WITH (kafka_topic='meters', value_format='json', partitions=1);
CREATE TABLE every_ms AS
  SELECT house, COUNT(*) FROM meters WINDOW HOPPING (SIZE 1000 DAYS, ADVANCE BY 1 MILLISECOND) GROUP BY house;
