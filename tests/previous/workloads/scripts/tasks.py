"""What runs beside the page: `seed` adds the first notes, `tidy` removes old ones, `agent` counts the files of its node."""

import json
import os
import signal
import sys
import time
import urllib.request

STORE = os.environ["STORE"]


def call(method, path, body=""):
    request = urllib.request.Request(f"{STORE}/{path}", body.encode(), method=method)
    with urllib.request.urlopen(request, timeout=3) as answer:
        return answer.read().decode()


def patiently(method, path, body=""):
    """Ask until the store answers."""
    for _ in range(60):
        try:
            return call(method, path, body)
        except OSError as error:
            print(f"waiting for the store: {error}", flush=True)
            time.sleep(1)
    sys.exit("the store does not answer")


def seed():
    for note in json.loads(os.environ["NOTES"]):
        patiently("POST", "notes", note)
        print(f"added: {note}")


def tidy():
    print(f"removed: {len(patiently('DELETE', 'notes?keep=' + os.environ['KEEP']).splitlines())}")


def agent():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        files = sum(len(names) for _, _, names in os.walk("/node"))
        patiently("PUT", f"nodes/{os.environ['NODE']}", str(files))
        # Fresh for as long as the agent works; its probes look at it.
        with open("/tmp/reported", "w") as reported:
            reported.write(str(time.time()))
        time.sleep(15)


{"seed": seed, "tidy": tidy, "agent": agent}[sys.argv[1]]()
