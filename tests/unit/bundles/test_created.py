"""A bundle made by ``create --with``: its application reaches what it is made of, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.author.create import create_bundle
from bundler.actions.author.lint import lint
from bundler.actions.compose.compose import Composition, compose
from bundler.actions.compose.render_request import RenderRequest
from bundler.actions.compose.user_values import UserInput
from bundler.loader.load import load_bundle
from bundler.loader.locate import find_bundle, known_names
from bundler.model.values import UserLayers
from tests.lib.network_policies import Pod, admits, pods_of
from tests.lib.operator import BUNDLES

if TYPE_CHECKING:
    from pathlib import Path

STRANGER = Pod("Deployment/stranger", {"app": "stranger"}, {})


def composed(path: Path) -> Composition:
    bundle = load_bundle(find_bundle(str(path)))
    return compose(RenderRequest(bundle=bundle, release="app", namespace="prod", user=UserLayers(), site={}))


@pytest.fixture
def created(tmp_path: Path) -> Composition:
    create_bundle(tmp_path / "app", ["postgres", "redis"])
    return composed(tmp_path / "app")


def policies(composition: Composition) -> list[Any]:
    return [one.body for one in composition.manifests if one.ref.kind == "NetworkPolicy"]


def body(composition: Composition, short: str) -> Any:
    return next(one.body for one in composition.manifests if one.ref.short == short)


@pytest.mark.parametrize(("server", "port"), [("StatefulSet/app-postgres", 5432), ("StatefulSet/app-redis", 6379)])
def test_the_application_reaches_its_components_and_a_stranger_does_not(
    created: Composition, server: str, port: int
) -> None:
    pods = pods_of(created.manifests)
    found = pods.get(server) or pods[server.replace("StatefulSet", "Deployment")]
    assert admits(policies(created), pods["Deployment/app"], found, port)
    assert not admits(policies(created), STRANGER, found, port)
    assert not admits(policies(created), pods["Deployment/app"], found, port + 1)


def test_the_application_is_told_where_its_components_are(created: Composition) -> None:
    (container,) = body(created, "Deployment/app")["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one.get("value") or one["valueFrom"] for one in container["env"]}
    assert told["POSTGRES_HOST"] == "app-postgres"
    assert (told["POSTGRES_PORT"], told["POSTGRES_DATABASE"], told["POSTGRES_USER"]) == ("5432", "app", "app")
    assert told["REDIS_HOST"] == "app-redis"
    secrets = {(one.ref.name, one.key) for one in created.rendering.generated}
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        ref = told[name]["secretKeyRef"]
        assert (ref["name"], ref["key"]) in secrets
    for host, port in (("app-postgres", 5432), ("app-redis", 6379)):
        assert port in [one["port"] for one in body(created, f"Service/{host}")["spec"]["ports"]]


def test_the_application_starts_when_its_components_are_ready(created: Composition) -> None:
    assert created.rendering.needs[""] == ("postgres", "redis")


@pytest.mark.parametrize(
    "component", [pytest.param(one, marks=[pytest.mark.slow] * (one != "redis")) for one in known_names([])]
)
def test_every_shipped_bundle_can_be_a_component_and_the_result_lints_clean(tmp_path: Path, component: str) -> None:
    create_bundle(tmp_path / "app", [component])
    result = lint(find_bundle(str(tmp_path / "app")), UserInput(user=UserLayers()))
    assert [one for one in result.findings if one.rule != "plan-reach"] == []


@pytest.mark.medium
def test_the_parts_of_the_shop_reach_each_other_and_strangers_reach_its_web_alone() -> None:
    shop = composed(BUNDLES / "shop")
    pods, rules = pods_of(shop.manifests), policies(shop)
    web, db = pods["Deployment/app-web"], pods["StatefulSet/app-db"]
    cache = next(pod for name, pod in pods.items() if name.endswith("/app-cache"))
    migration = next(pod for name, pod in pods.items() if name.startswith("Job/"))
    for source, target, port in ((web, db, 5432), (web, cache, 6379), (migration, db, 5432), (STRANGER, web, 8080)):
        assert admits(rules, source, target, port), (source.workload, target.workload)
    for target, port in ((db, 5432), (cache, 6379), (web, 9090)):
        assert not admits(rules, STRANGER, target, port), target.workload
