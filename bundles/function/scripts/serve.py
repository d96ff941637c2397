"""Serve a program over HTTP: one run for each request, whose body is its input; its output is the answer."""

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

COMMAND, SETTINGS = sys.argv[1:], json.loads(os.environ.pop("FUNCTION"))
TIMEOUT_S, MOST_BYTES, METHODS = SETTINGS["timeoutSeconds"], SETTINGS["maxRequestBytes"], SETTINGS["methods"]
SLOTS, DRAINS = threading.BoundedSemaphore(SETTINGS["concurrency"]), threading.Event()
IDLE_S = 60
QUIET_S, LATE_S = 2, 30
"""A pod that ends serves on until no connection came for so long, and for so much longer than it was told at most."""
PORT, HEALTH_PORT = 8080, 8081


class Function(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    """Of a connection on which no request comes."""

    def answer(self):
        status, text = self.refusal()
        if text:
            # The body would be read as the next request.
            headers = {"Content-Type": "text/plain", "Connection": "close"}
            self.write(status, headers | ({"Allow": ", ".join(METHODS)} if status == 405 else {}), f"{text}\n".encode())
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not SLOTS.acquire(timeout=TIMEOUT_S):
            self.write(503, {"Content-Type": "text/plain", "Retry-After": "1"}, b"the function is busy\n")
            return
        try:
            self.write(*self.outcome(body))
        finally:
            SLOTS.release()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def write(self, status, headers, output):
        self.send_response(status)
        closing = {"Connection": "close"} if DRAINS.is_set() else {}
        for name, value in {**headers, **closing, "Content-Length": str(len(output))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(output)

    def refusal(self):
        """Why the request ends without a run, if it does."""
        if METHODS and self.command not in METHODS:
            return 405, f"the function answers {', '.join(METHODS)} alone"
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return 411, "the request needs a Content-Length"
        if int(length) > MOST_BYTES:
            return 413, f"the request has more than {MOST_BYTES} bytes"
        return 200, ""

    def outcome(self, body):
        try:
            code, output = run(self.environment(), body)
        except OSError as error:
            self.log_message("%s", error)
            return 500, {"Content-Type": "text/plain"}, b"the function cannot be run\n"
        if code is None:
            return 504, {"Content-Type": "text/plain"}, f"the function took longer than {TIMEOUT_S:g} s\n".encode()
        if code != 0:
            return 500, {"Content-Type": "text/plain"}, f"the function ended with {code}\n".encode()
        if not SETTINGS["writesHeaders"]:
            return 200, {"Content-Type": SETTINGS["contentType"]}, output
        try:
            return parsed(output)
        except ValueError as error:
            self.log_message("%s", error)
            return 502, {"Content-Type": "text/plain"}, b"the function wrote no headers\n"

    def environment(self):
        """The request as CGI describes it. Source: RFC 3875, section 4.1."""
        path, _, query = self.path.partition("?")
        names = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        # A server-side program may take it for the address of a proxy.
        names.pop("HTTP_PROXY", None)
        request = {"REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query}
        return {**os.environ, **names, **request, "CONTENT_TYPE": self.headers.get("Content-Type", "")}


def run(environment, body):
    """Run the program once; returns its exit code, None after the timeout, and its output."""
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd="/tmp", start_new_session=True
    )
    try:
        output, _ = process.communicate(body, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return None, b""
    else:
        return process.returncode, output
    finally:
        end_all(process.pid)
        process.wait()
        process.stdout.close()


def end_all(group):
    """End what a run has left behind, and take note of its end: this is the first process of the container."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


def parsed(output):
    """Status, headers and body out of what a program wrote. Source: RFC 3875, section 6."""
    head, empty_line, body = output.partition(b"\n\n") if b"\r\n\r\n" not in output else output.partition(b"\r\n\r\n")
    pairs = [line.partition(":") for line in head.decode("latin-1").splitlines()]
    if not empty_line or not all(name.strip() and colon for name, colon, _ in pairs):
        raise ValueError("the output does not begin with header lines and an empty line")
    headers = {name.strip().title(): value.strip() for name, _, value in pairs}
    headers.pop("Content-Length", None)
    return int(headers.pop("Status", "200").split()[0]), headers, body


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    asked_at = float("-inf")

    def process_request(self, *connection):
        self.asked_at = time.monotonic()
        super().process_request(*connection)

    def handle_error(self, _, client_address):
        print(f"{client_address[0]}: {sys.exc_info()[1]!r}", file=sys.stderr)

    def drain(self):
        """Serve on until no one sends requests any more, then let the runs that have begun come to their end."""
        DRAINS.set()
        time.sleep(SETTINGS["drainSeconds"])
        ends = time.monotonic() + LATE_S
        while self.asked_at + QUIET_S > time.monotonic() < ends:
            time.sleep(QUIET_S / 10)
        self.shutdown()


def main():
    health = http.server.ThreadingHTTPServer(("", HEALTH_PORT), Health)
    server = Server(("", PORT), Function)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.drain).start())
    threading.Thread(target=health.serve_forever, daemon=True).start()
    server.serve_forever(poll_interval=0.1)
    for _ in range(SETTINGS["concurrency"]):
        SLOTS.acquire()


if __name__ == "__main__":
    main()
