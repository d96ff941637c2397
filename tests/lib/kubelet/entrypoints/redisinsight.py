"""What RedisInsight promises to those who start and reach it: health, a page, databases that are added and tried."""

import http.server
import json
import os
import signal
import socket
import sys


def greeting(host, port, password):
    with socket.create_connection((host, port), timeout=3) as server:
        server.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        return server.makefile().readline().strip()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, kind, text):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path == "/api/health/":
            self.answer(200, "application/json", '{"status": "up"}')
        else:
            self.answer(200, "text/html", "<!doctype html><title>Redis Insight</title>")

    def do_POST(self):
        """Add a database, which is tried and remembered below /data."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            said = greeting(asked["host"], asked["port"], asked["password"])
        except OSError as error:
            said = str(error)
        with open("/data/redisinsight.db", "a") as file:
            file.write(asked["host"] + "\n")
        self.answer(201 if said == "+OK" else 424, "application/json", json.dumps({"said": said}))


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
address = (os.environ["RI_APP_HOST"], int(os.environ["RI_APP_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
