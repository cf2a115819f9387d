"""A schema registry behind TLS that knows no subject and registers everything: tls.py CERTIFICATE KEY [CA]

With CA it lets in only who shows a certificate of that authority. Prints its port.
"""

import http.server
import json
import ssl
import sys


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(404, {"error_code": 40401, "message": "Subject not found."})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, {"id": 7})

    def log_message(self, *_):
        pass


certificate, key, *authority = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
if authority:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority[0])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
