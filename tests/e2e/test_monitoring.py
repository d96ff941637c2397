"""What watches a shop: there where the API server serves the kinds of the Prometheus operator, and nowhere else."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.lib.raw_api import ApiError
from tests.lib.sweep import Site, Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

GROUP = "monitoring.coreos.com"
TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def mapping(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


def items(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


# The fields of the operator's own definitions that the bundles use: any other is refused.
RULE = {**mapping(alert=TEXT, expr=TEXT, **{"for": TEXT}, labels=TEXTS, annotations=TEXTS), "required": ["expr"]}
SPECS = {
    "ServiceMonitor": mapping(
        selector=mapping(matchLabels=TEXTS), endpoints=items(mapping(port=TEXT, path=TEXT, interval=TEXT))
    ),
    "PrometheusRule": mapping(groups=items({**mapping(name=TEXT, rules=items(RULE)), "required": ["name"]})),
}


def definition(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {"spec": spec}}},
    }
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def is_served(plane: ControlPlane, plural: str) -> bool:
    """Return whether a list is answered: not yet, right after a definition is made."""
    try:
        plane.api("GET", f"/apis/{GROUP}/v1/{plural}")
    except ApiError as error:
        if error.status not in {404, 429}:
            raise
        return False
    return True


@pytest.fixture
def operator_kinds(control_plane: ControlPlane) -> Iterator[Any]:
    """Define the kinds when it is called; they go with the test."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    made: list[str] = []

    def define() -> None:
        for kind, spec in SPECS.items():
            body = definition(kind, spec)
            control_plane.api("POST", path, body)
            made.append(body["metadata"]["name"])
        while not all(is_served(control_plane, f"{kind.lower()}s") for kind in SPECS):
            time.sleep(0.05)

    yield define
    for name in made:
        control_plane.api("DELETE", f"{path}/{name}")


def test_a_shop_is_watched_where_the_cluster_can_and_left_alone_elsewhere(
    control_plane: ControlPlane, operator_kinds: Any, tmp_path: Path
) -> None:
    site = Site(control_plane)

    def run(*argv: str) -> None:
        code, text = place.run([*argv, "-n", site.namespace])
        assert code == 0, text

    def found(plural: str) -> dict[str, Any]:
        return {one["metadata"]["name"]: one for one in site.items(f"apis/{GROUP}/v1/.../{plural}")}

    def dashboards() -> list[str]:
        maps = site.items("api/v1/.../configmaps?labelSelector=grafana_dashboard")
        for one in maps:
            for text in one["data"].values():
                assert all(panel["targets"][0]["expr"] for panel in json.loads(text)["panels"])
        return sorted(one["metadata"]["name"] for one in maps)

    with Workplace(control_plane, tmp_path / "place") as place:
        run("install", "shop")
        assert dashboards() == []

        operator_kinds()
        run("upgrade", "shop", "shop", "--set", "monitoring.labels.release=main")
        rules = found("prometheusrules")
        assert sorted(rules) == ["shop-cache", "shop-db", "shop-front", "shop-web"]
        assert {one["metadata"]["labels"]["release"] for one in rules.values()} == {"main"}
        (monitor,) = found("servicemonitors").values()
        (service,) = [one for one in site.items("api/v1/.../services") if one["metadata"]["name"] == "shop-web"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert monitor["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "30s"}]
        assert dashboards() == [f"shop-{part}-dashboard" for part in ("cache", "db", "front", "web")]

        run("upgrade", "shop", "shop", "--set", "monitoring.enabled=false", "--accept-data-loss")
        assert (found("prometheusrules"), found("servicemonitors"), dashboards()) == ({}, {}, [])
        run("uninstall", "shop", "--yes")
    site.delete()
