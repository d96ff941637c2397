"""What --offline lets a run reach."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bundler.concurrency import map_parallel
from bundler.errors.delivery import OfflineError
from bundler.http.dial import Dialer, ProxyError
from bundler.http.fence import Fence, checked
from bundler.http.proxy import Address, Proxy
from tests.lib.stub_server import Say, StubProxy, StubServer

ROOT = Path(__file__).parents[3]
NAMED = ("api.site:6443", "registry.site", "10.0.0.5:5000", "[fd00::5]:443", "127.0.0.1:8443")
ADDRESSES = {"api.site": "10.0.0.1", "registry.site": "10.0.0.2"}


class Sock:
    """What the rules want to know of a socket."""

    def __init__(self, family: int) -> None:
        self.family = family

    def __repr__(self) -> str:
        return str(int(self.family))


V4, V6, UNIX = Sock(socket.AF_INET), Sock(socket.AF_INET6), Sock(socket.AF_UNIX)


@pytest.fixture
def fence(monkeypatch: pytest.MonkeyPatch) -> Fence:
    it = Fence()
    it.name(*NAMED)
    it.put_up()

    def resolve(host: str, port: object) -> list[tuple[object, ...]]:
        # As Python does: the hook hears of its own lookups too.
        it.judge("socket.getaddrinfo", (host, port, 0, 0, 0))
        if host not in ADDRESSES:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ADDRESSES[host], 0))]

    monkeypatch.setattr("bundler.http.fence.socket.getaddrinfo", resolve)
    return it


ALLOWED = [
    ("socket.connect", (V4, ("10.0.0.1", 6443))),
    ("socket.connect", (V4, ("10.0.0.2", 443))),
    ("socket.connect", (V4, ("10.0.0.2", 5001))),
    ("socket.connect", (V4, ("10.0.0.5", 5000))),
    ("socket.connect", (V4, ("127.0.0.1", 8443))),
    ("socket.connect", (V4, ("registry.site", 443))),
    ("socket.connect", (V6, ("fd00::5", 443, 0, 0))),
    ("socket.connect", (V6, ("::ffff:10.0.0.5", 5000, 0, 0))),
    ("socket.connect", (UNIX, "/run/anything")),
    ("socket.connect", (UNIX, b"\0abstract")),
    ("socket.sendto", (V4, ("10.0.0.2", 53))),
    ("socket.sendmsg", (V4, None)),
    ("socket.getaddrinfo", ("registry.site", 443, 0, 1, 0)),
    ("socket.getaddrinfo", (b"Registry.Site.", 443, 0, 1, 0)),
    ("socket.getaddrinfo", ("10.0.0.1", 6443, 0, 1, 0)),
    ("socket.getaddrinfo", ("10.0.0.5", "http", 0, 1, 0)),
    ("socket.getaddrinfo", ("api.site", None, 0, 1, 0)),
    ("socket.getaddrinfo", ("0.0.0.0", 8080, 0, 1, 0)),
    ("socket.getaddrinfo", (None, 0, 0, 1, 0)),
    ("socket.getaddrinfo", ("", 0, 0, 1, 0)),
    ("socket.gethostbyname", ("api.site",)),
    ("socket.gethostbyaddr", ("10.0.0.5",)),
    ("socket.getnameinfo", (("10.0.0.5", 5000),)),
    ("socket.bind", (V4, ("0.0.0.0", 0))),
    ("socket.gethostname", ()),
    ("open", ("/etc/passwd", "r", 0)),
]
REFUSED = [
    (("socket.connect", (V4, ("10.0.0.1", 443))), "connecting to 10.0.0.1:443"),
    (("socket.connect", (V4, ("10.0.0.5", 443))), "connecting to 10.0.0.5:443"),
    (("socket.connect", (V4, ("192.0.2.1", 443))), "connecting to 192.0.2.1:443"),
    (("socket.connect", (V4, ("127.0.0.1", 80))), "connecting to 127.0.0.1:80"),
    (("socket.connect", (V6, ("::1", 8443, 0, 0))), "connecting to ::1:8443"),
    (("socket.connect", (V6, ("fe80::1%eth0", 443, 0, 0))), "connecting to fe80::1%eth0:443"),
    (("socket.connect", (V4, ("evil.example", 443))), "connecting to evil.example:443"),
    (("socket.connect", (V4, "strange")), "connecting to 'strange'"),
    (("socket.sendto", (V4, ("8.8.8.8", 53))), "connecting to 8.8.8.8:53"),
    (("socket.sendmsg", (V4, ("8.8.8.8", 53))), "connecting to 8.8.8.8:53"),
    (("socket.getaddrinfo", ("login.example", 443, 0, 1, 0)), "looking up login.example"),
    (("socket.getaddrinfo", (b"login.example", 443, 0, 1, 0)), "looking up login.example"),
    (("socket.getaddrinfo", ("api.site", 443, 0, 1, 0)), "looking up api.site"),
    (("socket.getaddrinfo", ("192.0.2.1", 443, 0, 1, 0)), "connecting to 192.0.2.1:443"),
    (("socket.getaddrinfo", ("192.0.2.1", None, 0, 1, 0)), "looking up 192.0.2.1"),
    (("socket.getaddrinfo", ("localhost", 443, 0, 1, 0)), "looking up localhost"),
    (("socket.gethostbyname", ("login.example",)), "looking up login.example"),
    (("socket.gethostbyaddr", ("192.0.2.1",)), "looking up 192.0.2.1"),
    (("socket.getnameinfo", (("192.0.2.1", 80),)), "looking up 192.0.2.1"),
]


@pytest.mark.parametrize("event", ALLOWED, ids=str)
def test_what_is_named_may_be_reached_and_what_is_local(fence: Fence, event) -> None:
    fence.judge(*event)


@pytest.mark.parametrize(("event", "doing"), REFUSED, ids=str)
def test_anything_else_is_refused_in_three_parts(fence: Fence, event, doing: str) -> None:
    with pytest.raises(OfflineError) as caught:
        fence.judge(*event)
    error = caught.value
    assert str(error) == doing
    assert error.context == (f"offline, {', '.join(sorted(NAMED))} may be reached and nothing else",)
    assert "--no-offline" in (error.hint or "")


@pytest.mark.parametrize(("event", "doing"), REFUSED, ids=str)
def test_nothing_is_refused_before_it_stands_or_when_it_is_down(fence: Fence, event, doing: str) -> None:
    del doing
    fence.take_down()
    fence.judge(*event)
    fence.put_up()
    # What was named is forgotten.
    with pytest.raises(OfflineError, match=r"10\.0\.0\.2"):
        fence.judge("socket.connect", (V4, ("10.0.0.2", 443)))


def test_our_own_checked_connection_passes_in_its_thread_alone(fence: Fence) -> None:
    event = ("socket.connect", (V4, ("192.0.2.1", 3128)))
    refused = []

    def elsewhere() -> None:
        try:
            fence.judge(*event)
        except OfflineError as error:
            refused.append(error)

    with checked():
        fence.judge(*event)
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
    assert len(refused) == 1
    with pytest.raises(OfflineError):
        fence.judge(*event)


# --- the fences of runs -------------------------------------------------------------------------------------------


@pytest.fixture
def standing():
    fence = Fence()
    fence.put_up()
    yield fence
    fence.take_down()


def test_two_runs_in_one_process_do_not_affect_each_other(standing: Fence) -> None:
    free = Fence()
    with StubServer(routes={"/": Say()}) as server:
        host, port = "127.0.0.1", int(server.url.rpartition(":")[2])

        def ours(fence: Fence) -> None:
            Dialer(
                Address("http", host, port, ""), proxy=None, tls=lambda: pytest.fail("no TLS"), fence=fence
            )().close()

        def of_a_library(_number: int = 0) -> str:
            try:
                socket.create_connection((host, port), timeout=5).close()
            except OfflineError:
                return "refused"
            return "connected"

        ours(free)
        with pytest.raises(OfflineError):
            ours(standing)
        with standing.surrounding():
            assert of_a_library() == "refused"
            assert map_parallel(of_a_library, range(3)) == ["refused"] * 3
            with free.surrounding():
                assert of_a_library() == "connected"
        assert of_a_library() == "connected", "what belongs to no run is held to no run's fence"
        standing.put_up(holds_process=True)
        assert of_a_library() == "refused"
        with free.surrounding():
            assert map_parallel(of_a_library, range(3)) == ["connected"] * 3


def test_our_own_connections_ask_it_whatever_gate_they_have(standing: Fence) -> None:
    with StubServer(routes={"/": Say()}) as server:
        host, port = "127.0.0.1", int(server.url.rpartition(":")[2])
        dial = Dialer(Address("http", host, port, ""), proxy=None, tls=lambda: pytest.fail("no TLS"), fence=standing)
        for ask in (dial, dial.certificate):
            with pytest.raises(OfflineError, match=f"connecting to {host}:{port}"):
                ask()
        standing.name(f"{host}:{port}")
        dial().close()


def test_a_proxy_is_on_the_way_to_a_server_that_is_named(standing: Fence) -> None:
    with StubProxy(refuse_status=403) as hop:
        proxy = Proxy(host="127.0.0.1", port=int(hop.url.rpartition(":")[2]))
        standing.name("api.site:6443")

        def to(host: str, port: int) -> Dialer:
            server = Address("http", host, port, "")
            return Dialer(server, proxy=proxy, tls=lambda: pytest.fail("no TLS"), fence=standing)

        with pytest.raises(ProxyError):
            to("api.site", 6443)()
        with pytest.raises(OfflineError, match=r"other\.site"):
            to("other.site", 80)()
        assert hop.tunnels == ["api.site:6443"]


PROCESS = """
import json, socket, sys, warnings
warnings.simplefilter("ignore")
import requests, urllib3
from bundler.cluster.auth import legacy_authorization
from bundler.cluster.kubeconfig import UserEntry
from bundler.errors import BundlerError
from bundler.http.fence import Fence

url, authority, provider = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
ways = {
    "requests": lambda: requests.get(url, timeout=5).status_code,
    "requests by name": lambda: requests.get("http://login.example/", timeout=5).status_code,
    "urllib3": lambda: urllib3.PoolManager().request("GET", url, retries=3, timeout=5).status,
    "socket": lambda: socket.create_connection(tuple(authority.split(":")), timeout=5).close() or 200,
    "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)) and 200,
    "login plugin": lambda: legacy_authorization(UserEntry(name="me", auth_provider=provider)) and 200,
    "pair": lambda: (lambda one, other: one.send(b"x") and 200)(*socket.socketpair()),
}
def tried(way):
    try:
        return way()
    except BundlerError as error:
        return [type(error).__name__, str(error), len(error.context), bool(error.hint)]
    except Exception as error:
        return type(error).__name__
said, FENCE = {}, Fence()
FENCE.put_up(holds_process=True)
said["fenced"] = {name: tried(way) for name, way in ways.items()}
FENCE.name(authority)
said["named"] = {name: tried(way) for name, way in ways.items() if name != "login plugin"}
FENCE.take_down()
FENCE.put_up(holds_process=True)
said["again"] = tried(ways["requests"])
FENCE.take_down()
said["down"] = tried(ways["requests"])
print(json.dumps(said))
"""


def token_that_expired() -> str:
    parts = ({"alg": "none"}, {"exp": 1})
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "x"]
    )


@pytest.mark.medium
def test_libraries_that_know_nothing_of_it_are_refused_in_our_words() -> None:
    with StubServer(routes={"/": Say()}) as server:
        authority = server.url.partition("://")[2]
        config = {
            "id-token": token_that_expired(),
            "idp-issuer-url": server.url,
            "client-id": "a",
            "client-secret": "b",
            "refresh-token": "c",
        }
        words = [server.url + "/", authority, json.dumps({"name": "oidc", "config": config})]
        done = subprocess.run(
            [sys.executable, "-c", PROCESS, *words], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        asked = len(server.requests)
    refused = ["OfflineError", f"connecting to {authority}", 1, True]
    assert said["fenced"] == {
        "requests": refused,
        "requests by name": ["OfflineError", "looking up login.example", 1, True],
        "urllib3": refused,
        "socket": refused,
        "datagram": ["OfflineError", "connecting to 127.0.0.1:9", 1, True],
        "login plugin": refused,
        "pair": 200,
    }
    assert [said["named"][name] for name in ("requests", "urllib3", "socket", "pair")] == [200] * 4
    assert said["named"]["requests by name"][0] == said["named"]["datagram"][0] == "OfflineError"
    assert (said["again"], said["down"]) == (refused, 200)
    assert asked == 3
