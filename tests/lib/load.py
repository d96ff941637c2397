"""A small load generator: a pod that asks a Service again and again, and counts what was answered and what was not."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

CLIENT = "client"
DRAIN_S = 4
"""How long what ends under load has to serve on: a machine where much else runs takes its time to send requests elsewhere."""
SCRIPT = """
import http.client, json, os, sys, threading, time, urllib.parse
url, workers, pause_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
target = urllib.parse.urlsplit(url)
answers, failures, lock = {}, [], threading.Lock()
def ask():
    connection = http.client.HTTPConnection(target.hostname, target.port or 80, timeout=10)
    try:
        connection.request("GET", target.path or "/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()[:200]
    finally:
        connection.close()
def work():
    while not os.path.exists("/tmp/stop"):
        try:
            status, text = ask()
        except Exception as error:
            status, text = 0, repr(error)
        with lock:
            if status == 200:
                answers[text] = answers.get(text, 0) + 1
            else:
                failures.append(f"{time.time():.3f} {status} {text}")
        time.sleep(pause_s)
threads = [threading.Thread(target=work) for _ in range(workers)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps({"answers": answers, "failures": failures}))
"""


class ClientScript:
    """A script in the client that works from `with` to its end, and prints as JSON what came of it.

    It ends when the file `/tmp/stop` appears.
    """

    def __init__(self, site: RunningSite, script: str, *arguments: str) -> None:
        self.site, self.words, self.found = site, ("python3", "-c", script, *arguments), dict[str, Any]()

    def __enter__(self) -> Self:
        ensure_client(self.site)
        self.site.run_in(CLIENT, CLIENT, "rm", "-f", "/tmp/stop")
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.site.run_in(CLIENT, CLIENT, "touch", "/tmp/stop")
        self._thread.join()

    def _work(self) -> None:
        self.found = json.loads(self.site.run_in(CLIENT, CLIENT, *self.words))


class Load(ClientScript):
    """Requests that continue from `with` to its end; each has a connection of its own, so that each is balanced again."""

    def __init__(self, site: RunningSite, url: str, *, workers: int = 3, pause_s: float = 0.01) -> None:
        super().__init__(site, SCRIPT, url, str(workers), str(pause_s))

    @property
    def answers(self) -> dict[str, int]:
        """How often each text was answered."""
        return self.found["answers"]

    @property
    def failures(self) -> list[str]:
        """Requests that were not answered well: when, status and text."""
        return self.found["failures"]

    @property
    def count(self) -> int:
        """How many requests were answered well."""
        return sum(self.answers.values())


def ensure_client(site: RunningSite) -> None:
    """Have a pod in the namespace from which one can ask."""
    if any(pod["metadata"]["name"] == CLIENT for pod in site.items("v1/pods")):
        return
    site.create_object("v1/pods", client_pod())
    site.until("the client", lambda: CLIENT in site.ready_pods())


def client_pod(**changes: Any) -> dict[str, Any]:
    """Return a pod that sleeps, and may do nothing that Pod Security forbids."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": CLIENT},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": CLIENT,
                    "image": "docker.io/library/python:3.13",
                    "command": ["sleep", "infinity"],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                    **changes,
                }
            ],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    }
