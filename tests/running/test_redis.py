"""The bundle `redis`, with servers that remember, follow one another and take over."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from tests.lib.load import CLIENT, ClientScript, ensure_client
from tests.lib.operator import PREVIOUS

if TYPE_CHECKING:
    from tests.lib.running_site import RunningSite

WRITER = """
import json, os, socket, sys, time
host, password = sys.argv[1:]
class Connection:
    def __init__(self):
        self.file = socket.create_connection((host, 6379), timeout=3).makefile("rwb")
        self.ask("AUTH", password)
    def ask(self, *words):
        parts = [f"*{len(words)}"] + [part for word in words for part in (f"${len(word)}", word)]
        self.file.write(("\\r\\n".join(parts) + "\\r\\n").encode())
        self.file.flush()
        line = self.file.readline().decode().strip()
        if line[:1] in ("", "-"):
            raise OSError(line or "closed")
        return self.file.readline().decode().strip() if line.startswith("$") and line != "$-1" else line
def write(number):
    global connection
    try:
        connection = connection or Connection()
        connection.ask("SET", f"k{number}", str(number))
        return connection.ask("WAIT", "1", "1000") != ":0"
    except OSError as error:
        connection = None
        errors.add(str(error))
        return False
connection, acknowledged, errors, number = None, [], set(), 0
last, longest_s = time.monotonic(), 0.0
while not os.path.exists("/tmp/stop"):
    number += 1
    if write(number):
        now = time.monotonic()
        longest_s, last = max(longest_s, now - last), now
        acknowledged.append(number)
    time.sleep(0.01)
longest_s = max(longest_s, time.monotonic() - last)
connection = Connection()
lost = [one for one in acknowledged if connection.ask("GET", f"k{one}") != str(one)]
print(json.dumps({"count": len(acknowledged), "lost": lost, "longest_s": longest_s, "errors": sorted(errors)}))
"""


def password(site: RunningSite) -> str:
    """Return the generated password."""
    return base64.b64decode(site.get("v1/secrets/cache")["data"]["password"]).decode()


def ask(site: RunningSite, pod: str, *words: str) -> str:
    """Ask the server of one pod."""
    return site.run_in(pod, "redis", "redis-cli", "--no-auth-warning", "-a", password(site), *words).strip()


def primaries(site: RunningSite) -> list[str]:
    """Return the ready pods whose server is a primary."""
    return [pod for pod in site.ready_pods(name="redis") if "role:master" in ask(site, pod, "info", "replication")]


def added(site: RunningSite, secret: str) -> str:
    """Add the server to the user interface, and return the status of its answer."""
    database = json.dumps({"name": "cache", "host": "cache", "port": 6379, "password": secret})
    asked = ("curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", "-d", database)
    return site.run_in(CLIENT, CLIENT, *asked, "http://cache-ui/api/databases")


def is_led_to_one(site: RunningSite) -> bool:
    """Return whether new connections all reach a primary that both others follow."""
    asked = ("redis-cli", "--no-auth-warning", "-h", "cache", "-a", password(site), "info", "replication")
    told = [site.run_in("cache-0", "redis", *asked) for _ in range(6)]
    return all("role:master" in one and "connected_slaves:2" in one for one in told)


def standing(site: RunningSite) -> str:
    """Say what each node is, and what it has written to its log."""
    pods = [pod["metadata"]["name"] for pod in site.items("v1/pods") if "cache-" in pod["metadata"]["name"]]
    nodes = [pod for pod in pods if not pod.startswith(("cache-router-", "cache-ui-"))]
    told = [f"{pod}: {ask(site, pod, 'info', 'replication')}" for pod in nodes]
    return "\n".join([*told, *(site.logs(pod, name) for pod in nodes for name in ("redis", "sentinel"))])


def test_a_single_server_becomes_a_primary_with_replicas_and_keeps_its_keys(server_site: RunningSite) -> None:
    site = server_site
    site.bundler("install", "cache", PREVIOUS / "redis")
    assert ask(site, "cache-0", "set", "guest", "Ada") == "OK"
    before, secret = site.get("apps/v1/statefulsets/cache")["metadata"]["uid"], password(site)

    site.bundler("upgrade", "cache", "redis", "--set", "uiServiceType=ClusterIP")
    assert ask(site, "cache-0", "get", "guest") == "Ada"
    ensure_client(site)
    assert [added(site, one) for one in (secret, f"{secret}x")] == ["201", "424"], "the interface reaches the server"
    # No one who lists processes reads the password.
    assert secret not in site.run_in("cache-0", "redis", "cat", "/proc/1/cmdline")

    site.bundler("upgrade", "cache", "redis", "--set", "nodes=3")
    assert site.get("apps/v1/statefulsets/cache")["metadata"]["uid"] == before
    assert password(site) == secret
    # Where the server took its time to return, the Sentinels have chosen another one, and it follows a little later.
    site.until("one primary", lambda: len(primaries(site)) == 1)
    (primary,) = primaries(site)
    site.until("its replicas", lambda: "connected_slaves:2" in ask(site, primary, "info", "replication"))
    assert {ask(site, pod, "get", "guest") for pod in site.ready_pods(name="redis")} == {"Ada"}

    with ClientScript(site, WRITER, "cache", password(site)) as writer:
        with site.without_free_nodes():
            # Gone at once and for a while, as when its node fails.
            site.remove(f"v1/pods/{primary}", at_once=True)
            site.until("another primary", lambda: (found := primaries(site)) and found != [primary])
        site.until("all nodes", lambda: len(site.ready_pods(name="redis")) == 3)
        site.until("one primary", lambda: len(primaries(site)) == 1)
        site.until("a router that leads to it alone", lambda: is_led_to_one(site))
    assert writer.found["lost"] == [], standing(site)
    assert writer.found["count"] > 0
    assert writer.found["longest_s"] < 60, writer.found

    with ClientScript(site, WRITER, "cache", password(site)) as writer:
        site.bundler("upgrade", "cache", "redis", "--set", "maxMemoryMi=160", "--set", "nodes=3")
    assert writer.found["lost"] == []
    assert writer.found["longest_s"] < 60, writer.found
    assert {ask(site, pod, "get", "guest") for pod in site.ready_pods(name="redis")} == {"Ada"}
    assert ask(site, primaries(site)[0], "config", "get", "maxmemory").split()[1] == str(160 * 2**20)
    site.bundler("uninstall", "cache", "--yes")
    assert [pod["metadata"]["name"] for pod in site.items("v1/pods")] == [CLIENT]
    assert len(site.items("v1/persistentvolumeclaims")) == 3
