-- JSON_SR is JSON whose schema stands in the registry: here the server's own. CREATE puts it there; another CREATE without
-- columns takes them from it; the topic's records carry its number.
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM orders (id INT KEY, item VARCHAR, price DECIMAL(8, 2), labels MAP<VARCHAR, INT>, sent DATE)
  WITH (kafka_topic='orders', value_format='JSON_SR', partitions=1);
ASSERT SCHEMA SUBJECT 'orders-value';
INSERT INTO orders (ROWTIME, id, item, price, labels, sent) VALUES (1000, 1, 'tea', 3.50, MAP('organic' := 1), '2024-02-29');
INSERT INTO orders (ROWTIME, id, item) VALUES (2000, 2, 'rice');
CREATE STREAM orders_again (id INT KEY) WITH (kafka_topic='orders', value_format='JSON_SR');
DESCRIBE orders_again;
SELECT * FROM orders_again;
PRINT orders FROM BEGINNING LIMIT 2;
CREATE STREAM items WITH (format='JSON_SR', wrap_single_value=false) AS SELECT id, item FROM orders;
ASSERT SCHEMA SUBJECT 'ITEMS-key';
CREATE STREAM items_again WITH (kafka_topic='ITEMS', format='JSON_SR', wrap_single_value=false);
SELECT * FROM items_again EMIT CHANGES LIMIT 2;
DROP STREAM items_again;
DROP STREAM items DELETE TOPIC;
ASSERT NOT EXISTS SCHEMA SUBJECT 'ITEMS-value';
