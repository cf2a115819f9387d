# Apicurio's own API as its Avro converter for Kafka Connect calls it, in front of a registry that speaks Confluent's: schemas
# are registered and asked for by id. (Confluent's converter is in no registry of packages.) argv: the registry, a port.
import json
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

registry, port = sys.argv[1], int(sys.argv[2])


def ask(path, body=None):
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(registry + path, data, headers)) as answer:
        return json.loads(answer.read())


class Adapter(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def attempt(self, what):
        try:
            self.answer(200, what())
        except urllib.error.HTTPError as error:
            body = json.dumps({"error_code": error.code, "message": error.read().decode(), "name": "Refused"})
            self.answer(error.code, body.encode())

    def do_POST(self):
        """The schema of an artifact, which is a subject."""
        schema = self.rfile.read(int(self.headers["Content-Length"])).decode()
        subject = self.headers["X-Registry-ArtifactId"]

        def register():
            schema_id = ask(f"/subjects/{subject}/versions", {"schema": schema})["id"]
            moment = "2024-01-01T00:00:00+0000"
            return json.dumps(
                {
                    "id": subject,
                    "groupId": "default",
                    "version": "1",
                    "type": "AVRO",
                    "state": "ENABLED",
                    "globalId": schema_id,
                    "contentId": schema_id,
                    "createdOn": moment,
                    "modifiedOn": moment,
                    "references": [],
                }
            ).encode()

        self.attempt(register)

    def do_GET(self):
        if self.path.endswith("/references"):
            return self.answer(200, b"[]")
        schema_id = self.path.split("?")[0].rsplit("/", 1)[-1]
        self.attempt(lambda: ask(f"/schemas/ids/{schema_id}")["schema"].encode())

    def log_message(self, *line):
        pass


ThreadingHTTPServer(("127.0.0.1", port), Adapter).serve_forever()
