"""Components in namespaces of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.bundle import ExpressionError
from bundler.model.bundle import Reach
from bundler.model.values import UserLayers
from bundler.render.bundle import render_bundle
from bundler.render.types import Capabilities, RenderContext, Rendering
from bundler.values.assignments import parse_assignment
from bundler.values.compute import compute_values
from tests.lib.bundles import load_from, make_bundle

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"release": {"name": "shop", "namespace": "prod"}, "site": {}}
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-{{ component.name }}"}
data: {namespace: "{{ release.namespace }}"}
"""
ADDRESS = {"address": "{{ component.name }}.{{ release.namespace }}.svc"}
SECRET = [{"name": "password", "secret": "{{ component.name }}", "key": "password", "kind": "password"}]


@pytest.fixture
def tenants(tmp_path: Path) -> Path:
    """Two tenants of a database each, the second one with an own namespace further down."""
    components = [
        {"name": "north", "bundle": "./tenant", "namespace": "{{ values.prefix }}-north"},
        {"name": "south", "bundle": "./tenant", "values": {"of": "{{ components.north.outputs.address }}"}},
    ]
    top = {"values.yaml": "prefix: market\n", "templates/config.yaml": CONFIG}
    root = make_bundle(tmp_path, top, name="stack", components=components)
    tenant = {"values.yaml": "of: ''\nlogs: ''\n", "templates/config.yaml": CONFIG}
    below = [{"name": "db", "bundle": "./db"}, {"name": "log", "bundle": "./db", "namespace": "{{ values.logs }}"}]
    tenant_root = make_bundle(root, tenant, name="tenant", components=below, outputs=ADDRESS)
    make_bundle(tenant_root, {"templates/config.yaml": CONFIG}, name="db", generate=SECRET)
    return root


def rendered(root: Path, *sets: str) -> Rendering:
    bundle = load_from(root)
    values = compute_values(bundle, UserLayers(assignments=tuple(map(parse_assignment, sets))), names=NAMES)
    context = RenderContext(
        release_name="shop",
        namespace="prod",
        capabilities=Capabilities(kube_version="v1.36.0"),
        scope_of=lambda *_: True,
    )
    return render_bundle(bundle, values, context)


def places(rendering: Rendering) -> dict[str, Any]:
    """Return where each component's object goes, and what its template saw."""
    return {one.component: (one.ref.namespace, one.body["data"]["namespace"]) for one in rendering.manifests}  # type: ignore[index, call-overload]


def test_objects_of_a_component_and_of_its_own_components_go_to_its_namespace(tenants: Path) -> None:
    assert places(rendered(tenants)) == {
        "": ("prod", "prod"),
        "north": ("market-north", "market-north"),
        "north/db": ("market-north", "market-north"),
        "north/log": ("market-north", "market-north"),
        "south": ("prod", "prod"),
        "south/db": ("prod", "prod"),
        "south/log": ("prod", "prod"),
    }


def test_generated_secrets_and_outputs_follow(tenants: Path) -> None:
    rendering = rendered(tenants)
    secrets = {(one.component, one.ref.namespace) for one in rendering.generated}
    assert {("north/db", "market-north"), ("south/db", "prod")} <= secrets
    bundle = load_from(tenants)
    values = compute_values(bundle, UserLayers(), names=NAMES)
    assert values.components is not None
    assert values.components["north"].outputs == {"address": "north.market-north.svc"}
    assert values.components["south"].data["of"] == "north.market-north.svc"


def test_the_inner_namespace_wins_and_is_not_declared_by_the_outer_bundle(tenants: Path) -> None:
    rendering = rendered(tenants, "north.logs=logs")
    assert places(rendering)["north/log"] == ("logs", "logs")
    assert rendering.reach == Reach(namespaces=("market-north",))


def test_what_is_no_name_of_a_namespace_is_refused_with_its_value(tenants: Path) -> None:
    with pytest.raises(ExpressionError) as raised:
        rendered(tenants, "prefix=My Market")
    assert "'My Market-north', which is not a name of a namespace" in "\n".join(map(str, raised.value.context))
