"""What the verbs send, and what they make of answers."""

import json
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from bundler.cluster.client import warnings_of
from bundler.cluster.streams import LOG_PART_BYTES
from bundler.errors.cluster import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    ObjectNotFoundError,
    UnavailableError,
    UnknownKindError,
)
from bundler.model.cluster import ListQuery, LogQuery, Payload
from bundler.model.refs import ObjectRef
from tests.lib.certs import Authority
from tests.lib.clocks import SOON_S
from tests.lib.stub_server import Drip, Got, HangUp, Reset, Say, Step, StubServer, status
from tests.unit.cluster.support import CONFIG_MAP, ROUTES, InstantClock, aggregated, client, config_map, payload

PATH = "/api/v1/namespaces/shop/configmaps"
OURS = {"managedFields": [{"manager": "bundler", "operation": "Update"}], "uid": "1", "resourceVersion": "9"}
CONFIG_MAPS = ListQuery(group="", kind="ConfigMap", namespace="shop")
EXISTS = status(409, 'configmaps "a" already exists', "AlreadyExists", name="a", kind="configmaps")
MOVED = status(409, "the object has been modified", "Conflict", name="a", kind="configmaps")
GONE = status(404, 'configmaps "a" not found', "NotFound", name="a", kind="configmaps")


def query_of(got: Got) -> dict[str, str]:
    return dict(parse_qsl(got.target.partition("?")[2]))


def last(server: StubServer) -> Got:
    return [got for got in server.requests if got.path not in ROUTES][-1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, {"force": "false"}),
        ({"is_dry_run": True}, {"force": "false", "dryRun": "All"}),
        ({"is_forced": True}, {"force": "true"}),
    ],
)
def test_apply_sends_the_payload_unchanged(arguments: dict[str, bool], expected: dict[str, str]) -> None:
    content = b'{"apiVersion": "v1",\n "kind": "ConfigMap"}'
    with StubServer([Say(status=201, body=config_map())], routes=ROUTES) as server:
        answer = client(server.url).apply(Payload(ref=CONFIG_MAP, api_version="v1", content=content), **arguments)
    got = last(server)
    assert (got.method, got.path, got.body) == ("PATCH", f"{PATH}/a", content)
    assert got.headers["content-type"] == "application/apply-patch+yaml"
    assert got.headers["authorization"] == "Bearer t0ken"
    assert query_of(got) == {"fieldManager": "bundler", "fieldValidation": "Strict", **expected}
    assert answer.is_created


def test_an_update_is_not_a_creation_and_warnings_are_kept() -> None:
    warnings = {"Warning": '299 - "v1 Foo is \\"old\\", use v2"\n299 - "v1 Foo is \\"old\\", use v2"\n299 - "b"'}
    with StubServer([Say(body=config_map(), headers=warnings)], routes=ROUTES) as server:
        answer = client(server.url).apply(payload())
    assert not answer.is_created
    assert answer.warnings == ('v1 Foo is "old", use v2', "b")


def test_any_warning_header_can_be_read() -> None:
    assert warnings_of("") == ()
    assert warnings_of("strange") == ("strange",)
    assert warnings_of('299 - "cut') == ()


def test_create_posts_to_the_collection() -> None:
    with StubServer([Say(status=201, body=config_map())], routes=ROUTES) as server:
        assert client(server.url).create(payload(), is_dry_run=True).is_created
    got = last(server)
    assert (got.method, got.path, got.headers["content-type"]) == ("POST", PATH, "application/json")
    assert query_of(got) == {"fieldManager": "bundler", "fieldValidation": "Strict", "dryRun": "All"}


def test_replace_puts_the_object() -> None:
    with StubServer([Say(body=config_map())], routes=ROUTES) as server:
        assert not client(server.url).replace(payload()).is_created
    assert (last(server).method, last(server).path) == ("PUT", f"{PATH}/a")


def test_cluster_scoped_objects_have_no_namespace_in_their_path() -> None:
    ref = ObjectRef("", "Namespace", "", "shop:odd/name")
    with StubServer([Say(body={})], routes=ROUTES) as server:
        client(server.url).get(ref)
    assert last(server).target == "/api/v1/namespaces/shop%3Aodd%2Fname"


def test_a_server_may_stand_under_a_path() -> None:
    prefix = "/k8s/clusters/c-1"
    routes = {prefix + path: step for path, step in ROUTES.items()}
    with StubServer([Say(body=config_map())], routes=routes) as server:
        client(server.url + prefix).get(CONFIG_MAP)
    assert server.seen == [f"GET {prefix}{PATH}/a"]


@pytest.mark.parametrize("step", [Reset(), HangUp(), status(504, "timeout"), Say(body=b"<html>login</html>")])
def test_a_create_whose_answer_was_lost_is_recognised(step: Step) -> None:
    live = config_map(**OURS)
    with StubServer([step, EXISTS, Say(body=live)], routes=ROUTES) as server:
        answer = client(server.url).create(payload())
    assert server.seen == [f"POST {PATH}", f"POST {PATH}", f"GET {PATH}/a"]
    assert (answer.is_created, answer.body["metadata"]) == (True, live["metadata"])


@pytest.mark.parametrize(
    "live",
    [
        config_map(managedFields=[{"manager": "kubectl"}]),
        {**config_map(**OURS), "data": {"x": "2"}},
        {**config_map(**OURS), "data": {}},
    ],
)
def test_somebody_elses_object_is_never_taken_for_our_own_create(live: dict[str, Any]) -> None:
    with StubServer([Reset(), EXISTS, Say(body=live)], routes=ROUTES) as server, pytest.raises(AlreadyExistsError):
        client(server.url).create(payload())


@pytest.mark.parametrize("before", [(), (status(429, "slow"),)])
def test_a_name_that_was_surely_taken_before_is_not_looked_at(before: tuple[Step, ...]) -> None:
    with (
        StubServer([*before, EXISTS, Say(body=config_map(**OURS))], routes=ROUTES) as server,
        pytest.raises(AlreadyExistsError),
    ):
        client(server.url).create(payload())
    assert f"GET {PATH}/a" not in server.seen


def test_a_replace_whose_answer_was_lost_is_recognised() -> None:
    with StubServer([Reset(), MOVED, Say(body=config_map(**OURS))], routes=ROUTES) as server:
        assert client(server.url).replace(payload()).body["kind"] == "ConfigMap"


def test_a_replace_that_came_too_late_is_a_conflict() -> None:
    with StubServer([MOVED], routes=ROUTES) as server, pytest.raises(ConflictError) as caught:
        client(server.url).replace(payload())
    assert caught.value.conflicts == ()


@pytest.mark.parametrize(
    ("script", "expected"), [([GONE], False), ([Reset(), GONE], True), ([Say()], True), ([Say(status=202)], True)]
)
def test_delete_tells_whether_it_deleted(script: list[Step], expected: bool) -> None:
    with StubServer(script, routes=ROUTES) as server:
        assert client(server.url).delete(CONFIG_MAP) is expected


def test_delete_sends_its_preconditions() -> None:
    with StubServer([Say()], routes=ROUTES) as server:
        client(server.url).delete(CONFIG_MAP, uid="u", resource_version="7", propagation="Orphan", is_dry_run=True)
    assert json.loads(last(server).body) == {
        "propagationPolicy": "Orphan",
        "preconditions": {"uid": "u", "resourceVersion": "7"},
        "dryRun": ["All"],
    }


def test_what_is_absent_is_none_and_what_is_unreadable_is_not() -> None:
    with StubServer([GONE, status(403, "no")], routes=ROUTES) as server:
        it = client(server.url)
        assert it.get(CONFIG_MAP) is None
        assert it.get(ObjectRef("nope", "Nope", "shop", "a")) is None
        assert it.delete(ObjectRef("nope", "Nope", "shop", "a")) is False
        with pytest.raises(ForbiddenError):
            it.get(CONFIG_MAP)


def test_metadata_only_asks_for_metadata_and_names_the_kind() -> None:
    body = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {"name": "a"}}
    with StubServer([Say(body=body)], routes=ROUTES) as server:
        found = client(server.url).get(CONFIG_MAP, metadata_only=True)
    assert found == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert last(server).headers["accept"] == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


def page(*names: str, token: str = "", version: str = "5") -> Say:
    items = [{"metadata": {"name": name}} for name in names]
    return Say(
        body={"kind": "ConfigMapList", "metadata": {"resourceVersion": version, "continue": token}, "items": items}
    )


def names(listing: Any) -> list[str]:
    return [item["metadata"]["name"] for item in listing.items]


def test_a_list_reads_all_pages_and_fills_in_kinds() -> None:
    selected = ListQuery(
        group="", kind="ConfigMap", namespace="shop", label_selector="a in (b,c)", field_selector="x=y"
    )
    with StubServer([page("a", "b", token="t/1=="), page("c")], routes=ROUTES) as server:
        found = client(server.url).list(selected)
    assert names(found) == ["a", "b", "c"]
    assert found.resource_version == "5"
    assert all(item["kind"] == "ConfigMap" and item["apiVersion"] == "v1" for item in found.items)
    first, second = (query_of(got) for got in server.requests if got.path == PATH)
    assert first == {"limit": "500", "labelSelector": "a in (b,c)", "fieldSelector": "x=y"}
    assert second == first | {"continue": "t/1=="}


def test_a_list_whose_pages_expired_begins_again_once() -> None:
    expired = status(410, "The provided continue parameter is too old", "Expired")
    with StubServer([page("a", token="t"), expired, page("a", token="t"), page("b")], routes=ROUTES) as server:
        assert names(client(server.url).list(CONFIG_MAPS)) == ["a", "b"]
    with StubServer([page("a", token="t"), expired] * 2, routes=ROUTES) as server, pytest.raises(ExpiredError):
        client(server.url).list(CONFIG_MAPS)


def test_a_metadata_list_asks_for_metadata() -> None:
    with StubServer([page()], routes=ROUTES) as server:
        client(server.url).list(ListQuery(group="", kind="ConfigMap", namespace="", metadata_only=True))
    assert last(server).path == "/api/v1/configmaps"
    assert "PartialObjectMetadataList" in last(server).headers["accept"]


def test_a_kind_that_is_not_served_is_named() -> None:
    with StubServer(routes=ROUTES) as server, pytest.raises(UnknownKindError) as caught:
        client(server.url).list(ListQuery(group="cert-manager.io", kind="Certificate", namespace="shop"))
    assert caught.value.context == ("the server knows no kind Certificate in cert-manager.io",)


def test_a_write_to_a_version_that_is_not_served_is_refused_before_it_is_sent() -> None:
    old = Payload(ref=ObjectRef("apps", "Deployment", "shop", "a"), api_version="apps/v1beta1", content=b"{}")
    with StubServer(routes=ROUTES) as server, pytest.raises(UnknownKindError):
        client(server.url).apply(old)
    assert server.seen == []


def test_a_missing_namespace_is_an_object_that_had_to_be_there() -> None:
    with (
        StubServer([status(404, 'namespaces "shop" not found', kind="namespaces")], routes=ROUTES) as server,
        pytest.raises(ObjectNotFoundError),
    ):
        client(server.url).apply(payload())


# --- watches and logs --------------------------------------------------------------------------------------------


def event(kind: str, version: str, **more: Any) -> bytes:
    body = {"metadata": {"name": "a", "resourceVersion": version}, **more}
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def watched(server: StubServer, *, clock: InstantClock | None = None, timeout_s: float = 0.4) -> list[tuple[str, str]]:
    """Watch, and return what moved."""
    return [one for one in heard(server, clock=clock, timeout_s=timeout_s) if one[0] != "BOOKMARK"]


def heard(server: StubServer, *, clock: InstantClock | None = None, timeout_s: float = 0.4) -> list[tuple[str, str]]:
    found = client(server.url, clock=clock).watch(CONFIG_MAPS, resource_version="5", timeout_s=timeout_s)
    return [(one.type, str(one.body["metadata"]["resourceVersion"])) for one in found]  # type: ignore[index,call-overload]


def test_a_watch_goes_on_where_the_last_one_ended() -> None:
    first = Say(body=event("ADDED", "6") + event("BOOKMARK", "8"), is_chunked=True)
    cut = Say(body=event("MODIFIED", "9") + b'{"type": "DELETED", "obj')
    with StubServer([first, cut, Reset(), Say(body=event("DELETED", "10")), Say(body=b"")], routes=ROUTES) as server:
        assert watched(server, clock=InstantClock(), timeout_s=2.0) == [
            ("ADDED", "6"),
            ("MODIFIED", "9"),
            ("DELETED", "10"),
        ]
    asked = [query_of(got) for got in server.requests if got.path == PATH]
    assert [query["resourceVersion"] for query in asked[:4]] == ["5", "8", "9", "9"]
    assert all(query["watch"] == "1" and query["allowWatchBookmarks"] == "true" for query in asked)


class MovingClock(InstantClock):
    def monotonic(self) -> float:
        return time.monotonic()


def test_a_watch_of_a_silent_server_ends_in_time() -> None:
    with StubServer([Say(body=b"{}", stall_s=120)], routes=ROUTES) as server:
        it = client(server.url, budget_s=1e9, clock=MovingClock())
        began = time.monotonic()
        assert list(it.watch(CONFIG_MAPS, resource_version="5", timeout_s=0.2)) == []
    assert time.monotonic() - began < SOON_S


def test_a_round_that_the_server_ends_as_it_should_is_followed_by_a_bookmark() -> None:
    cut = Say(body=event("ADDED", "6") + event("ADDED", "9", data={"a": "a" * 200}), is_cut=True)
    with StubServer([cut, Say(body=event("ADDED", "7")), Say(body=b"")], routes=ROUTES) as server:
        said = heard(server, clock=InstantClock(), timeout_s=1.2)
    assert said[:3] == [("ADDED", "6"), ("ADDED", "7"), ("BOOKMARK", "7")]


def test_a_server_that_does_not_end_a_round_as_it_was_asked_to_is_silent_and_what_was_missed_is_to_be_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bundler.cluster.streams.ROUND_S", 0.1)
    monkeypatch.setattr("bundler.cluster.streams.GRACE_S", 0.1)
    kept = page("a")
    with StubServer([kept, Say(body=b"{}", stall_s=120), page("b")], routes=ROUTES) as server:
        it = client(server.url, budget_s=1e9, clock=MovingClock())
        it.list(CONFIG_MAPS)
        began = time.monotonic()
        assert list(it.watch(CONFIG_MAPS, resource_version="5", timeout_s=600)) == []
        assert time.monotonic() - began < SOON_S
        assert names(it.list(CONFIG_MAPS)) == ["b"]


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>Please log in</html>",
        b"<html>\n<h1>Please log in</h1>\n</html>\n",
        b"[]\n",
        b'{"type": "ADDED", "object": {}}\n',
        b'{"type": "MOVED", "object": {"metadata": {"name": "a"}}}\n',
    ],
)
def test_what_is_no_watch_is_said_and_not_asked_for_again(answer: bytes) -> None:
    with StubServer([Say(body=answer)], routes=ROUTES) as server, pytest.raises(ClusterError) as caught:
        watched(server)
    assert str(caught.value) == "watching ConfigMap in namespace shop"
    assert "the answer is not" in caught.value.context[0]


@pytest.mark.parametrize(
    "step",
    [
        status(410, "too old resource version", "Expired"),
        Say(body=event("ADDED", "6") + b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}\n'),
    ],
)
def test_a_watch_from_too_long_ago_is_expired(step: Step) -> None:
    with StubServer([step], routes=ROUTES) as server, pytest.raises(ExpiredError) as caught:
        watched(server)
    assert str(caught.value) == "watching ConfigMap in namespace shop"


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_watch_is_ended_from_another_thread_while_it_waits(tmp_path: Path, *, is_secure: bool) -> None:
    authority = Authority(tmp_path / "pki") if is_secure else None
    pair = authority.issue("server", server=True) if authority else None
    silent = Say(body=event("ADDED", "6"), stall_s=30)
    with StubServer([silent], routes=ROUTES, certificate=pair) as server:
        it = client(server.url, authority=authority.certificate if authority else None)
        watch = it.watch(CONFIG_MAPS, resource_version="5", timeout_s=600)
        seen: list[object] = []
        listener = threading.Thread(target=lambda: seen.extend(watch), daemon=True)
        listener.start()
        while PATH not in [got.path for got in server.requests]:
            time.sleep(0.001)
        watch.close()
        listener.join(60)
        assert not listener.is_alive()
        assert seen == []
        assert list(watch) == [], "it does not begin again"
        assert [got.path for got in server.requests].count(PATH) == 1


def test_a_watch_that_was_ended_before_it_began_asks_nothing() -> None:
    with StubServer([Say(body=event("ADDED", "6"))], routes=ROUTES) as server:
        watch = client(server.url).watch(CONFIG_MAPS, resource_version="5", timeout_s=600)
        watch.close()
        assert list(watch) == []
    assert server.seen == []


def test_a_passing_error_inside_a_watch_is_lived_through() -> None:
    failed = Say(body=b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd"}}\n')
    with StubServer([failed, Say(body=event("ADDED", "7")), Say(body=b"")], routes=ROUTES) as server:
        assert watched(server, clock=InstantClock(), timeout_s=1.0) == [("ADDED", "7")]


def test_an_error_inside_a_watch_that_stays_is_raised() -> None:
    with (
        StubServer([Say(body=b'{"type":"ERROR","object":{"code":403,"message":"no"}}\n')], routes=ROUTES) as server,
        pytest.raises(ForbiddenError),
    ):
        watched(server)


def test_log_lines_come_without_their_ends() -> None:
    with StubServer([Say(body="één\n\nlast".encode() + b"\xff", is_chunked=True)], routes=ROUTES) as server:
        pod = ObjectRef("", "Pod", "shop", "web-1")
        query = LogQuery(container="c", tail_lines=5, is_previous=True, is_following=True, since_s=9)
        assert list(client(server.url).logs(pod, query)) == ["één", "", "last\ufffd"]
    assert last(server).path == "/api/v1/namespaces/shop/pods/web-1/log"
    expected = {"container": "c", "tailLines": "5", "previous": "true", "follow": "true", "sinceSeconds": "9"}
    assert query_of(last(server)) == expected


def test_a_log_that_does_not_exist_yet_is_a_refusal() -> None:
    waiting = status(400, 'container "c" in pod "web-1" is waiting to start: ContainerCreating', "BadRequest")
    with StubServer([waiting], routes=ROUTES) as server, pytest.raises(ClusterError) as caught:
        list(client(server.url).logs(ObjectRef("", "Pod", "shop", "web-1"), LogQuery()))
    assert caught.value.code == "rejected"
    assert str(caught.value) == "reading the log of Pod/web-1 in namespace shop"


LOG_HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.medium
@pytest.mark.parametrize(
    ("drip", "shown"),
    [
        (Drip(LOG_HEAD + b"one\n", b"x"), "one"),
        (Drip(LOG_HEAD + b"one\n", b"more\n"), "one"),
        (Drip(LOG_HEAD, b"x"), "x"),
        (Drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), ""),
    ],
    ids=["endless line", "endless lines", "one endless line", "no answer"],
)
def test_a_log_without_end_takes_its_time_and_no_more(drip: Drip, shown: str) -> None:
    lines: list[str] = []
    began_s = time.monotonic()
    with StubServer([drip], routes=ROUTES) as server, pytest.raises(UnavailableError) as caught:
        lines.extend(client(server.url).logs(ObjectRef("", "Pod", "shop", "web-1"), LogQuery(within_s=0.3)))
    assert time.monotonic() - began_s < SOON_S
    assert "no answer in time" in caught.value.context[0]
    assert "".join(lines[:1]).startswith(shown)


def test_a_node_that_is_away_takes_its_time_and_no_more() -> None:
    failing = status(500, "error dialing backend: no route to host", "InternalError")
    pod, query = ObjectRef("", "Pod", "shop", "web-1"), LogQuery(within_s=0.3)
    began_s = time.monotonic()
    with StubServer([failing], routes=ROUTES) as server, pytest.raises(UnavailableError):
        list(client(server.url).logs(pod, query))
    assert time.monotonic() - began_s < SOON_S


def test_a_line_without_end_comes_in_parts() -> None:
    text = b"x" * (2 * LOG_PART_BYTES + 5) + b"\nlast"
    with StubServer([Say(body=text)], routes=ROUTES) as server:
        lines = list(client(server.url).logs(ObjectRef("", "Pod", "shop", "web-1"), LogQuery()))
    assert [len(line) for line in lines] == [LOG_PART_BYTES, LOG_PART_BYTES, 5, 4]


def test_a_log_that_explains_a_failure_is_asked_for_once_and_without_a_word() -> None:
    told: list[object] = []
    failing = status(500, "error dialing backend: no route to host", "InternalError")
    pod, query = ObjectRef("", "Pod", "shop", "web-1"), LogQuery(container="c", is_tried_once=True)
    with StubServer([failing, failing], routes=ROUTES) as server, pytest.raises(UnavailableError):
        list(client(server.url, report=told.append).logs(pod, query))
    assert [one.path for one in server.requests].count("/api/v1/namespaces/shop/pods/web-1/log") == 1
    assert told == []


# --- who and where -----------------------------------------------------------------------------------------------


def identity_routes(**changes: Step) -> dict[str, Step]:
    review = {"status": {"userInfo": {"username": "system:serviceaccount:ci:deployer"}}}
    named: dict[str, Step] = {
        "version": Say(body={"gitVersion": "v1.33.5-gke.1"}),
        "uid": Say(body={"metadata": {"uid": "abc"}}),
        "user": Say(status=201, body=review),
    } | changes
    paths = {
        "version": "/version",
        "uid": "/api/v1/namespaces/kube-system",
        "user": "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    }
    return {paths[name]: step for name, step in named.items()}


def test_identity_is_asked_once() -> None:
    with StubServer(routes=identity_routes()) as server:
        it = client(server.url)
        found = it.identity()
        assert it.identity() is found
    assert len(server.requests) == 3
    assert (found.context, found.server, found.namespace) == ("stub", server.url, "shop")
    assert (found.uid, found.user, found.version) == ("abc", "system:serviceaccount:ci:deployer", "v1.33.5-gke.1")


def test_identity_does_without_what_may_not_be_read() -> None:
    with StubServer(routes=identity_routes(uid=status(403, "no"), user=status(404, "old server"))) as server:
        found = client(server.url).identity()
    assert (found.uid, found.user) == ("", "ada")


def test_a_kind_that_moved_to_another_version_is_found_again() -> None:
    moved = {**ROUTES, "/apis": Say(body=aggregated(("batch", "v1", {"cronjobs": "CronJob"})))}
    ref = ObjectRef("batch", "CronJob", "shop", "a")
    with StubServer([Say(status=404, body=b"404 page not found"), Say(body={"metadata": {}})], routes=moved) as server:
        it = client(server.url)
        it._discovery._file = _Remembered()  # type: ignore[assignment]
        found = it.get(ref)
    assert found is not None
    assert server.seen == [f"GET /apis/batch/{v}/namespaces/shop/cronjobs/a" for v in ("v1beta1", "v1")]


class _Remembered:
    """A discovery file from before."""

    def __init__(self) -> None:
        from bundler.cluster.discovery import Catalogue
        from bundler.model.refs import ResourceType

        old = ResourceType(group="batch", version="v1beta1", kind="CronJob", plural="cronjobs", is_namespaced=True)
        self.kept: Any = Catalogue([old])

    def read(self, now: object) -> Any:
        return self.kept

    def write(self, catalogue: Any, now: object) -> None:
        self.kept = catalogue

    def remove(self) -> None:
        self.kept = None
