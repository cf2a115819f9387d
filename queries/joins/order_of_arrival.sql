-- A stream joined with a table finds what the table holds at its moment: nothing, a row, nothing again after a deletion.
-- Rows of a table count in the order they arrive, whatever their time.
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE rates (currency VARCHAR PRIMARY KEY, rate INT) WITH (kafka_topic='rates', value_format='json', partitions=1);
CREATE STREAM rate_graves (currency VARCHAR KEY, nothing VARCHAR) WITH (kafka_topic='rates', value_format='kafka');
CREATE STREAM bids (id INT, currency VARCHAR) WITH (kafka_topic='bids', value_format='json', partitions=1);
INSERT INTO rates (ROWTIME, currency, rate) VALUES (1000, 'NOK', 8);
INSERT INTO rates (ROWTIME, currency, rate) VALUES (500, 'NOK', 9);
INSERT INTO bids (ROWTIME, id, currency) VALUES (2000, 1, 'NOK');
INSERT INTO bids (ROWTIME, id, currency) VALUES (2001, 2, 'DKK');
INSERT INTO bids (ROWTIME, id, currency) VALUES (2002, 3, NULL);
INSERT INTO rate_graves (ROWTIME, currency, nothing) VALUES (3000, 'NOK', NULL);
INSERT INTO bids (ROWTIME, id, currency) VALUES (4000, 4, 'NOK');
CREATE TABLE latest AS SELECT currency, rate FROM rates;
SELECT b.id, b.currency, r.rate, b.ROWTIME AS asked, r.ROWTIME AS set FROM bids b LEFT JOIN rates r ON b.currency = r.currency EMIT CHANGES LIMIT 4;
INSERT INTO rates (ROWTIME, currency, rate) VALUES (7000, 'SEK', 7);
INSERT INTO rates (ROWTIME, currency, rate) VALUES (6000, 'SEK', 6);
SELECT * FROM latest;
