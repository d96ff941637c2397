"""The page of notes. It writes its log to a file, which the container beside it prints."""

import os
import signal
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STORE, LOG = os.environ["STORE"], "/logs/access.log"


def ask(path, body=None):
    with urllib.request.urlopen(f"{STORE}/{path}", body, timeout=3) as answer:
        return answer.read()


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        try:
            # Alive without the store, and ready only with it.
            self.answer(200, b"" if self.path == "/alive" else ask("dated" if self.path == "/dated" else "notes"))
        except OSError as error:
            self.answer(503, f"{error}\n".encode())

    def do_POST(self):
        ask("notes", self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.answer(204)

    def log_message(self, form, *arguments):
        if self.path not in ("/alive", "/ready"):
            with open(LOG, "a") as log:
                print(form % arguments, file=log)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", 8080), Handler).serve_forever()
