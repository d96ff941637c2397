"""``bundler test-render``, as an author runs it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from bundler.loader.locate import known_names

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli

BUNDLE = "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: app, version: 1.0.0, description: An app}\n"
TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {password: "{{ values.password }}"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app}
data: {size: "{{ values.size }}", made: "{{ fail('too large') if values.size > 5 else 'yes' }}"}
"""
TESTS = "apiVersion: bundler.dev/v1\nkind: RenderTest\ncases:\n"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for name, text in {
        "bundle.yaml": BUNDLE,
        "values.yaml": "size: 1\npassword: hunter22-hunter\n",
        "templates/app.yaml": TEMPLATE,
    }.items():
        path = tmp_path / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "app" / "tests" / "render").mkdir(parents=True)
    return tmp_path / "app"


def write(app: Path, *cases: str) -> None:
    text = TESTS + "".join(f"  - {case}\n" for case in cases)
    (app / "tests" / "render" / "app.yaml").write_text(text)


@pytest.mark.medium
@pytest.mark.parametrize("name", known_names([]))
def test_each_shipped_bundle_passes_its_own_tests(cli: Cli, name: str) -> None:
    result = cli("test-render", name)
    assert result.code == 0, result.out + result.err
    assert "passed" in result.out


def test_a_new_bundle_passes_the_tests_that_it_begins_with(cli: Cli, tmp_path: Path) -> None:
    assert cli("create", str(tmp_path / "mine")).code == 0
    assert cli("test-render", str(tmp_path / "mine")).code == 0


def test_a_case_that_fails_is_told_with_its_line(cli: Cli, app: Path) -> None:
    write(app, "{name: small, expect: [{object: ConfigMap/app, path: data.size, equals: '2'}]}")
    result = cli("test-render", str(app))
    assert result.code == 1
    assert 'tests/render/app.yaml:4: ConfigMap/app data.size is "1", expected "2"' in result.out
    assert "1 test, 1 failed" in result.err


def test_an_error_may_be_what_is_expected(cli: Cli, app: Path) -> None:
    write(
        app,
        "{name: refused, values: {size: 6}, error: too large}",
        "{name: renders, error: too large}",
        "{name: other, values: {size: 6}, error: too small}",
    )
    result = cli("test-render", str(app), "-o", "json")
    assert [(one["name"], one["verdict"]) for one in json.loads(result.out)] == [
        ("refused", "passed"),
        ("renders", "failed"),
        ("other", "failed"),
    ]


def test_a_golden_file_is_written_once_and_compared_then(cli: Cli, app: Path) -> None:
    write(app, "{name: all, matrix: {values: {size: [1, 2]}}, golden: golden/app.yaml}")
    assert cli("test-render", str(app)).code == 1
    assert cli("test-render", str(app), "--update").code == 0
    folder = app / "tests" / "render" / "golden"
    assert sorted(path.name for path in folder.iterdir()) == ["app.size-1.yaml", "app.size-2.yaml"]
    assert cli("test-render", str(app)).code == 0
    golden = folder / "app.size-1.yaml"
    assert "hunter22" not in golden.read_text()
    golden.write_text(golden.read_text().replace('size: "1"', 'size: "0"'))
    result = cli("test-render", str(app))
    assert result.code == 1
    assert '-  size: "0"' in result.out


def test_a_secret_does_not_reach_the_output(cli: Cli, app: Path) -> None:
    write(app, "{name: a, expect: [{object: Secret/app, path: stringData.password, equals: x}]}")
    result = cli("test-render", str(app), "--junit", str(app / "junit.xml"))
    assert result.code == 1
    assert "hunter22" not in result.out + result.err + (app / "junit.xml").read_text()


def test_results_are_written_as_junit_xml(cli: Cli, app: Path) -> None:
    write(
        app,
        "{name: 'good & \"well\"', expect: [{object: ConfigMap}]}",
        "{name: bad, values: {size: \"\\x01<\"}, expect: [{object: ConfigMap/app, path: data.size, equals: '2'}]}",
    )
    cli("test-render", str(app), "--junit", str(app / "junit.xml"))
    suite = ET.parse(app / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    good, bad = suite.findall("testcase")
    assert (good.get("name"), good.find("failure")) == ('good & "well"', None)
    failure = bad.find("failure")
    assert failure is not None
    assert failure.text


def test_only_the_tests_that_are_named_are_run(cli: Cli, app: Path) -> None:
    write(app, "{name: one, expect: [{object: ConfigMap}]}", "{name: two, expect: [{object: Pod}]}")
    assert cli("test-render", str(app), "--only", "one").code == 0
    result = cli("test-render", str(app), "--only", "three")
    assert result.code == 2
    assert "no test has 'three' in its name" in result.err


def test_a_bundle_without_tests_is_an_error(cli: Cli, app: Path) -> None:
    result = cli("test-render", str(app))
    assert result.code == 2
    assert "there is no test in" in result.err


def test_an_archive_has_no_tests(cli: Cli, app: Path, tmp_path: Path) -> None:
    assert cli("package", str(app), "--out", str(tmp_path)).code == 0
    result = cli("test-render", str(tmp_path / "app-1.0.0.tgz"))
    assert result.code == 2
    assert "Name the folder it was packed from" in result.err
