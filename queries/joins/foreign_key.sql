-- A table may join another on any of its columns: the column is a foreign key of the other table.
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE albums (id INT PRIMARY KEY, title VARCHAR, artist INT)
  WITH (kafka_topic='albums', value_format='json', partitions=1);
CREATE TABLE artists (id INT PRIMARY KEY, name VARCHAR) WITH (kafka_topic='artists', value_format='json', partitions=1);
CREATE TABLE shelf AS
  SELECT l.id AS id, l.title AS title, r.name AS artist FROM albums l JOIN artists r ON l.artist = r.id;
INSERT INTO artists (id, name) VALUES (7, 'Nina');
INSERT INTO albums (id, title, artist) VALUES (1, 'Baltimore', 7);
INSERT INTO albums (id, title, artist) VALUES (2, 'Little Girl Blue', 7);
INSERT INTO albums (id, title, artist) VALUES (3, 'Unknown', 8);
SELECT * FROM shelf;

-- A change of the artist reaches all albums.
INSERT INTO artists (id, name) VALUES (7, 'Nina Simone');
SELECT * FROM shelf;
