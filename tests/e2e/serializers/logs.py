# The two logs a server can stand on, and its REST API.
import base64
import json
import time
import urllib.error
import urllib.request

from confluent_kafka import Consumer, Producer, TopicPartition

PATIENCE = 30


class Server:
    def __init__(self, url):
        self.url = url

    def post(self, path, body):
        headers = {"Accept": "application/vnd.ksql.v1+json"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, body.encode(), headers)) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise Refused(json.loads(error.read())["message"]) from error

    def run(self, statement):
        properties = {"auto.offset.reset": "earliest"}
        return json.loads(self.post("/ksql", json.dumps({"ksql": statement, "streamsProperties": properties})))

    def rows(self, query):
        """The columns' types and the rows of a query that ends."""
        answer = self.post("/query", json.dumps({"ksql": query, "streamsProperties": {"auto.offset.reset": "earliest"}}))
        # Decimals of more digits than a double has stay texts.
        lines = json.loads(answer, parse_float=lambda text: text if len(text) > 17 else float(text))
        return lines[0]["header"]["schema"], [line["row"]["columns"] for line in lines if "row" in line]

    def rows_when(self, query, count):
        """The same, when there are so many."""
        deadline = time.monotonic() + PATIENCE
        while True:
            types, rows = self.rows(query)
            if len(rows) >= count or time.monotonic() > deadline:
                return types, rows
            time.sleep(0.02)


class Refused(Exception):
    pass


class Embedded:
    """The server's own log: its bytes go in and out as a stream of BYTES."""

    name = "the embedded log"

    def __init__(self, server):
        self.server = server
        self.streams = {}

    def create(self, topic):
        stream = self.streams[topic] = f"raw_{len(self.streams)}"
        self.server.run(
            f"CREATE STREAM {stream} (k BYTES KEY, v BYTES) WITH (kafka_topic='{topic}', format='KAFKA', partitions=1);"
        )

    def put(self, topic, records):
        def bytes_of(part):
            return "NULL" if part is None else f"TO_BYTES('{part.hex()}', 'hex')"

        into = f"INSERT INTO {self.streams[topic]} VALUES"
        self.server.run(" ".join(f"{into} ({bytes_of(key)}, {bytes_of(value)});" for key, value in records))

    def get(self, topic, count):
        if topic not in self.streams:
            self.create(topic)
        _, rows = self.server.rows_when(f"SELECT k, v FROM {self.streams[topic]};", count)
        return [tuple(part and base64.b64decode(part) for part in row) for row in rows]


class Kafka:
    """A broker, by Confluent's own client."""

    name = "Kafka"

    def __init__(self, server, broker):
        self.server = server
        self.broker = broker
        self.producer = Producer({"bootstrap.servers": broker})

    def create(self, topic):
        self.server.run(f"CREATE STREAM raw_{topic} (v BYTES) WITH (kafka_topic='{topic}', format='KAFKA', partitions=1);")

    def put(self, topic, records):
        for key, value in records:
            self.producer.produce(topic, key=key, value=value)
        assert self.producer.flush(PATIENCE) == 0, topic

    def get(self, topic, count):
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": "peers", "enable.auto.commit": False})
        consumer.assign([TopicPartition(topic, 0, 0)])
        deadline, records = time.monotonic() + PATIENCE, []
        while len(records) < count and time.monotonic() < deadline:
            record = consumer.poll(1)
            if record is not None and record.error() is None:
                records.append((record.key(), record.value()))
        consumer.close()
        return records
