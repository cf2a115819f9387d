-- DECIMAL(precision, scale) is exact: money, for instance. Arithmetic widens it; CAST narrows it, rounding half up.
CREATE STREAM bills (id INT KEY, net DECIMAL(8, 2), rate DECIMAL(3, 3))
  WITH (kafka_topic='bills', value_format='json', partitions=1);
INSERT INTO bills (id, net, rate) VALUES (1, 19.99, 0.190);
INSERT INTO bills (id, net, rate) VALUES (2, 100000.00, 0.075);
SELECT id, net + net AS twice, net * rate AS tax, CAST(net * (1 + rate) AS DECIMAL(10, 2)) AS gross FROM bills;
-- A quotient that has no end is rounded to the digits of its type.
SELECT id, net / 4 AS quarter, net / 3 AS third, net % 7 AS rest, -net AS minus, ROUND(net, 1) AS rounded, FLOOR(net) AS floor FROM bills;
SELECT id, CAST(net AS VARCHAR) AS text, CAST(net AS DOUBLE) AS float, CAST('12.345' AS DECIMAL(4, 2)) AS parsed FROM bills LIMIT 1;
INSERT INTO bills (id, net, rate) VALUES (3, 1234567.89, 0.1);
