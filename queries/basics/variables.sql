-- Variables stand for names and values in later statements: DEFINE here, or --define name=value on the command line.
DEFINE topic = 'cargo';
DEFINE heavy = '100';
CREATE STREAM ${topic} (id INT KEY, tons INT) WITH (kafka_topic='${topic}', value_format='json', partitions=1);
INSERT INTO ${topic} (id, tons) VALUES (1, 80);
INSERT INTO ${topic} (id, tons) VALUES (2, 120);
SELECT * FROM ${topic} WHERE tons > ${heavy};
SHOW VARIABLES;
UNDEFINE heavy;
SELECT * FROM ${topic} WHERE tons > ${heavy};
