"""lint: what pods that go in steps read under a name that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.author.lint import lint
from bundler.actions.compose.user_values import UserInput
from bundler.loader.locate import find_bundle
from bundler.model.values import UserLayers
from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.finding import Finding

APP = """
{% set settings = {'A': 'b'} %}
{% set name = digest_name('own', settings) %}
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ name }}}
data: {{ settings | to_yaml }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: fixed}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {a: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: unread}
data: {a: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: by-others}
data: {a: b}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web:1
          envFrom: [{configMapRef: {name: fixed}}, {configMapRef: {name: {{ name }}}}]
          env: [{name: P, valueFrom: {secretKeyRef: {name: {{ generated['p'].secret }}, key: p}}}]
      volumes: [{name: a, configMap: {name: fixed}}, {name: b, configMap: {name: elsewhere}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "db:1"}]
      volumes: [{name: a, configMap: {name: fixed}}, {name: b, projected: {sources: [{secret: {name: login}}]}}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers: [{name: agent, image: "agent:1", envFrom: [{configMapRef: {name: by-others}}]}]
"""
GENERATE = [{"name": "p", "secret": "passwords", "key": "p", "kind": "password"}]


def shared(folder: Path) -> list[Finding]:
    findings = lint(find_bundle(str(folder)), UserInput(user=UserLayers())).findings
    assert [one.message for one in findings if one.level == "error"] == []
    return [one for one in findings if one.rule == "shared-config"]


def app(parent: Path, **steps: object) -> Path:
    spec = {"upgrade": {"steps": steps}} if steps else {}
    return make_bundle(parent, {"templates/a.yaml": APP}, name="app", generate=GENERATE, **spec)


def test_what_pods_in_steps_read_under_a_fixed_name_is_named_with_its_readers(tmp_path: Path) -> None:
    found = shared(app(tmp_path, default=["10%"]))
    said = "its name stays when its content changes, and old and new pods of"
    assert [(one.line, one.message) for one in found] == [
        (10, f"ConfigMap/fixed: {said} Deployment/web, StatefulSet/db read it in a step"),
        (15, f"Secret/login: {said} StatefulSet/db read it in a step"),
    ]
    assert "digest_name" in found[0].hint


def test_a_bundle_that_says_nothing_of_steps_is_not_asked(tmp_path: Path) -> None:
    assert shared(app(tmp_path)) == []


@pytest.mark.parametrize(("stepped", "count"), [("web", 2), ("other", 0)])
def test_only_the_components_that_go_in_steps_count(tmp_path: Path, stepped: str, count: int) -> None:
    app(tmp_path)
    components = [{"name": name, "bundle": "../app" if name == "web" else "../quiet"} for name in ("web", "other")]
    quiet = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: quiet}\ndata: {}\n"
    make_bundle(tmp_path, {"templates/a.yaml": quiet}, name="quiet")
    top = make_bundle(
        tmp_path,
        name="top",
        components=components,
        upgrade={"steps": {"components": {stepped: {"canary": 1}}}},
    )
    assert len(shared(top)) == count


def test_what_is_wrong_only_under_a_switch_is_found_with_it(tmp_path: Path) -> None:
    text = APP.replace(
        "volumes: [{name: a, configMap: {name: fixed}}, {name: b, projected",
        "volumes: [{name: a, configMap: {name: {{ 'by-others' if values.on else name }}}}, {name: b, projected",
    )
    files = {
        "templates/a.yaml": text,
        "values.yaml": "on: false\n",
        "values.schema.json": '{"properties": {"on": {"type": "boolean"}}}',
    }
    folder = make_bundle(tmp_path, files, name="app", generate=GENERATE, upgrade={"steps": {"default": ["10%"]}})
    (late,) = [one for one in shared(folder) if one.message.startswith("ConfigMap/by-others")]
    assert late.details == ("with on=true",)
