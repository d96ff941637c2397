"""The web server of the shop: it shows what PostgreSQL and Redis hold. Python's standard library is all it needs.

GET /         the products, from the cache or else from the database, and the visits that the cache has counted
GET /health   200 once the products are known
GET /alive    200 at any time
GET /metrics  what was served from where, for Prometheus
"""

import collections
import contextlib
import json
import os
import queue
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from postgres import Postgres
from redis import Redis

PRODUCTS = "SELECT name, price FROM products ORDER BY name"
FRESH_S, RETRY_S = 10, 1.0
"""How long the cache keeps the products, and how long a server that failed is not asked."""
CACHE_CONNECTIONS = 64


class Away(Exception):
    """A server does not answer."""


class Server:
    """A server behind a few connections that stay open."""

    def __init__(self, name, connect, most):
        self.name, self._connect, self._most = name, connect, threading.Semaphore(most)
        self._idle, self._quiet_until = queue.LifoQueue(), 0.0

    @property
    def is_away(self):
        return time.monotonic() < self._quiet_until

    def ask(self, *words):
        if self.is_away:
            raise Away
        with self._most:
            try:
                return self._ask(*words)
            except OSError as error:
                print(f"{self.name}: {error}", flush=True)
                # Other requests need not find out again.
                self._quiet_until = time.monotonic() + RETRY_S
                raise Away from error

    def _ask(self, *words):
        while True:
            try:
                connection, is_new = self._idle.get_nowait(), False
            except queue.Empty:
                connection, is_new = self._connect(), True
            try:
                answer = connection.ask(*words)
            except OSError:
                connection.close()
                if is_new:
                    raise
            else:
                self._idle.put(connection)
                return answer


class Shop:
    """Knows the products, and continues with the last known ones while neither server answers."""

    def __init__(self, database, cache):
        self.database, self.cache, self.known = database, cache, None
        self.served = collections.Counter()

    def page(self):
        visits, products, origin = None, None, "cache"
        if self.cache:
            with contextlib.suppress(Away):
                visits, products = self.cache.ask(("INCR", "visits"), ("GET", "products"))
        if products is None:
            products, origin = self._from_database()
        self.served[origin] += 1
        self.known = products
        return f'{{"products": {products}, "from": "{origin}", "visits": {json.dumps(visits)}}}\n'

    def health(self):
        if self.known is None:
            self.known, _ = self._from_database()
        return "ok\n"

    def _from_database(self):
        try:
            rows = self.database.ask(PRODUCTS)
        except Away:
            if self.known is None:
                raise
            return self.known, "memory"
        products = json.dumps([{"name": name, "price": price} for name, price in rows])
        if self.cache:
            with contextlib.suppress(Away):
                self.cache.ask(("SET", "products", products, "EX", str(FRESH_S)))
        return products, "database"

    def metrics(self):
        served = [f'shop_requests_total{{from="{one}"}} {self.served[one]}' for one in ("cache", "database", "memory")]
        servers = [one for one in (self.database, self.cache) if one]
        up = [f'shop_server_up{{server="{one.name}"}} {int(not one.is_away)}' for one in servers]
        lines = ["# TYPE shop_requests_total counter", *served, "# TYPE shop_server_up gauge", *up]
        return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    timeout = 65

    def do_GET(self):
        path, shop = self.path.partition("?")[0], self.server.shop
        make = {"/": shop.page, "/health": shop.health, "/alive": lambda: "ok\n", "/metrics": shop.metrics}.get(path)
        try:
            status, text = (200, make()) if make else (404, "there is nothing here\n")
        except Away:
            status, text = 503, "the database does not answer\n"
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if path == "/" else "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        if self.server.is_ending.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WebServer(ThreadingHTTPServer):
    request_queue_size = 512

    def __init__(self, port, shop):
        super().__init__(("", port), Handler)
        self.shop, self.is_ending = shop, threading.Event()

    def end(self, *_):
        """Take no new connections; no one sends requests any more when a replica is asked to end."""
        self.is_ending.set()
        threading.Thread(target=self.shutdown).start()


def database():
    own = os.environ
    names = own["DB_HOST"], int(own["DB_PORT"]), own["DB_NAME"], own["DB_USER"], own["DB_PASSWORD"]
    return Server("database", lambda: Postgres(*names), int(own["DB_POOL_SIZE"]))


def cache():
    own = os.environ
    if "CACHE_HOST" not in own:
        return None
    names = own["CACHE_HOST"], int(own["CACHE_PORT"]), own["CACHE_PASSWORD"]
    return Server("cache", lambda: Redis(*names), CACHE_CONNECTIONS)


if __name__ == "__main__":
    web = WebServer(int(os.environ["PORT"]), Shop(database(), cache()))
    signal.signal(signal.SIGTERM, web.end)
    web.serve_forever(poll_interval=0.1)
