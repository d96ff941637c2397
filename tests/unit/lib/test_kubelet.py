"""The rules of the kubelet of real processes that need no process."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.lib.kubelet.environment import ConfigError, User, command_line, expand, resolve_environment, user_of
from tests.lib.kubelet.images import Image, repository_of
from tests.lib.kubelet.names import addresses_of, answer
from tests.lib.kubelet.rootfs import as_user
from tests.lib.kubelet.services import Directory, ports_of, rules_of

IMAGE = Image(name="app", uid=5, gid=6, entrypoint=("/entry",), command=("serve",))


def directory(*endpoints: dict[str, Any], cluster_ip: str = "10.96.0.9", **spec: Any) -> Directory:
    """Return a cluster with one Service `web` in `shop`."""
    found = Directory()
    meta = {"namespace": "shop", "name": "web"}
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    found.on_service("ADDED", {"metadata": meta, "spec": {"clusterIP": cluster_ip, "ports": ports, **spec}})
    labels = {"kubernetes.io/service-name": "web"}
    piece = {
        "metadata": {**meta, "labels": labels},
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": list(endpoints),
    }
    found.on_slice("ADDED", piece)
    return found


def endpoint(address: str, *, ready: bool = True, **more: Any) -> dict[str, Any]:
    return {"addresses": [address], "conditions": {"ready": ready, **more.pop("conditions", {})}, **more}


def backends(found: Directory) -> list[tuple[str, ...]]:
    return [port.backends for port in ports_of(found)]


def test_a_service_leads_to_the_endpoints_that_are_ready() -> None:
    found = directory(endpoint("10.244.0.2"), endpoint("10.244.0.3", ready=False), endpoint("10.244.0.4"))
    assert backends(found) == [("10.244.0.2:8080", "10.244.0.4:8080")]
    rules = rules_of(list(ports_of(found)))
    assert "--probability 0.500000 -j DNAT --to-destination 10.244.0.2:8080" in rules
    assert "REJECT" not in rules


def test_endpoints_that_end_serve_where_there_is_nothing_else() -> None:
    ending = endpoint("10.244.0.3", ready=False, conditions={"serving": True, "terminating": True})
    assert backends(directory(ending)) == [("10.244.0.3:8080",)]
    assert backends(directory(ending, endpoint("10.244.0.2"))) == [("10.244.0.2:8080",)]


def test_a_service_without_endpoints_refuses() -> None:
    rules = rules_of(list(ports_of(directory())))
    assert "-A FORWARD -d 10.96.0.9/32 -p tcp --dport 80 -j REJECT" in rules
    assert "DNAT" not in rules


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web.shop.svc.cluster.local", ["10.96.0.9"]),
        ("web.other.svc.cluster.local", None),
        ("web", None),
        ("example.org", None),
    ],
)
def test_a_service_has_a_name(name: str, expected: list[str] | None) -> None:
    assert addresses_of(tuple(name.split(".")), directory(endpoint("10.244.0.2"))) == expected


def test_a_headless_service_has_the_names_of_its_pods() -> None:
    pods = (endpoint("10.244.0.2", hostname="web-0"), endpoint("10.244.0.3", ready=False, hostname="web-1"))
    headless = directory(*pods, cluster_ip="None")
    everyone = directory(*pods, cluster_ip="None", publishNotReadyAddresses=True)
    name = ("web", "shop", "svc", "cluster", "local")
    assert addresses_of(name, headless) == ["10.244.0.2"]
    assert addresses_of(("web-1", *name), headless) is None
    assert addresses_of(("web-1", *name), everyone) == ["10.244.0.3"]


def test_a_question_is_answered_in_the_form_of_dns() -> None:
    words = ["web", "shop", "svc", "cluster", "local"]
    asked = b"".join(bytes([len(word)]) + word.encode() for word in words) + b"\0" + struct.pack("!HH", 1, 1)
    packet = b"id" + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + asked
    found = answer(packet, directory())
    assert found[:2] == b"id"
    assert struct.unpack("!H", found[6:8]) == (1,)
    assert found.endswith(bytes([10, 96, 0, 9]))


def test_references_in_texts_are_replaced() -> None:
    assert expand("$(A)-$(B)-$$(A)-$A", {"A": "1"}) == "1-$(B)-$(A)-$A"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ["/entry", "serve"]),
        ({"args": ["-v"]}, ["/entry", "-v"]),
        ({"command": ["sh"]}, ["sh"]),
        ({"command": ["sh"], "args": ["$(A)"]}, ["sh", "1"]),
    ],
)
def test_the_command_line_is_the_images_or_the_specs(spec: dict[str, Any], expected: list[str]) -> None:
    assert command_line(spec, IMAGE, {"A": "1"}) == expected


def test_a_missing_source_of_the_environment_is_named_unless_it_is_optional() -> None:
    def env(*, optional: bool) -> dict[str, Any]:
        reference = {"name": "s", "key": "k", "optional": optional}
        return {"env": [{"name": "A", "valueFrom": {"secretKeyRef": reference}}]}

    assert resolve_environment(env(optional=True), {}, lambda _kind, _name: None) == {}
    with pytest.raises(ConfigError, match='secret "s" not found'):
        resolve_environment(env(optional=False), {}, lambda _kind, _name: None)


def test_the_user_is_the_containers_the_pods_or_the_images() -> None:
    pod = {"spec": {"securityContext": {"runAsUser": 7, "fsGroup": 9}}}
    assert user_of({}, {"spec": {}}, IMAGE) == User(uid=5, gid=6)
    assert user_of({}, pod, IMAGE) == User(uid=7, gid=0, groups=(9,))
    assert user_of({"securityContext": {"runAsUser": 8, "runAsGroup": 8}}, pod, IMAGE).uid == 8
    root = Image(name="root", uid=0, gid=0)
    with pytest.raises(ConfigError, match="runAsNonRoot"):
        user_of({"securityContext": {"runAsNonRoot": True}}, {"spec": {}}, root)


def test_a_confined_user_keeps_no_privilege() -> None:
    user = User(uid=7, gid=8, groups=(9,), drops_all=True, no_new_privileges=True)
    words = as_user(user, {"A": "1"}, "/data", ["serve", "-v"])
    assert words[-7:] == ["env", "-i", "-C", "/data", "A=1", "serve", "-v"]
    assert {"--no-new-privs", "--bounding-set=-all", "--groups=9", "--reuid=7", "--regid=8"} <= set(words)


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("redis", "docker.io/library/redis"),
        ("redis:7", "docker.io/library/redis"),
        ("acme/app:1", "docker.io/acme/app"),
        ("quay.io/coreos/etcd:v3@sha256:0", "quay.io/coreos/etcd"),
        ("localhost:5000/app:1", "localhost:5000/app"),
    ],
)
def test_an_image_is_found_by_its_repository(reference: str, repository: str) -> None:
    assert repository_of(reference) == repository
