"""What a command line does not import, it does not pay for."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.lib.bundles import make_bundle

PROBE = """
import contextlib, io, json, sys
argv = json.loads(sys.argv[1])
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as err:
    if argv == ["--version"]:
        sys.argv = ["bundler", "--version"]
        from bundler.__main__ import main
        main()
        code = 0
    else:
        from bundler.cli.main import run
        code = run(argv, [] if sys.argv[2:] else None)
print(json.dumps([code, err.getvalue(), sorted(sys.modules)]))
"""

KUBERNETES = ("kubernetes", "urllib3", "bundler.cluster", "bundler.http", "bundler.sandbox", "bundler.storage")
TEMPLATES = ("jinja2", "bundler.render")
SCHEMAS = ("jsonschema", "referencing")
TERMINAL = ("rich",)


def modules_after(cli, *argv: str, is_copied: bool = False) -> set[str]:
    """Run a command line in a fresh interpreter and return what it imported, itself and not in copies of it."""
    words = [json.dumps([str(word) for word in argv]), *(["copied"] if is_copied else [])]
    unmeasured = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cli.home,
        env=unmeasured,  # the measurement of coverage loads modules of its own
    )
    assert done.returncode == 0, done.stderr
    code, err, modules = json.loads(done.stdout)
    assert code == 0, err
    return set(modules)


def imported(modules: set[str], *packages: str) -> set[str]:
    """Return the packages of which something was loaded; of ours the package itself is a list of what it can load."""
    theirs = {package for package in packages if not package.startswith("bundler.")} & modules
    return theirs | {package for package in packages for name in modules if name.startswith(f"{package}.")}


@pytest.fixture
def menu(cli):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '{{ values.x }}'}\n"
    return make_bundle(cli.home, {"templates/a.yaml": text, "values.yaml": "x: 1\n"})


def test_the_version_loads_nothing_at_all(cli):
    modules = modules_after(cli, "--version")
    assert imported(modules, *KUBERNETES, *TEMPLATES, *SCHEMAS, *TERMINAL, "click", "yaml", "bundler.cli") == set()


def test_the_version_is_said_without_the_modules_that_describe_types():
    program = (
        "import sys; sys.argv = ['bundler', '--version']; import bundler.__main__ as m; m.main(); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", f"sys = __import__('sys'); sys.path[:0] = {sys.path!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"typing", "re", "enum"} & set(done.stdout.split()) == set()


def test_help_loads_no_verb(cli):
    modules = modules_after(cli, "--help")
    assert imported(modules, *KUBERNETES, *TEMPLATES, *SCHEMAS, *TERMINAL, "yaml", "bundler.actions") == set()
    assert {name for name in modules if name.startswith("bundler.cli.commands")} == set()


@pytest.mark.parametrize("verb", ["template", "lint", "values", "show", "package"])
def test_authoring_loads_no_kubernetes_library(cli, menu, verb):
    modules = modules_after(cli, verb, menu)
    assert imported(modules, *KUBERNETES, *TERMINAL) == set()


@pytest.mark.medium
def test_what_renders_is_loaded_before_the_process_is_copied(cli, menu):
    assert imported(modules_after(cli, "template", menu, is_copied=True), *TEMPLATES) == set(TEMPLATES)


@pytest.mark.medium
def test_what_was_compiled_once_needs_no_part_of_the_compiler_and_nothing_that_explains_failures(cli):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {y: '{{ values.y }}'}\n"
    menu = make_bundle(cli.home, {"templates/a.yaml": text, "values.yaml": "x: 1\n"}, derive={"y": "values.x + 1"})
    needless = {"jinja2.ext", "bundler.render.line_marks", "bundler.expressions.failures"}

    first = modules_after(cli, "template", menu)
    second = modules_after(cli, "template", menu)

    assert "bundler.render.line_marks" in first
    assert second & needless == set()


def test_the_schema_validator_is_loaded_only_when_there_is_a_schema(cli, menu):
    assert imported(modules_after(cli, "template", menu), *SCHEMAS) == set()


@pytest.mark.parametrize("argv", [["list", "-A"], ["sandbox", "path"]])
def test_looking_loads_no_template_engine_and_no_validator(cli, argv):
    modules = modules_after(cli, *argv)
    assert imported(modules, *TEMPLATES, *SCHEMAS, *TERMINAL, "kubernetes", "urllib3") == set()
    assert "bundler.planning.planner" not in modules


def test_listing_decodes_no_record_judges_nothing_and_is_read_without_suggestions(cli):
    modules = modules_after(cli, "list", "-A")
    assert {"bundler.storage.encoding", "bundler.storage.decoding", "bundler.storage.sensitive"} & modules == set()
    assert "bundler.planning.inventory" not in modules
    assert {"bundler.confinement.rules", "bundler.wire.releases", "pickle", "difflib"} & modules == set()


@pytest.mark.medium
@pytest.mark.parametrize("argv", [["rollback", "shop", "1", "--no-wait"], ["uninstall", "shop", "--yes"]])
def test_going_back_renders_nothing_and_writes_no_report(cli, menu, argv):
    for port in ("1", "2"):
        assert cli("install" if port == "1" else "upgrade", "shop", menu, "--set", f"x={port}", "--no-wait").code == 0
    modules = modules_after(cli, *argv)
    assert imported(modules, *TEMPLATES, *SCHEMAS, "xml", "email") == set()


def test_a_template_without_patches_and_hooks_loads_neither(cli, menu):
    modules = modules_after(cli, "template", menu)
    assert {"bundler.render.overlay", "bundler.render.patches", "bundler.loader.patches"} & modules == set()
    assert {"bundler.model.hooks", "bundler.render.hooks", "bundler.wire.objects"} & modules == set()


def test_a_folder_is_rendered_without_what_reads_archives_and_registries(cli, menu):
    modules = modules_after(cli, "template", menu)
    assert {"bundler.actions.acquire.fetch", "bundler.actions.acquire.bundle_artifacts"} & modules == set()
    assert {"bundler.archive.reader", "bundler.syntax.tar", "bundler.delivery.envelopes"} & modules == set()


def test_one_kind_of_cluster_is_loaded_never_both(cli):
    modules = modules_after(cli, "list", "--context", "embedded:sandbox")
    assert imported(modules, "bundler.cluster", "bundler.http") == set()


def test_help_of_a_verb_reaches_no_cluster(cli):
    assert imported(modules_after(cli, "install", "--help"), *KUBERNETES, *TERMINAL, *SCHEMAS) == set()


def test_the_contract_about_click_names_everything_below_the_command_line():
    root = Path(__file__).parents[2]
    contracts = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (named,) = [one["source_modules"] for one in contracts if one.get("forbidden_modules") == ["rich", "click"]]
    every = {f"bundler.{one.stem}" for one in (root / "bundler").iterdir() if one.is_dir() or one.suffix == ".py"}
    above = {"bundler.cli", "bundler.__main__"}
    assert every - set(named) - above == {"bundler.__init__", "bundler.__pycache__", "bundler._version"}


def test_few_imports_are_inside_of_functions_and_each_says_why():
    root = Path(__file__).parents[2] / "bundler"
    inside = []
    for path in root.rglob("*.py"):
        text = path.read_text("utf-8")
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        numbers = {
            node.lineno for one in functions for node in ast.walk(one) if isinstance(node, ast.Import | ast.ImportFrom)
        }
        inside += [text.splitlines()[number - 1] for number in numbers]
    assert len(inside) <= 40
    assert [line for line in inside if "PLC0415" not in line or " - " not in line] == []
