"""Patches and injections of a bundle, from bundle.yaml to the cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli

INNER = """\
apiVersion: bundler.dev/v1
kind: Bundle
metadata: {name: inner, version: 1.0.0, description: An inner bundle}
spec:
  patches:
    - {target: {kind: ConfigMap, name: settings}, patch: {data: {size: inner, inner: "yes"}}}
"""
OUTER = """\
apiVersion: bundler.dev/v1
kind: Bundle
metadata: {name: outer, version: 1.0.0, description: An outer bundle}
spec:
  components: [{name: part, bundle: ../inner}]
  patches:
    - component: part
      target: {kind: ConfigMap, name: settings}
      patch: {data: {size: "{{ values.size }}"}}
    - {target: {kind: Secret, name: absent}, patch: {type: Opaque}}
  inject:
    - {target: {labels: {app: part}}, env: [{name: SIZE, value: "{{ values.size }}"}], containers: [{name: log, image: "log:1"}]}
"""
OBJECTS = """\
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {size: own}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {size: own}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: part}
spec:
  selector: {matchLabels: {app: part}}
  template:
    metadata: {labels: {app: part}}
    spec: {containers: [{name: part, image: "part:1"}]}
"""


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    for name, text in {
        "inner/bundle.yaml": INNER,
        "inner/templates/a.yaml": OBJECTS,
        "outer/bundle.yaml": OUTER,
        "outer/values.yaml": "size: large\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "outer"


def rendered(cli: Cli, *words: str) -> dict[str, dict[str, object]]:
    items = json.loads(cli("template", *words, "-o", "json").out)["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in items}


def test_an_outer_bundle_has_the_last_word(cli: Cli, outer: Path) -> None:
    objects = rendered(cli, str(outer), "--set", "size=small")
    assert objects["ConfigMap/settings"]["data"] == {"size": "small", "inner": "yes"}
    assert objects["ConfigMap/other"]["data"] == {"size": "own"}


def test_injections_reach_the_pods_and_their_images_are_known(cli: Cli, outer: Path) -> None:
    containers = rendered(cli, str(outer))["Deployment/part"]["spec"]["template"]["spec"]["containers"]  # type: ignore[index]
    assert [one["name"] for one in containers] == ["part", "log"]
    assert containers[0]["env"] == [{"name": "SIZE", "value": "large"}]
    assert "docker.io/library/log:1" in cli("images", str(outer), "-o", "plain").out


def test_the_text_of_template_shows_what_is_patched(cli: Cli, outer: Path) -> None:
    result = cli("template", str(outer))
    assert "size: large" in result.out
    assert "bundle.yaml:10: the patch of Secret/absent fits no object of this release" in result.err


def test_a_site_has_the_last_word_and_injects_too(cli: Cli, outer: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        "apiVersion: bundler.dev/v1\nkind: Site\nmetadata: {name: acme}\nspec:\n"
        "  patches: [{target: {kind: ConfigMap, name: settings}, patch: {data: {size: site}}}]\n"
        "  inject: [{env: [{name: PLACE, value: acme}]}]\n"
    )
    objects = rendered(cli, str(outer), "--site", str(site))
    assert objects["ConfigMap/settings"]["data"] == {"size": "site", "inner": "yes"}
    containers = objects["Deployment/part"]["spec"]["template"]["spec"]["containers"]  # type: ignore[index]
    assert {"name": "PLACE", "value": "acme"} in containers[0]["env"]


def test_the_plan_shows_who_patched(cli: Cli, outer: Path) -> None:
    out = cli("diff", "app", str(outer)).out
    assert "+ create ConfigMap/settings (patched by part/bundle.yaml:6, bundle.yaml:7)" in out
    assert "+ create ConfigMap/other\n" in out
    changes = json.loads(cli("diff", "app", str(outer), "-o", "json").out)["changes"]
    assert {one["object"]: one.get("patchedBy") for one in changes}["apps/Deployment/default/part"] == [
        "bundle.yaml:12"
    ]


def test_what_is_patched_is_installed_and_then_unchanged(cli: Cli, outer: Path) -> None:
    assert cli("install", "app", str(outer), "--no-wait").code == 0
    assert "3 unchanged" in cli("diff", "app", str(outer)).err


def test_a_patch_that_cannot_be_made_is_told_with_its_line(cli: Cli, outer: Path) -> None:
    text = (outer / "bundle.yaml").read_text()
    (outer / "bundle.yaml").write_text(text.replace("data: {size:", "metadata: {name:"))
    result = cli("template", str(outer))
    assert result.code == 1
    assert (
        "bundle.yaml:7: ConfigMap/settings: it changes metadata.name, by which the object is found again" in result.err
    )
    assert "bundle.yaml:7" in cli("lint", str(outer)).out


def test_an_expression_in_a_patch_that_fails_is_told_with_its_line(cli: Cli, outer: Path) -> None:
    text = (outer / "bundle.yaml").read_text()
    (outer / "bundle.yaml").write_text(text.replace('values.size }}"}}', 'values.sise }}"}}'))
    result = cli("template", str(outer))
    assert result.code == 1
    assert "bundle.yaml:7" in result.err
    assert "values.sise" in result.err
