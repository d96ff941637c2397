"""What happens to a request when server and network misbehave."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bundler.cluster.client import HttpClusterClient
from bundler.errors.cluster import (
    ClusterError,
    CredentialsError,
    ForbiddenError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from bundler.model.cluster import ListQuery
from bundler.model.events import Event, Retrying
from tests.lib.stub_server import Garbage, HangUp, Reset, Say, Step, StubProxy, StubServer, status
from tests.unit.cluster.support import CONFIG_MAP, ROUTES, InstantClock, client, config_map, payload

OK = Say(body=config_map())
PATH = "/api/v1/namespaces/shop/configmaps/a"


@pytest.mark.parametrize(
    "step",
    [
        Reset(),
        HangUp(),
        Garbage(),
        Say(body=config_map(), is_cut=True),
        status(429, "slow down", "TooManyRequests"),
        status(500, "etcdserver: leader changed"),
        status(502, "bad gateway"),
        status(503, "not ready"),
        status(504, "timeout", "Timeout"),
        status(403, 'configmaps "a" is forbidden: not yet ready to handle request', "Forbidden"),
        Say(status=503, body=b"<html>upstream</html>"),
        status(409, "Operation cannot be fulfilled: the object has been modified", "Conflict"),
    ],
)
def test_a_passing_failure_is_tried_again_and_told(step: Step) -> None:
    events: list[Event] = []
    with StubServer([step, step, OK], routes=ROUTES) as server:
        # The last row is passing for an apply only.
        assert client(server.url, report=events.append).apply(payload()).body["kind"] == "ConfigMap"
    assert server.seen == [f"PATCH {PATH}"] * 3
    retries = [event for event in events if isinstance(event, Retrying)]
    # A kept connection that breaks before an answer is replaced at once and in silence.
    assert [event.attempt for event in retries] == ([1] if step in (Reset(), HangUp()) else [1, 2])
    assert all(event.doing == "applying ConfigMap/a in namespace shop" and event.why for event in retries)


def test_the_same_bytes_are_sent_again() -> None:
    with StubServer([status(503, "no"), OK], routes=ROUTES) as server:
        client(server.url).apply(payload())
    bodies = [got.body for got in server.requests if got.path == PATH]
    assert bodies == [payload().content] * 2


def test_retry_after_is_waited_for() -> None:
    clock = InstantClock()
    busy = Say(status=429, body={"kind": "Status", "message": "busy", "code": 429}, headers={"Retry-After": "7"})
    with StubServer([busy, OK], routes=ROUTES) as server:
        client(server.url, clock=clock).get(CONFIG_MAP)
    assert 7 <= clock.pauses[0] <= 11


def test_the_budget_ends_the_tries_and_the_error_says_what_happened() -> None:
    clock = InstantClock()
    with (
        StubServer([status(503, "etcd is sleeping")], routes=ROUTES) as server,
        pytest.raises(UnavailableError) as caught,
    ):
        client(server.url, clock=clock, budget_s=30).apply(payload())
    assert str(caught.value) == "applying ConfigMap/a in namespace shop"
    assert "503: etcd is sleeping" in caught.value.context[0]
    assert f"({len(server.seen)} tries)" in caught.value.context[0]
    assert server.url in caught.value.context[0]
    assert 5 < len(server.seen) < 30
    assert clock.passed_s < 30


def test_after_the_budget_one_try_is_still_made() -> None:
    with StubServer([OK], routes=ROUTES) as server:
        assert client(server.url, budget_s=-5).get(CONFIG_MAP) is not None


@pytest.mark.parametrize("code", [400, 403, 422])
def test_a_refusal_is_final(code: int) -> None:
    with StubServer([status(code, "no")], routes=ROUTES) as server, pytest.raises((RejectedError, ForbiddenError)):
        client(server.url).apply(payload())
    assert len(server.seen) == 1


def test_a_server_that_never_answered_is_given_up_soon() -> None:
    with StubServer() as server:
        url = server.url
    clock = InstantClock()
    with pytest.raises(UnavailableError) as caught:
        client(url, clock=clock).get(CONFIG_MAP)
    assert "Connection refused" in caught.value.context[0]
    assert clock.passed_s < 2


def test_a_name_that_is_unknown_is_an_unavailable_server() -> None:
    with pytest.raises(UnavailableError) as caught:
        client("http://no-such-host.invalid:1").get(CONFIG_MAP)
    assert "no-such-host.invalid:1" in caught.value.context[0]


def test_a_server_that_answered_once_is_waited_for() -> None:
    steps: list[Step] = [OK, *[Reset()] * 6, OK]
    with StubServer(steps, routes=ROUTES) as server:
        it = client(server.url)
        it.get(CONFIG_MAP)
        assert it.get(CONFIG_MAP) is not None


def test_connections_are_kept() -> None:
    with StubServer([OK], routes=ROUTES) as server:
        it = client(server.url)
        for _ in range(5):
            it.get(CONFIG_MAP)
    assert len({got.connection for got in server.requests if got.path == PATH}) == 1


@pytest.mark.parametrize("step", [Say(body=config_map(), closes=True), Say(body=config_map(), drops_after=True)])
def test_a_kept_connection_that_was_closed_is_replaced_without_a_pause(step: Step) -> None:
    clock = InstantClock()
    with StubServer([step], routes=ROUTES) as server:
        it = client(server.url, clock=clock)
        for _ in range(4):
            assert it.apply(payload()).body["kind"] == "ConfigMap"
            time.sleep(0.02)  # lets the close arrive; without it the race itself is tested, which also passes
    assert clock.pauses == []


def test_many_threads_share_a_client() -> None:
    with StubServer([OK], routes=ROUTES) as server:
        it = client(server.url)
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda _: it.apply(payload()), range(200)))
    assert len(found) == 200
    assert len([got for got in server.requests if got.path == PATH]) == 200
    assert len({got.connection for got in server.requests}) <= 10


def test_lists_from_afar_are_compressed_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Say(
        body={"kind": "ConfigMapList", "metadata": {"resourceVersion": "5"}, "items": [config_map()]}, is_gzipped=True
    )
    query = ListQuery(group="", kind="ConfigMap", namespace="shop")
    with StubServer([page], routes=ROUTES) as server:
        near = client(server.url)
        assert near.list(query).resource_version == "5"
        far = client(server.url)
        monkeypatch.setattr(far._transport, "_is_far", True)
        assert far.list(query).items == near.list(query).items
    encodings = [got.headers.get("accept-encoding", "") for got in server.requests if "configmaps" in got.path]
    assert encodings == ["", "gzip", ""]


def test_a_compressed_answer_that_is_broken_is_a_passing_failure() -> None:
    broken = Say(body=b"not gzip", headers={"Content-Encoding": "gzip"})
    with StubServer([broken, OK], routes=ROUTES) as server:
        assert client(server.url).get(CONFIG_MAP) is not None


def test_chunked_answers_are_read() -> None:
    with StubServer([Say(body=config_map(), is_chunked=True)], routes=ROUTES) as server:
        it = client(server.url)
        assert it.get(CONFIG_MAP) == it.get(CONFIG_MAP) == config_map()


GARBAGE = [b"<html>login</html>", b"", b'{"kind": "Config', b"[" * 100_000]


@pytest.mark.parametrize("garbage", GARBAGE, ids=["page", "nothing", "cut", "deep"])
def test_garbage_in_place_of_what_is_read_is_a_passing_failure(garbage: bytes) -> None:
    with StubServer([Say(body=garbage), OK, Say(body=garbage), OK], routes=ROUTES) as server:
        it = client(server.url)
        assert it.get(CONFIG_MAP) == config_map()
        assert it.apply(payload(), is_dry_run=True).body == config_map()
    assert len(server.seen) == 4


@pytest.mark.parametrize("garbage", GARBAGE, ids=["page", "nothing", "cut", "deep"])
def test_garbage_in_place_of_what_was_written_is_a_lost_answer(garbage: bytes) -> None:
    with StubServer([Say(body=garbage), OK], routes=ROUTES) as server:
        assert client(server.url).apply(payload()).body == config_map()
    with (
        StubServer([Say(body=garbage)] * 3, routes=ROUTES) as server,
        pytest.raises(ClusterError, match="applying ConfigMap/a") as caught,
    ):
        client(server.url).apply(payload())
    assert caught.value.is_unclear
    assert len(server.seen) == 3


def test_a_single_401_for_credentials_that_were_good_is_a_passing_failure() -> None:
    refused = status(401, "Unauthorized", "Unauthorized")
    with StubServer([OK, refused, OK, refused, refused], routes=ROUTES) as server:
        it = client(server.url)
        assert it.get(CONFIG_MAP) == it.get(CONFIG_MAP)
        with pytest.raises(UnauthorizedError):
            it.get(CONFIG_MAP)
    assert len(server.seen) == 5


def test_an_answer_that_is_not_json_is_no_traceback() -> None:
    with (
        StubServer([Say(body=b"<html>login</html>")], routes=ROUTES) as server,
        pytest.raises(Exception, match="reading ConfigMap/a") as caught,
    ):
        client(server.url).get(CONFIG_MAP)
    assert "not a JSON object" in caught.value.context[0]  # type: ignore[attr-defined]


def test_a_proxy_is_tunnelled_through_and_loopback_is_not() -> None:
    with StubServer([OK], routes=ROUTES) as server, StubProxy() as proxy:
        host = proxy.url.replace("http://", "http://ada:pw@")
        it = _through(server.url, host)
        assert it.get(CONFIG_MAP) is not None
        assert client(server.url, env={"HTTP_PROXY": proxy.url}).get(CONFIG_MAP) is not None
    assert set(proxy.tunnels) == {f"127.0.0.1:{server.port}"}
    assert set(proxy.authorizations) == {"Basic YWRhOnB3"}


def test_a_proxy_that_refuses_is_named_and_not_asked_again() -> None:
    with StubProxy(refuse_status=407) as proxy, pytest.raises(UnavailableError) as caught:
        _through("http://api.example:80", proxy.url).get(CONFIG_MAP)
    assert (
        "(proxy-url of the kubeconfig) refuses the way to api.example:80: 407, it wants a login"
        in caught.value.context[0]
    )
    assert "correct its address where it is set" in caught.value.hint
    assert len(proxy.tunnels) <= 2


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_a_dead_proxy_is_named_with_where_it_is_set(variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(UnavailableError) as caught:
        client("http://api.example:80", env={variable: f"http://ada:s3cret@{address}"}).get(CONFIG_MAP)
    assert f"the proxy {address} ({variable}): Connection refused" in caught.value.context[0]
    assert "NO_PROXY" in caught.value.hint
    assert "s3cret" not in str(caught.value.context)


@pytest.mark.parametrize("step", [HangUp(), Garbage()], ids=["hangs up", "is not a proxy"])
def test_a_proxy_that_breaks_off_is_named(step: Step) -> None:
    with StubServer([step] * 20) as broken, pytest.raises(UnavailableError) as caught:
        _through("http://api.example:80", broken.url.replace("https:", "http:")).get(CONFIG_MAP)
    assert "(proxy-url of the kubeconfig)" in caught.value.context[0]


def test_wrong_credentials_are_one_clear_error() -> None:
    with (
        StubServer([status(401, "Unauthorized", "Unauthorized")]) as server,
        pytest.raises(UnauthorizedError) as caught,
    ):
        client(server.url).resource_types()
    assert "sent as user ada of the kubeconfig" in caught.value.context
    assert "t0ken" not in " ".join(caught.value.context)


def test_a_token_cannot_smuggle_headers() -> None:
    from bundler.cluster.kubeconfig import UserEntry

    with StubServer([OK], routes=ROUTES) as server, pytest.raises(CredentialsError):
        client(server.url, user=UserEntry(name="eve", token="a\r\nX-Remote-User: root")).get(CONFIG_MAP)
    assert server.requests == []


def _through(server: str, proxy: str) -> HttpClusterClient:
    return client(server, proxy_url=proxy)
