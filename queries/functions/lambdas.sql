-- Lambdas: TRANSFORM changes every element, FILTER keeps some, REDUCE makes one value of all. For maps they take key and
-- value.
CREATE STREAM tests (pupil VARCHAR KEY, marks ARRAY<INT>, points MAP<VARCHAR, INT>)
  WITH (kafka_topic='tests', value_format='json', partitions=1);
INSERT INTO tests (pupil, marks, points) VALUES ('ada', ARRAY[1, 2, 5], MAP('maths' := 90, 'art' := 55));
SELECT TRANSFORM(marks, m => m * 10) AS tens, FILTER(marks, m => m > 1) AS poor, REDUCE(marks, 0, (s, m) => s + m) AS total
  FROM tests;
SELECT TRANSFORM(points, (k, v) => UCASE(k), (k, v) => v + 1) AS shouted, FILTER(points, (k, v) => v > 60) AS passed,
       REDUCE(points, 0, (s, k, v) => s + v) AS total
  FROM tests;
