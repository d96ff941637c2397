"""Every bundle that is shipped: loaded, linted, rendered, and checked against its golden text. Pure but for reading them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.author.lint import lint
from bundler.actions.compose.compose import Composition, compose
from bundler.actions.compose.render_request import RenderRequest
from bundler.actions.compose.user_values import UserInput
from bundler.loader.load import load_bundle
from bundler.loader.locate import find_bundle
from bundler.model.hooks import is_check
from bundler.model.labels import TRACK
from bundler.model.values import UserLayers
from bundler.values.assignments import parse_assignment
from tests.lib.golden import check_golden
from tests.lib.operator import BUNDLES, COMPILED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES = sorted(path.parent.name for path in BUNDLES.glob("*/bundle.yaml"))
LARGE = {"shop", "stack", "webapp"}
"""They have many switches, and are rendered once for each."""
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet"}
CONTROLLERS = {"controller", "operator"}
WITHOUT_SERVICE = {"devbox", "operator"}
CREATED_IN_A_CLUSTER = {"shop": 28}


@cache
def order(name: str, **sets: object) -> Composition:
    return ordered(name, **sets)


def ordered(name: str, **sets: object) -> Composition:
    assignments = tuple(parse_assignment(f"{path.replace('__', '.')}={value}") for path, value in sets.items())
    bundle = load_bundle(find_bundle(str(BUNDLES / name)))
    user = UserLayers(assignments=assignments)
    return compose(RenderRequest(bundle=bundle, release=name, namespace="prod", user=user, site={}, codes=COMPILED))


def bodies(composition: Composition) -> Mapping[str, Any]:
    return {manifest.ref.short: manifest.body for manifest in composition.manifests}


def text_of(composition: Composition) -> str:
    """Return what `bundler template` prints: the rendered text itself, file by file."""
    files = [f"# Source: {one.path}\n{one.text.rstrip()}\n" for one in composition.rendering.templates]
    secrets = [
        f"# Generated: Secret {one.ref.name}, key {one.key}, {one.kind} of {one.length}\n"
        for one in composition.rendering.generated
    ]
    return "---\n".join([*files, *secrets])


def test_there_is_something_to_test() -> None:
    assert {"shop", "webapp", "postgres", "redis"} <= set(NAMES)


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.slow] * (one in LARGE)) for one in NAMES])
def test_a_shipped_bundle_has_nothing_to_find_fault_with(name: str) -> None:
    result = lint(find_bundle(str(BUNDLES / name)), UserInput(user=UserLayers()))
    assert result.bundle is not None
    assert not result.findings


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_bundle_renders_to_its_golden_text(name: str) -> None:
    check_golden(f"bundles/{name}.yaml", text_of(order(name)))


def test_the_shop_for_a_thousand_requests_renders_to_its_golden_text() -> None:
    check_golden("bundles/shop-qps-1000.yaml", text_of(order("shop", qps=1000)))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_bundle_renders_the_same_twice(name: str) -> None:
    assert text_of(ordered(name)) == text_of(order(name))


def test_the_shop_is_web_database_and_cache() -> None:
    shop = order("shop")
    kinds = {manifest.ref.kind for manifest in shop.manifests}
    assert kinds >= {
        "Deployment",
        "StatefulSet",
        "Service",
        "Ingress",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    }
    assert kinds >= {"ConfigMap", "NetworkPolicy", "ServiceAccount", "Job"}
    created = [manifest for manifest in shop.manifests if not is_check(manifest)]
    assert len(created) + len(shop.rendering.generated) == CREATED_IN_A_CLUSTER["shop"]
    assert {secret.component for secret in shop.rendering.generated} == {"db", "cache"}
    assert {manifest.component for manifest in shop.manifests} == {"", "db", "cache", "web"}


@pytest.mark.parametrize("name", NAMES)
def test_selectors_of_workloads_name_the_track_and_those_of_services_do_not(name: str) -> None:
    for manifest in order(name).manifests:
        spec: Any = manifest.body.get("spec") or {}
        if manifest.ref.kind in WORKLOADS:
            assert spec["selector"]["matchLabels"][TRACK] == "stable", manifest.ref
            assert spec["template"]["metadata"]["labels"][TRACK] == "stable", manifest.ref
        elif manifest.ref.kind == "Service":
            assert spec["selector"], manifest.ref
            assert TRACK not in spec["selector"], manifest.ref


def pod_specs(composition: Composition) -> Iterator[tuple[str, Any]]:
    for manifest in composition.manifests:
        spec: Any = manifest.body.get("spec") or {}
        if manifest.ref.kind in WORKLOADS | {"Job"}:
            yield manifest.ref.short, spec["template"]["spec"]


@pytest.mark.parametrize("name", NAMES)
def test_no_pod_of_a_shipped_bundle_is_privileged_and_a_controller_alone_talks_to_the_api(name: str) -> None:
    for ref, pod in pod_specs(order(name)):
        assert pod["securityContext"]["runAsNonRoot"] is True, ref
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, ref
        assert pod["automountServiceAccountToken"] is (name in CONTROLLERS), ref
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, ref
            assert context["capabilities"] == {"drop": ["ALL"]}, ref
            assert container["resources"]["requests"], ref
            assert container["resources"]["limits"]["memory"], ref


def config_of(found: Mapping[str, Any], stem: str) -> Mapping[str, str]:
    """Return the data of the one ConfigMap whose name is a stem and a digest."""
    (name,) = [name for name in found if re.fullmatch(f"ConfigMap/{stem}-[0-9a-f]{{8}}", name)]
    return found[name]["data"]


def sizes(qps: int) -> Mapping[str, object]:
    """Return what follows from qps, read off the objects."""
    found = bodies(order("shop", qps=qps))
    scaler = found["HorizontalPodAutoscaler/shop-web"]["spec"]
    web = found["Deployment/shop-web"]["spec"]
    db = found["StatefulSet/shop-db"]["spec"]["template"]["spec"]["containers"][0]
    postgres = config_of(found, "shop-db-config")["bundler.conf"]
    redis = config_of(found, "shop-cache-config")
    lines = "\n".join([postgres, *redis.values()]).splitlines()
    return {
        "bounds": (scaler["minReplicas"], scaler["maxReplicas"]),
        "replicas": web["replicas"],
        "web cpu": web["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"],
        "pool": config_of(found, "shop-web-settings")["DB_POOL_SIZE"],
        "db cpu": db["resources"]["requests"]["cpu"],
        "db memory": db["resources"]["limits"]["memory"],
        "connections": next(line for line in lines if line.startswith("max_connections")),
        "cache": next(line for line in lines if line.startswith("maxmemory ")),
    }


def test_everything_technical_follows_from_qps() -> None:
    assert sizes(1000) == {
        "bounds": (2, 4),
        "replicas": 2,
        "web cpu": "200m",
        "pool": "63",
        "db cpu": "2",
        "db memory": "1512Mi",
        "connections": "max_connections = 272",
        "cache": "maxmemory 250mb",
    }
    small, large = sizes(200), sizes(8000)
    assert small["bounds"] == (2, 2)
    assert large["bounds"] == (16, 32)
    assert all(
        small[what] != large[what] for what in ("web cpu", "db cpu", "db memory", "connections", "cache", "pool")
    )


@pytest.mark.parametrize("qps", [1, 249, 250, 251, 500, 501, 5000, 12_500, 20_000])
def test_the_connections_of_all_replicas_fit_the_database(qps: int) -> None:
    size = sizes(qps)
    _, most = size["bounds"]  # type: ignore[misc]
    assert most * int(str(size["pool"])) < int(str(size["connections"]).rpartition(" ")[2])


def test_a_shop_without_a_cache_has_nothing_of_it() -> None:
    without = order("shop", cache__enabled="false")
    assert not [one.ref for one in without.manifests if one.component == "cache" or "cache" in one.ref.name]
    assert not any("CACHE" in key for key in config_of(bodies(without), "shop-web-settings"))
    assert [one.component for one in without.rendering.generated] == ["db"]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_bundle_tells_the_service_that_it_has(name: str) -> None:
    composition = order(name)
    outputs: Any = composition.values.outputs
    if name in WITHOUT_SERVICE:
        assert not outputs
        assert not [ref for ref in bodies(composition) if ref.startswith("Service/")]
        return
    host = outputs["host"] if "host" in outputs else outputs["hostPrefix"] + "hello"
    service = bodies(composition)[f"Service/{host}"]
    assert int(outputs["port"]) in [port["port"] for port in service["spec"]["ports"]]
    if "secret" in outputs:
        generated = {(secret.ref.name, secret.key) for secret in composition.rendering.generated}
        assert (outputs["secret"], outputs["secretKey"]) in generated


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_bundle_describes_its_menu_and_says_how_to_go_on(name: str) -> None:
    bundle = load_bundle(find_bundle(str(BUNDLES / name)))
    assert [*undescribed(bundle.schema or {}, "")] == []  # type: ignore[arg-type]
    assert bundle.notes


def undescribed(schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Yield the values that say nothing of themselves; what refers to another one says what that says."""
    for key, below in schema.get("properties", {}).items():
        if "description" not in below and "$ref" not in below:
            yield f"{prefix}{key}"
        yield from undescribed(below, f"{prefix}{key}.")


def test_bundles_that_are_watched_share_their_macros() -> None:
    texts = {path.read_text() for path in BUNDLES.glob("*/templates/_monitoring.yaml")}
    assert len(texts) == 1
