"""The cluster adapter on a real API server."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bundler.cluster.client import HttpClusterClient
from bundler.cluster.kubeconfig import load_access
from bundler.errors.cluster import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    ObjectNotFoundError,
    RejectedError,
    UnauthorizedError,
    UnknownKindError,
)
from bundler.http.client_config import ClientConfig
from bundler.model.cluster import ListQuery, LogQuery, Payload
from bundler.model.json import text_at
from bundler.model.refs import ObjectRef, group_of
from tests.lib.clocks import SOON_S
from tests.lib.raw_api import APPLY_PATCH, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

    Connect = Callable[..., HttpClusterClient]

BUDGET_S = 60.0
UNKNOWN_UID = "00000000-0000-0000-0000-000000000000"


class RealClock:
    """Time as it is."""

    def now(self) -> Any:
        from datetime import UTC, datetime

        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@pytest.fixture
def connect(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Connect]:
    opened: list[HttpClusterClient] = []

    def open_as(user: str = "admin", cache_dir: Path | None = None) -> HttpClusterClient:
        access = load_access({}, home=tmp_path, kubeconfig=control_plane.kubeconfig(user))
        around = ClientConfig(env={"PATH": "/usr/bin:/bin"}, clock=RealClock(), budget=lambda: BUDGET_S)
        opened.append(HttpClusterClient.open(access, around, cache_dir=cache_dir))
        return opened[-1]

    yield open_as
    for one in opened:
        one.close()


def payload(
    namespace: str, data: object = None, *, kind: str = "ConfigMap", name: str = "a", **metadata: Any
) -> Payload:
    body = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "data": {"x": "1"} if data is None else data,
    }
    return payload_of(body)


def payload_of(body: dict[str, Any]) -> Payload:
    meta = body["metadata"]
    ref = ObjectRef(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])
    return Payload(ref=ref, api_version=body["apiVersion"], content=json.dumps(body).encode())


def deployment(namespace: str, **spec: Any) -> Payload:
    container = {"name": "c", "image": "x", "ports": [{"containerPort": 80}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template, **spec},
    }
    return payload_of(body)


def version_of(body: Any) -> str:
    return text_at(body, "metadata", "resourceVersion")


@pytest.mark.parametrize(
    ("user", "expected", "reads_uid"),
    [
        ("admin", "admin", True),
        ("token-file", "token-file", True),
        ("client-cert", "client-cert", True),
        ("exec", "exec", True),
        ("viewer", "viewer", True),
        ("deployer", "deployer", False),
    ],
)
def test_each_way_to_log_in_works(connect: Connect, user: str, expected: str, reads_uid: bool) -> None:
    found = connect(user).identity()
    assert found.user == expected
    assert found.version.startswith("v1.")
    assert bool(found.uid) is reads_uid
    assert (found.context, found.namespace) == ("controlplane", "default")


def test_a_wrong_token_is_unauthorized(connect: Connect) -> None:
    with pytest.raises(UnauthorizedError):
        connect("unknown").identity()


def test_discovery_knows_the_built_in_kinds(connect: Connect, tmp_path: Path) -> None:
    for client in (connect(cache_dir=tmp_path), connect(cache_dir=tmp_path)):
        found = client.resource_type("apps", "Deployment")
        assert found is not None
        assert (found.plural, found.version, found.is_namespaced) == ("deployments", "v1", True)
        assert client.resource_type("", "Namespace") is not None
        hpa = client.resource_type("autoscaling", "HorizontalPodAutoscaler")
        assert hpa is not None
        assert hpa.version == "v2"
        assert client.resource_type("apps", "Nope") is None


def test_apply_creates_updates_and_tells_which(connect: Connect, namespace: str) -> None:
    client = connect()
    dry = client.apply(payload(namespace), is_dry_run=True)
    assert dry.is_created
    assert client.get(payload(namespace).ref) is None
    first = client.apply(payload(namespace))
    same = client.apply(payload(namespace))
    other = client.apply(payload(namespace, {"x": "2"}))
    assert (first.is_created, same.is_created, other.is_created) == (True, False, False)
    assert version_of(first.body) == version_of(same.body) != version_of(other.body)
    managers = first.body["metadata"]["managedFields"]  # type: ignore[index,call-overload]
    assert [(one["manager"], one["operation"]) for one in managers] == [("bundler", "Apply")]  # type: ignore[index,union-attr,call-overload]


def test_a_conflict_names_field_and_manager_and_can_be_forced(
    connect: Connect, control_plane: ControlPlane, namespace: str
) -> None:
    client = connect()
    client.apply(payload(namespace, {"x": "1", "y": "1"}))
    path = f"/api/v1/namespaces/{namespace}/configmaps/a?fieldManager=kubectl-edit"
    control_plane.api("PATCH", path, {"data": {"x": "9"}}, content_type="application/merge-patch+json")
    for is_dry_run in (True, False):
        with pytest.raises(ConflictError) as caught:
            client.apply(payload(namespace, {"x": "2", "y": "2"}), is_dry_run=is_dry_run)
        assert caught.value.conflicts == ((".data.x", "kubectl-edit"),)
    forced = client.apply(payload(namespace, {"x": "2", "y": "2"}), is_forced=True)
    assert forced.body["data"] == {"x": "2", "y": "2"}


def test_a_uid_is_a_precondition_of_apply(connect: Connect, namespace: str) -> None:
    client = connect()
    with pytest.raises(ConflictError) as caught:
        client.apply(payload(namespace, uid=UNKNOWN_UID))
    assert caught.value.conflicts == ()
    created = client.apply(payload(namespace))
    with pytest.raises(ConflictError) as caught:
        client.apply(payload(namespace, {"x": "2"}, uid=UNKNOWN_UID))
    assert caught.value.conflicts == ()
    uid = text_at(created.body, "metadata", "uid")
    assert not client.apply(payload(namespace, {"x": "2"}, uid=uid)).is_created


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"replicsa": 1}, "replicsa: field not declared in schema"),
        ({"replicas": "many"}, "replicas: expected numeric"),
        ({"selector": {"matchLabels": {"other": "x"}}}, "selector"),
        (
            {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}, {"name": "c"}]}}},
            "duplicate entries",
        ),
    ],
)
def test_what_the_server_refuses_is_refused_at_once(
    connect: Connect, namespace: str, change: dict[str, Any], expected: str
) -> None:
    client = connect()
    began = time.monotonic()
    with pytest.raises(RejectedError) as caught:
        client.apply(deployment(namespace, **change), is_dry_run=True)
    assert time.monotonic() - began < 45
    assert str(caught.value) == f"checking Deployment/web in namespace {namespace} (dry-run)"
    assert expected in " ".join(caught.value.context)


def test_create_is_strict_too(connect: Connect, namespace: str) -> None:
    body = json.loads(payload(namespace).content) | {"dta": {}}
    with pytest.raises(RejectedError) as caught:
        connect().create(payload_of(body))
    assert 'unknown field "dta"' in caught.value.context[0]


def test_what_a_secret_holds_is_not_quoted(connect: Connect, namespace: str) -> None:
    client = connect()
    for data in ("hunter22-hunter22", {"p": "hunter22-hunter22"}, ["hunter22-hunter22"]):
        secret = payload(namespace, data, kind="Secret")
        for send in (client.apply, client.create):
            with pytest.raises(RejectedError) as caught:
                send(secret)
            assert "hunter22" not in " ".join(caught.value.context)


def test_create_refuses_what_exists(connect: Connect, namespace: str) -> None:
    client = connect()
    assert client.create(payload(namespace), is_dry_run=True).is_created
    assert client.create(payload(namespace)).is_created
    with pytest.raises(AlreadyExistsError) as caught:
        client.create(payload(namespace))
    assert caught.value.context == ('configmaps "a" already exists',)


def test_replace_holds_to_its_resource_version(connect: Connect, namespace: str) -> None:
    client = connect()
    with pytest.raises(ObjectNotFoundError):
        client.replace(payload(namespace, resourceVersion="1"))
    first = version_of(client.create(payload(namespace)).body)
    second = client.replace(payload(namespace, {"x": "2"}, resourceVersion=first))
    assert version_of(second.body) != first
    with pytest.raises(ConflictError):
        client.replace(payload(namespace, {"x": "3"}, resourceVersion=first))


def test_delete_holds_to_its_preconditions(connect: Connect, namespace: str) -> None:
    client, ref = connect(), payload(namespace).ref
    assert client.delete(ref) is False
    body = client.create(payload(namespace)).body
    for wrong in ({"uid": UNKNOWN_UID}, {"resource_version": "1"}):
        with pytest.raises(ConflictError):
            client.delete(ref, **wrong)
    uid, version = text_at(body, "metadata", "uid"), version_of(body)
    assert client.delete(ref, uid=uid, resource_version=version, is_dry_run=True) is True
    assert client.get(ref) is not None
    assert client.delete(ref, uid=uid, resource_version=version) is True
    assert client.delete(ref, uid=uid) is False


@pytest.mark.parametrize("verb", ["apply", "create"])
def test_a_missing_namespace_is_named(connect: Connect, verb: str) -> None:
    with pytest.raises(ObjectNotFoundError) as caught:
        getattr(connect(), verb)(payload("no-such-namespace"))
    assert 'namespaces "no-such-namespace" not found' in caught.value.context[0]
    assert "create the namespace" in caught.value.hint


def test_lists_are_paged_selected_and_complete(
    connect: Connect, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bundler.cluster.targets.PAGE_SIZE", 3)
    client = connect()
    for number in range(8):
        client.create(payload(namespace, name=f"n{number}", labels={"half": str(number % 2)}))
    query = {"group": "", "kind": "ConfigMap", "namespace": namespace}
    found = client.list(ListQuery(**query, label_selector="half in (0,1)"))
    assert [text_at(one, "metadata", "name") for one in found.items] == [f"n{number}" for number in range(8)]
    assert all(one["kind"] == "ConfigMap" and one["apiVersion"] == "v1" for one in found.items)
    assert found.resource_version
    odd = client.list(ListQuery(**query, label_selector="half=1", metadata_only=True))
    assert len(odd.items) == 4
    assert all(set(one) == {"kind", "apiVersion", "metadata"} for one in odd.items)
    assert odd.items[0]["kind"] == "ConfigMap"
    named = client.list(ListQuery(**query, field_selector="metadata.name=n3"))
    assert len(named.items) == 1
    assert client.list(ListQuery(group="apps", kind="Deployment", namespace=namespace)).items == ()


def test_metadata_of_one_object_is_enough(connect: Connect, namespace: str) -> None:
    client = connect()
    client.create(payload(namespace))
    found = client.get(payload(namespace).ref, metadata_only=True)
    assert found is not None
    assert (found["kind"], found["apiVersion"]) == ("ConfigMap", "v1")
    assert "data" not in found


def test_a_watch_sees_what_happens_and_ends(connect: Connect, namespace: str) -> None:
    client = connect()
    query = ListQuery(group="", kind="ConfigMap", namespace=namespace, label_selector="mine=1")
    before = client.list(query).resource_version
    mine = {"labels": {"mine": "1"}}

    def work() -> None:
        client.apply(payload(namespace, **mine))
        client.apply(payload(namespace, {"x": "2"}, **mine))
        client.delete(payload(namespace).ref)

    worker = threading.Timer(0.2, work)
    worker.start()
    seen = []
    for one in client.watch(query, resource_version=before, timeout_s=SOON_S):
        if one.type != "BOOKMARK":
            seen.append((one.type, one.body["kind"]))
        if one.type == "DELETED":
            break
    worker.join()
    assert seen == [("ADDED", "ConfigMap"), ("MODIFIED", "ConfigMap"), ("DELETED", "ConfigMap")]
    now, began = client.list(query).resource_version, time.monotonic()
    assert [one for one in client.watch(query, resource_version=now, timeout_s=1.0) if one.type != "BOOKMARK"] == []
    assert 0.9 < time.monotonic() - began < SOON_S


def test_a_watch_can_be_left(connect: Connect, namespace: str) -> None:
    client = connect()
    client.create(payload(namespace))
    query = ListQuery(group="", kind="ConfigMap", namespace=namespace)
    began = time.monotonic()
    for _event in client.watch(query, resource_version="", timeout_s=120):
        break
    assert time.monotonic() - began < SOON_S


def test_a_stranger_is_told_what_he_may_not(connect: Connect, namespace: str) -> None:
    client = connect("stranger")
    with pytest.raises(ForbiddenError) as caught:
        client.apply(deployment(namespace))
    assert caught.value.context == (f"cannot patch deployments.apps in namespace {namespace} as stranger",)
    with pytest.raises(ForbiddenError) as caught:
        client.list(ListQuery(group="", kind="Secret", namespace=""))
    assert caught.value.context == ("cannot list secrets in the whole cluster as stranger",)


def test_a_namespace_deployer_needs_nothing_cluster_wide(
    connect: Connect, control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.grant_namespace_deployer(namespace)
    client = connect("deployer")
    client.identity()
    assert client.apply(deployment(namespace)).is_created
    assert len(client.list(ListQuery(group="apps", kind="Deployment", namespace=namespace)).items) == 1
    assert client.delete(deployment(namespace).ref)


def test_a_quota_is_a_refusal_with_its_numbers(connect: Connect, control_plane: ControlPlane, namespace: str) -> None:
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"configmaps": "1"}}}
    control_plane.api("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", quota)
    client = connect()

    def refusal() -> str:
        for number in range(40):
            try:
                client.create(payload(namespace, name=f"n{number}"))
            except ForbiddenError as error:
                return error.context[0]
            time.sleep(0.1)
        return ""

    assert "exceeded quota: small" in refusal()


def test_deprecations_come_back_as_warnings(connect: Connect, namespace: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "old", "namespace": namespace},
    }
    warnings = connect().apply(payload_of(body), is_dry_run=True).warnings
    assert any("deprecated" in warning for warning in warnings)


def test_a_crd_is_known_once_it_is_established(
    connect: Connect, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    client = connect(cache_dir=tmp_path)
    client.resource_types()
    group = f"{namespace}.example.dev"
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}},
                        }
                    },
                }
            ],
        },
    }
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": namespace}}
    with pytest.raises(UnknownKindError):
        client.apply(payload_of(thing))
    try:
        assert client.apply(payload_of(crd)).is_created
        _wait_until(lambda: _is_served(client, group))
        assert client.apply(payload_of(thing)).is_created
        with pytest.raises(RejectedError):
            client.apply(payload_of(thing | {"spec": {"b": 1}}))
        assert client.get(payload_of(thing).ref) is not None
    finally:
        client.delete(payload_of(crd).ref)
    _wait_until(lambda: client.get(payload_of(crd).ref) is None)
    # The catalogue still names the kind, the server does not.
    assert client.get(payload_of(thing).ref) is None


def _is_served(client: HttpClusterClient, group: str) -> bool:
    client.forget_discovery()
    return client.resource_type(group, "Thing") is not None


def _wait_until(is_done: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not is_done():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_logs_are_read_line_by_line(connect: Connect, control_plane: ControlPlane, namespace: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": "web"}]},
    }
    client = connect()
    ref = client.apply(payload_of(pod)) and payload_of(pod).ref
    _wait_until(lambda: text_at(client.get(ref), "status", "phase") == "Running")
    lines = list(client.logs(ref, LogQuery(container="c")))
    assert lines
    assert not any(line.endswith("\n") for line in lines)
    assert list(client.logs(ref, LogQuery(tail_lines=1))) == lines[-1:]
    assert list(client.logs(ref, LogQuery(is_following=True)))[: len(lines)] == lines
    with pytest.raises(ObjectNotFoundError):
        list(client.logs(ObjectRef("", "Pod", namespace, "gone"), LogQuery()))
    with pytest.raises(RejectedError):
        list(client.logs(ref, LogQuery(container="nope")))


def test_eight_threads_lose_nothing(connect: Connect, namespace: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    client = connect()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: client.apply(payload(namespace, name=f"n{n}")), range(120)))
    assert all(answer.is_created for answer in answers)
    query = ListQuery(group="", kind="ConfigMap", namespace=namespace, field_selector="metadata.name!=kube-root-ca.crt")
    assert len(client.list(query).items) == 120


def test_the_raw_api_agrees_about_typed_apply(control_plane: ControlPlane, namespace: str) -> None:
    """The server says 500 where it means 400; should that change, _FINAL_500 in retry.py can go."""
    path = f"/api/v1/namespaces/{namespace}/configmaps/a?fieldManager=x&fieldValidation=Strict"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "foo": 1}
    with pytest.raises(ApiError) as caught:
        control_plane.api("PATCH", path, body, content_type=APPLY_PATCH)
    assert caught.value.status in {400, 500}
    assert "failed to create typed patch object" in caught.value.body
