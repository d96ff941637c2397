"""What a server serves is asked once and kept."""

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bundler.cluster.discovery import MAX_AGE_S, Catalogue, DiscoveryFile, group_versions
from bundler.errors.cluster import ApiUnavailableError, UnauthorizedError, UnavailableError
from bundler.model.refs import ObjectRef, ResourceType
from tests.lib.stub_server import Say, Step, StubServer, status
from tests.unit.cluster.support import ROUTES, InstantClock, aggregated, client

CATALOGUE = Catalogue(
    [
        ResourceType("apps", "v1", "Deployment", "deployments", is_namespaced=True, verbs=frozenset({"get", "list"})),
        ResourceType("example.dev", "v2", "Thing", "things", is_namespaced=False, short_names=("th", "t")),
        ResourceType("example.dev", "v1", "Thing", "things", is_namespaced=False),
    ]
)


@pytest.mark.parametrize(("version", "expected"), [("", "v2"), ("v2", "v2"), ("v1", "v1"), ("v3", None)])
def test_the_preferred_version_comes_first(version: str, expected: str | None) -> None:
    found = CATALOGUE.find("example.dev", "Thing", version)
    assert (found.version if found else None) == expected


def test_aggregated_discovery_takes_two_requests(tmp_path: Path) -> None:
    with StubServer(routes=ROUTES) as server:
        it = client(server.url, cache_dir=tmp_path)
        assert it.resource_type("apps", "Deployment") == ResourceType(
            "apps", "v1", "Deployment", "deployments", is_namespaced=True, verbs=frozenset({"get", "list", "patch"})
        )
        assert it.resource_type("", "Namespace", "v1") is not None
        assert it.resource_type("", "Nope") is None
        assert len(it.resource_types()) == 5
    assert sorted(got.path for got in server.requests) == ["/api", "/apis"]
    assert "as=APIGroupDiscoveryList" in server.requests[0].headers["accept"]


def test_a_warm_cache_costs_nothing_and_another_user_has_his_own(tmp_path: Path) -> None:
    from bundler.cluster.kubeconfig import UserEntry

    with StubServer(routes=ROUTES) as server:
        client(server.url, cache_dir=tmp_path).resource_types()
        assert client(server.url, cache_dir=tmp_path).resource_type("apps", "Deployment") is not None
        assert len(server.requests) == 2
        client(server.url, cache_dir=tmp_path, user=UserEntry(name="bob")).resource_types()
        assert len(server.requests) == 4


def test_a_kind_that_the_cache_does_not_know_is_asked_for_once(tmp_path: Path) -> None:
    routes = dict(ROUTES)
    with StubServer(routes=routes) as server:
        client(server.url, cache_dir=tmp_path).resource_types()
        it = client(server.url, cache_dir=tmp_path)
        server._routes["/apis"] = Say(body=aggregated(("example.dev", "v1", {"things": "Thing"})))
        assert it.resource_type("example.dev", "Thing") is not None
        assert it.resource_type("example.dev", "Other") is None
        assert it.resource_type("example.dev", "Other") is None
    assert len(server.requests) == 4


def test_orders_that_the_cache_knows_are_not_asked_for_again_and_others_are(tmp_path: Path) -> None:
    served = Say(body=aggregated(("bundler.dev", "v1", {"releases": "Release"})))
    with StubServer(routes={**ROUTES, "/apis": served}) as server:
        client(server.url, cache_dir=tmp_path).resource_types()
        assert client(server.url, cache_dir=tmp_path).resource_type("bundler.dev", "Release") is not None
        assert len(server.requests) == 2
        assert client(server.url, cache_dir=tmp_path).resource_type("bundler.dev", "Menu") is None
    assert len(server.requests) == 4


def test_forgetting_asks_anew(tmp_path: Path) -> None:
    with StubServer(routes=ROUTES) as server:
        it = client(server.url, cache_dir=tmp_path)
        it.resource_types()
        it.forget_discovery()
        it.resource_types()
    assert len(server.requests) == 4


def test_groups_whose_own_server_is_broken_do_not_matter() -> None:
    broken = aggregated(("apps", "v1", {"deployments": "Deployment"}))
    broken["items"].append(
        {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale"}]}
    )
    with StubServer(routes={**ROUTES, "/apis": Say(body=broken)}) as server:
        assert client(server.url).resource_type("apps", "Deployment") is not None


def legacy(**changes: Step) -> dict[str, Step]:
    def kinds(group_version: str, **plurals: str) -> Say:
        rows = [{"name": name, "kind": kind, "namespaced": True, "verbs": ["get"]} for name, kind in plurals.items()]
        rows.append({"name": "things/status", "kind": "Thing", "namespaced": True, "verbs": ["get"]})
        return Say(body={"kind": "APIResourceList", "groupVersion": group_version, "resources": rows})

    groups = [
        {
            "name": "example.dev",
            "preferredVersion": {"groupVersion": "example.dev/v1"},
            "versions": [{"groupVersion": "example.dev/v2"}, {"groupVersion": "example.dev/v1"}],
        },
        {
            "name": "metrics",
            "preferredVersion": {"groupVersion": "metrics/v1"},
            "versions": [{"groupVersion": "metrics/v1"}],
        },
    ]
    return {
        "/api": Say(body={"kind": "APIVersions", "versions": ["v1"]}),
        "/apis": Say(body={"kind": "APIGroupList", "groups": groups}),
        "/api/v1": kinds("v1", configmaps="ConfigMap"),
        "/apis/example.dev/v1": kinds("example.dev/v1", things="Thing"),
        "/apis/example.dev/v2": kinds("example.dev/v2", things="Thing"),
        "/apis/metrics/v1": status(404, "gone"),
        **changes,
    }


@pytest.mark.parametrize("broken", [status(404, "gone"), status(403, "no"), Say(body=b"<html>")])
def test_an_old_server_is_asked_version_by_version(broken: Step) -> None:
    with StubServer(routes=legacy(**{"/apis/metrics/v1": broken})) as server:
        it = client(server.url)
        found = it.resource_type("example.dev", "Thing")
        assert found is not None
        assert found.version == "v1"
        assert it.resource_type("example.dev", "Thing", "v2") is not None
        assert it.resource_type("", "ConfigMap") == ResourceType(
            "", "v1", "ConfigMap", "configmaps", is_namespaced=True, verbs=frozenset({"get"})
        )


@pytest.mark.parametrize(
    ("step", "error"), [(status(401, "no"), UnauthorizedError), (status(503, "down"), UnavailableError)]
)
def test_a_server_that_cannot_be_asked_is_an_error_and_not_an_empty_catalogue(
    step: Step, error: type[Exception]
) -> None:
    for routes in ({**ROUTES, "/apis": step}, legacy(**{"/apis/metrics/v1": step})):
        with StubServer(routes=routes) as server, pytest.raises(error):
            client(server.url).resource_types()


def test_versions_are_ordered_by_preference() -> None:
    assert group_versions({"groups": [{"versions": [{"groupVersion": "a/v1"}]}, {}]}) == ["a/v1"]


def kept(folder: Path) -> tuple[DiscoveryFile, Path]:
    file = DiscoveryFile(folder, server="https://a", user="ada")
    file.write(CATALOGUE, InstantClock().now())
    return file, next(folder.iterdir())


def test_what_is_kept_is_read_back_complete(tmp_path: Path) -> None:
    file, path = kept(tmp_path / "new" / "folder")
    found = file.read(InstantClock().now())
    assert found is not None
    assert found.types == CATALOGUE.types
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b'{"format": 1}',
        b'{"format": 1, "types": [[1, 2]]}',
        b'{"format": 1, "types": [1]}',
        b'{"format": 99, "types": []}',
    ],
)
def test_a_damaged_file_is_no_file(tmp_path: Path, content: bytes) -> None:
    file, path = kept(tmp_path)
    path.write_bytes(content)
    assert file.read(InstantClock().now()) is None


@pytest.mark.parametrize(("age_s", "is_used"), [(0, True), (MAX_AGE_S - 1, True), (MAX_AGE_S + 1, False), (-60, False)])
def test_a_file_grows_old(tmp_path: Path, age_s: float, is_used: bool) -> None:
    file, _ = kept(tmp_path)
    assert (file.read(InstantClock().now() + timedelta(seconds=age_s)) is not None) is is_used


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    file = DiscoveryFile(tmp_path / "file", server="s", user="u")
    now = InstantClock().now()
    file.write(CATALOGUE, now)
    file.remove()
    assert file.read(now) is None


def test_no_credentials_are_kept(tmp_path: Path) -> None:
    with StubServer(routes=ROUTES) as server:
        client(server.url, cache_dir=tmp_path).resource_types()
    content: Any = next(tmp_path.iterdir()).read_text()
    assert "t0ken" not in content
    assert json.loads(content)["format"] == 1


def stale(document: dict[str, Any], group: str) -> dict[str, Any]:
    """Say of a group that its own server does not answer, and nothing of its kinds, as after a restart."""
    for item in document["items"]:
        if item["metadata"]["name"] == group:
            for version in item["versions"]:
                version |= {"freshness": "Stale", "resources": []}
    return document


def test_a_kind_of_an_api_that_does_not_answer_is_unknown_and_not_absent(tmp_path: Path) -> None:
    document = aggregated(("example.dev", "v1", {"things": "Thing"}), ("batch", "v1", {"jobs": "Job"}))
    with StubServer(routes={**ROUTES, "/apis": Say(body=stale(document, "example.dev"))}) as server:
        it = client(server.url, cache_dir=tmp_path)
        assert it.resource_type("batch", "Job") is not None
        assert it.resource_type("other.dev", "Thing") is None
        assert it.unavailable_apis() == ("example.dev/v1",)
        for version in ("", "v1"):
            with pytest.raises(ApiUnavailableError, match=r"asking for Thing in example\.dev/v1") as raised:
                it.resource_type("example.dev", "Thing", version)
        assert "APIService/v1.example.dev does not answer" in raised.value.context[0]
        assert it.resource_type("example.dev", "Thing", "v2") is None
        with pytest.raises(ApiUnavailableError):
            it.get(ObjectRef("example.dev", "Thing", "shop", "a"))


def test_an_api_that_fell_silent_since_the_cache_was_written_is_noticed(tmp_path: Path) -> None:
    things = ("example.dev", "v1", {"things": "Thing"})
    with StubServer(routes={**ROUTES, "/apis": Say(body=aggregated(things))}) as server:
        assert client(server.url, cache_dir=tmp_path).resource_type("example.dev", "Thing") is not None
        server._routes["/apis"] = Say(body=stale(aggregated(things), "example.dev"))
        for _ in range(2):
            with pytest.raises(ApiUnavailableError):
                client(server.url, cache_dir=tmp_path).resource_type("example.dev", "Thing")
