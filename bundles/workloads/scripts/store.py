"""The database of notes, over HTTP: it begins with `prepare`, which makes or changes its tables, and then serves."""

import signal
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FILE = "/data/notes.db"
# One entry for each version of the tables; a database that is behind gets those that it lacks.
MIGRATIONS = [
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE)",
    "CREATE TABLE nodes (name TEXT PRIMARY KEY, files INTEGER)",
    "ALTER TABLE notes ADD COLUMN day TEXT",
]


def open_database():
    database = sqlite3.connect(FILE, timeout=10, isolation_level=None)
    database.execute("PRAGMA busy_timeout = 10000")
    return database


def prepare():
    database = open_database()
    version = database.execute("PRAGMA user_version").fetchone()[0]
    for number, statement in enumerate(MIGRATIONS[version:], start=version + 1):
        database.executescript(f"BEGIN; {statement}; PRAGMA user_version = {number}; COMMIT")
    print(f"tables: version {version} -> {len(MIGRATIONS)}", flush=True)


class Handler(BaseHTTPRequestHandler):
    def answer(self, rows, status=200):
        body = "".join(" ".join(map(str, row)) + "\n" for row in rows).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def run(self, statement, *arguments):
        database = open_database()
        try:
            return database.execute(statement, arguments).fetchall()
        finally:
            database.close()

    def text(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/notes":
            self.answer(self.run("SELECT text FROM notes ORDER BY id"))
        elif url.path == "/dated":
            self.answer(self.run("SELECT coalesce(day, '----------'), text FROM notes ORDER BY id"))
        elif url.path == "/nodes":
            self.answer(self.run("SELECT name, files FROM nodes ORDER BY name"))
        else:
            self.answer([("no such page",)], 404)

    def do_POST(self):
        self.run("INSERT OR IGNORE INTO notes (text, day) VALUES (?, date())", self.text())
        self.answer([])

    def do_PUT(self):
        name, files = urlsplit(self.path).path.rpartition("/")[2], int(self.text())
        self.run("INSERT INTO nodes VALUES (?, ?) ON CONFLICT DO UPDATE SET files = excluded.files", name, files)
        self.answer([])

    def do_DELETE(self):
        keep = int(parse_qs(urlsplit(self.path).query)["keep"][0])
        statement = "DELETE FROM notes WHERE id NOT IN (SELECT id FROM notes ORDER BY id DESC LIMIT ?) RETURNING text"
        self.answer(self.run(statement, keep))

    def log_message(self, form, *arguments):
        print(form % arguments, flush=True)


if sys.argv[1:] == ["prepare"]:
    prepare()
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
