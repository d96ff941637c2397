"""Seats guests: observe, analyse, act, and wait for the next change. Nothing is remembered between two rounds."""

import http.client
import http.server
import json
import os
import signal
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request

from analysis import analyse, name_of

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
SERVER = "https://kubernetes.default.svc"
TLS = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
SEATS, RESYNC_S = int(os.environ["SEATS"]), int(os.environ["RESYNC_SECONDS"])
PAUSE_S = 2
"""After a failure."""


def text_of(name):
    with open(f"{ACCOUNT}/{name}") as file:
        return file.read().strip()


NAMESPACE = text_of("namespace")
GUESTS = f"/apis/party.example/v1/namespaces/{NAMESPACE}/guests"
SEATING = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{os.environ['SEATING']}"


def send(method, path, body=None, timeout_s=10):
    request = urllib.request.Request(SERVER + path, method=method)
    # The token is renewed while the pod runs.
    request.add_header("Authorization", f"Bearer {text_of('token')}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/merge-patch+json")
    return urllib.request.urlopen(request, context=TLS, timeout=timeout_s)


def get(path):
    with send("GET", path) as answer:
        return json.load(answer)


def patch(path, known, **change):
    """Change an object, unless someone else changed it since it was read."""
    meta = {**change.pop("metadata", {}), "resourceVersion": known["metadata"]["resourceVersion"]}
    send("PATCH", path, {"metadata": meta, **change}).close()


def observe():
    guests, seating = get(GUESTS), get(SEATING)
    return guests, seating, {name: [*map(int, text.split())] for name, text in seating.get("data", {}).items()}


def act(guests, seating, taken):
    """Do what is to be done, and return whether there was anything."""
    finalizers, given, statuses = analyse(guests["items"], taken, SEATS)
    known = {name_of(guest): guest for guest in guests["items"]}
    for name, wanted in finalizers.items():
        patch(f"{GUESTS}/{name}", known[name], metadata={"finalizers": wanted})
        print(f"{name}: is held" if wanted else f"{name}: may go", flush=True)
    if given != taken:
        gone = dict.fromkeys(taken.keys() - given.keys())
        patch(SEATING, seating, data={**gone, **{name: " ".join(map(str, numbers)) for name, numbers in given.items()}})
        print(f"seats taken: {sum(map(len, given.values()))} of {SEATS}", flush=True)
    for name, status in statuses.items():
        patch(f"{GUESTS}/{name}/status", known[name], status={**status, "conditions": [condition(known[name], status)]})
        print(f"{name}: {status['phase']}, {status['message']}", flush=True)
    return bool(finalizers or statuses or given != taken)


def condition(guest, status):
    """The phase as a condition, whose time is that of the last change between true and false."""
    before = next((one for one in guest.get("status", {}).get("conditions", []) if one["type"] == "Ready"), {})
    state = str(status["phase"] == "Accepted")
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "type": "Ready",
        "status": state,
        "reason": status["phase"],
        "message": status["message"],
        "observedGeneration": status["observedGeneration"],
        "lastTransitionTime": before["lastTransitionTime"] if before.get("status") == state else now,
    }


def settle():
    """Observe and act until there is nothing left to do, and return the version of the guests that were seen."""
    while True:
        guests, seating, taken = observe()
        try:
            if not act(guests, seating, taken):
                return guests["metadata"]["resourceVersion"]
        except urllib.error.HTTPError as error:
            if error.code not in (404, 409):
                raise
            # It has changed since it was read, or is gone.


def wait(version):
    """Wait until a guest changes, or it is time to compare everything again."""
    path = f"{GUESTS}?watch=1&resourceVersion={version}&timeoutSeconds={RESYNC_S}"
    with send("GET", path, timeout_s=RESYNC_S + 10) as events:
        events.readline()


class Health(http.server.BaseHTTPRequestHandler):
    """Ready after the first round; alive as long as rounds go on, also those that fail."""

    is_ready, last_round = False, time.monotonic()

    def do_GET(self):
        is_well = Health.is_ready if self.path == "/readyz" else time.monotonic() - Health.last_round < RESYNC_S + 60
        self.send_response(200 if is_well else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = http.server.ThreadingHTTPServer(("", 8080), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        Health.last_round = time.monotonic()
        try:
            version = settle()
            Health.is_ready = True
            wait(version)
        except (OSError, http.client.HTTPException, ValueError) as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
