"""Tests that a bundle brings: the decoder, and the JSON Schema for editors, held to one table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from bundler.errors.bundle import BundleInvalidError
from bundler.loader.render_tests import FOLDER, MAX_COMBINATIONS, load_render_tests
from bundler.loader.shipped import shipped_dir
from bundler.model.render_test import Check, Combination
from bundler.syntax.reader import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.render_test import RenderCase

HEAD = "apiVersion: bundler.dev/v1\nkind: RenderTest\ncases:\n"
FULL = (
    HEAD
    + """\
  - name: everything
    values: {web: {replicas: 3}}
    site: site.yaml
    release: r
    namespace: n
    matrix: {kubernetes: ["1.29", "1.31"], values: {qps: [1, 2], cache.enabled: [true]}}
    expect:
      - {object: Deployment/web, path: spec.replicas, equals: 3}
      - {object: Service}
    golden: golden/all.yaml
  - {name: refused, error: qps, kubernetes: "1.30"}
"""
)


def loaded(folder: Path, text: str) -> tuple[RenderCase, ...]:
    path = folder / FOLDER / "a.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return load_render_tests(folder)


def schema_errors(text: str) -> list[str]:
    schema = json.loads((shipped_dir("schemas") / "render-test.v1.schema.json").read_text())
    return [error.message for error in Draft202012Validator(schema).iter_errors(read_document(text).value)]


def test_everything_that_a_case_can_say(tmp_path: Path) -> None:
    assert schema_errors(FULL) == []
    case, other = loaded(tmp_path, FULL)
    assert (case.name, str(case.source), case.release, case.namespace) == ("everything", f"{FOLDER}/a.yaml:4", "r", "n")
    assert (case.values.data, case.values.leaf_origins["/web/replicas"].line) == ({"web": {"replicas": 3}}, 5)
    assert (case.site, case.golden) == (tmp_path / FOLDER / "site.yaml", tmp_path / FOLDER / "golden" / "all.yaml")
    assert [one.name for one in case.combinations] == [
        "qps=1 cache.enabled=true kubernetes=1.29",
        "qps=2 cache.enabled=true kubernetes=1.29",
        "qps=1 cache.enabled=true kubernetes=1.31",
        "qps=2 cache.enabled=true kubernetes=1.31",
    ]
    assert case.combinations[1].values == (("qps", 2), ("cache.enabled", True))
    asked = [(one.target, one.path, one.check, one.wanted) for one in case.expectations]
    assert asked == [("Deployment/web", "spec.replicas", Check.EQUALS, 3), ("Service", "", Check.EXISTS, True)]
    assert (other.error, list(other.combinations)) == ("qps", [Combination(name="", kube_version="1.30")])


@pytest.mark.parametrize(
    ("case", "found"),
    [
        ("{name: a}", "checks nothing"),
        ("{error: x}", 'needs "name"'),
        ("{name: a, error: x, sit: b}", 'did you mean "site"?'),
        ("{name: a, expect: [{object: A, path: b}]}", "needs one of: equals"),
        ("{name: a, expect: [{object: A, path: b, equals: 1, contains: c}]}", "needs one of: equals"),
        ("{name: a, expect: [{path: b, equals: 1}]}", 'needs "object"'),
        ("{name: a, expect: [{object: A, path: b, exists: 1}]}", "true or false"),
        ("{name: a, expect: [{object: A, path: b, atLeast: true}]}", "a number or a quantity"),
        ("{name: a, expect: [{object: A, path: b, matches: '('}]}", "cannot be read"),
        ("{name: a, expect: [{object: A, matches: b}]}", "counts objects"),
        ("{name: a, error: x, matrix: {values: {qps: 1}}}", "a list of at least one choice"),
        ("{name: a, error: x, matrix: {values: {qps: []}}}", "a list of at least one choice"),
        ("{name: a, error: x, site: ../../../site.yaml}", "outside of the bundle"),
        ("{name: a, golden: /etc/passwd}", "outside of the bundle"),
        ("{name: a, error: x, kubernetes: 1.31}", 'write it in quotes: "1.31"'),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, case: str, found: str) -> None:
    with pytest.raises(BundleInvalidError) as caught:
        loaded(tmp_path, f"{HEAD}  - {case}\n")
    assert len(caught.value.context) >= 1
    assert found in "\n".join(caught.value.context)


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleInvalidError) as caught:
        loaded(tmp_path, f"{HEAD}  - {{name: a, error: x}}\n  - {{name: a, error: y}}\n")
    assert "another case of this file" in caught.value.context[0]


def test_a_matrix_is_bounded(tmp_path: Path) -> None:
    many = list(range(MAX_COMBINATIONS + 1))
    with pytest.raises(BundleInvalidError) as caught:
        loaded(tmp_path, f"{HEAD}  - {{name: a, error: x, matrix: {{values: {{qps: {many}}}}}}}\n")
    assert f"may have {MAX_COMBINATIONS}" in caught.value.context[0]


def test_a_bundle_without_tests_has_none(tmp_path: Path) -> None:
    assert load_render_tests(tmp_path) == ()
