"""``bundler show --graph``: what a bundle becomes, and how its objects hang together."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.lib.operator import BUNDLES
from tool.site import gallery

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli

MERMAID = "```mermaid\n"
DRAWN = {
    "appservice": ("--set-json", 'ports=[{"port": 80, "targetPort": 8080, "nodePort": 30002}]'),
    "controller": (),
    "devbox": ("--set", "ssh.enabled=true", "--set", "idle.enabled=true"),
    "etcd": (),
    "function": ("--set", "sleep.enabled=true"),
    "microservice": ("--set", "autoscaling.enabled=true", "--set", "needAuth=true"),
    "nginx": ("--set", "ingress.enabled=true"),
    "operator": ("--set", "guests.ada.name=Ada"),
    "postgres": ("--set", "backup.schedule=0 2 * * *"),
    "redis": ("--set", "nodes=3"),
    "shop": (),
    "stack": ("--set", "south.enabled=false"),
    "webapp": (),
    "workloads": (),
}
"""Bundles whose README has a picture, and what it is drawn with."""
BUNDLE = "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: app, version: 1.0.0, description: An app}\n"
ROUTES = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec: {rules: [{backendRefs: [{name: app, port: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app}
spec: {defaultBackend: {service: {name: app, port: {number: 80}}}}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      volumes:
        - {name: a, projected: {sources: [{configMap: {name: app}}, {secret: {name: app}}]}}
        - {name: b, persistentVolumeClaim: {claimName: app}}
        - {name: c, secret: {secretName: foreign}}
      containers:
        - name: app
          image: app:1
          env: [{name: A, valueFrom: {secretKeyRef: {name: other, key: a}}}]
          envFrom: [{configMapRef: {name: app}}]
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: app}}
---
{apiVersion: v1, kind: Secret, metadata: {name: app}}
---
{apiVersion: v1, kind: Secret, metadata: {name: other}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: app}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_components_objects_and_what_they_have_to_do_with_each_other(cli: Cli) -> None:
    cli.golden("show-graph", "show", "shop", "--graph").ok()


def test_the_same_as_mermaid(cli: Cli) -> None:
    cli.golden("show-graph-mermaid", "show", "shop", "--graph", "mermaid", "--set", "cache.enabled=false").ok()


def test_every_way_to_name_another_object_is_an_edge(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "app" / "templates").mkdir(parents=True)
    (tmp_path / "app" / "bundle.yaml").write_text(BUNDLE)
    (tmp_path / "app" / "templates" / "app.yaml").write_text(ROUTES)
    found = json.loads(cli("show", str(tmp_path / "app"), "--graph", "-o", "json").out)
    assert [(one["source"], one["kind"], one["target"]) for one in found["edges"]] == [
        ("DaemonSet/app", "reads", "ConfigMap/app"),
        ("DaemonSet/app", "keeps data in", "PersistentVolumeClaim/app"),
        ("DaemonSet/app", "reads", "Secret/app"),
        ("DaemonSet/app", "reads", "Secret/other"),
        ("HTTPRoute/app", "routes to", "Service/app"),
        ("Ingress/app", "routes to", "Service/app"),
        ("Service/app", "sends to", "DaemonSet/app"),
    ]
    assert {"name": "Service/elsewhere", "component": "", "detail": ""} in found["objects"]


def test_objects_of_one_name_in_several_namespaces_are_all_there_each_with_its_own(cli: Cli, tmp_path: Path) -> None:
    one = (
        "{kind: ConfigMap, apiVersion: v1, metadata: {name: a, namespace: NS}}\n---\n"
        "{kind: Pod, apiVersion: v1, metadata: {name: p, namespace: NS}, spec: {containers: "
        "[{name: c, image: 'c:1', envFrom: [{configMapRef: {name: a}}]}]}}\n---\n"
    )
    (tmp_path / "app" / "templates").mkdir(parents=True)
    (tmp_path / "app" / "bundle.yaml").write_text(BUNDLE)
    (tmp_path / "app" / "templates" / "app.yaml").write_text(one.replace("NS", "east") + one.replace("NS", "west"))
    found = json.loads(cli("show", str(tmp_path / "app"), "--graph", "-o", "json").out)
    assert [(edge["source"], edge["target"]) for edge in found["edges"]] == [
        ("Pod/p (east)", "ConfigMap/a (east)"),
        ("Pod/p (west)", "ConfigMap/a (west)"),
    ]
    assert len(found["objects"]) == 4


@pytest.mark.slow
def test_a_picture_holds_what_it_shows(cli: Cli, tmp_path: Path) -> None:
    fresh = tmp_path / "shop.svg"
    assert cli("show", "shop", "--graph", str(fresh)).code == 0
    assert fresh.read_bytes().startswith(b"<?xml")
    assert gallery.graph_in(fresh) == gallery.drawn_graph("shop")


@pytest.mark.medium
@pytest.mark.parametrize("name", DRAWN)
def test_the_picture_in_the_readme_of_a_bundle_shows_what_it_becomes(cli: Cli, name: str) -> None:
    readme = BUNDLES / name / "README.md"
    before, drawn, rest = readme.read_text("utf-8").partition(MERMAID)
    picture, end, after = rest.partition("```")
    fresh = cli("show", name, "--graph", "mermaid", *DRAWN[name]).ok().out
    if os.environ.get("UPDATE_GOLDEN"):
        readme.write_text(before + drawn + fresh + end + after, "utf-8")
    assert picture == fresh, f"{readme} differs; UPDATE_GOLDEN=1 writes it"


def test_a_workload_looks_after_what_its_role_lets_it_write(cli: Cli) -> None:
    def edges(*argv: str) -> list[tuple[str, str]]:
        found = json.loads(cli("show", *argv, "--graph", "-o", "json").ok().out)["edges"]
        return [(one["source"], one["target"]) for one in found if one["kind"] == "looks after"]

    assert edges("operator", "--set", "guests.ada.name=Ada") == [
        ("Deployment/operator", "ConfigMap/operator-seating"),
        ("Deployment/operator", "Guest/ada"),
    ]
    assert edges("function", "--set", "sleep.enabled=true") == [
        ("CronJob/function-sleep", "Deployment/function-hello"),
        ("CronJob/function-wake", "Deployment/function-hello"),
    ]
    assert edges("devbox", "--set", "idle.enabled=true") == [], "it is its own object"


def test_a_picture_of_an_unknown_format_is_refused(cli: Cli) -> None:
    result = cli("show", "shop", "--graph", "shop.gif")
    assert result.code == 2
    assert "shop.gif ends in none of .svg, .png" in result.err
