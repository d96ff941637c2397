"""What the program says about itself."""

from __future__ import annotations

import json
import os

import pytest

from bundler._version import __version__
from bundler.cli.root import VERBS, VerbGroup
from bundler.wire.forms import FORMS
from tool.site import output_schemas, reference


def test_the_group_lists_every_verb(cli):
    outcome = cli.golden("help/bundler", "--help").ok()
    assert all(f"  {verb} " in outcome.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_help(cli, verb):
    cli.golden(f"help/{verb}", verb, "--help").ok()


@pytest.mark.parametrize("verb", VERBS)
def test_the_line_in_the_group_is_the_first_of_the_verbs_help(cli, verb):
    """Both are short sentences; a verb without a docstring would say nothing."""
    lines = cli(verb, "--help").out.splitlines()
    assert lines[0].startswith(f"Usage: bundler {verb} ")
    assert lines[2].strip()


def test_the_version_is_told(cli):
    assert cli("--version").ok().out == f"bundler {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "meant"), [("ls", "list"), ("delete", "uninstall"), ("help", "--help"), ("version", "--version")]
)
def test_the_verbs_of_other_tools_are_answered_with_ours(cli, typed, meant):
    outcome = cli(typed)
    assert outcome.code == 2
    assert f"did you mean {meant}?" in outcome.err


def test_no_verb_at_all_is_answered_with_the_help(cli):
    outcome = cli()
    assert outcome.code == 2
    assert "Usage: bundler" in outcome.err


@pytest.mark.parametrize("name", ["", "a/b", "Shop", "shop\n", "x,bundler.dev/record=head", "a" * 54])
@pytest.mark.parametrize(
    "argv",
    [
        ["install", "NAME", "shop"],
        ["upgrade", "NAME", "shop"],
        ["diff", "NAME", "--revision", "1"],
        ["rollback", "NAME"],
        ["uninstall", "NAME", "--yes"],
        ["status", "NAME"],
        ["history", "NAME"],
        ["get", "values", "NAME"],
        ["logs", "NAME"],
        ["wait", "NAME"],
        ["unlock", "NAME"],
    ],
    ids=lambda argv: argv[0],
)
def test_no_verb_takes_a_name_that_no_release_can_have(cli, argv, name):
    outcome = cli(*(name if word == "NAME" else word for word in argv))
    assert (outcome.code, outcome.out) == (2, "")
    assert "cannot be the name of a release" in outcome.err


@pytest.mark.parametrize("variables", [{}, {"BUNDLER_NAMESPACE": "Bad_NS"}])
def test_no_verb_takes_a_name_that_no_namespace_can_have(cli, variables):
    outcome = cli("list", *([] if variables else ["-n", "Bad_NS"]), **variables)
    assert (outcome.code, outcome.out) == (2, "")
    assert "'Bad_NS' cannot be the name of a namespace" in outcome.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(cli, shell):
    assert "_BUNDLER_COMPLETE" in cli("completion", shell).ok().out


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("unknown-verb", ["instal", "shop"]),
        ("unknown-option", ["install", "shop", "--sett", "a=1"]),
        ("missing-argument", ["upgrade", "shop"]),
        ("bad-choice", ["list", "-o", "xml"]),
        ("bad-duration", ["list", "--timeout", "10"]),
        ("too-many-words", ["install", "a", "b", "c"]),
        ("opposite-options", ["install", "shop", "--reset-values", "--reuse-values"]),
        ("bad-release-name", ["install", "Shop_1", "shop"]),
        ("empty-release-name", ["uninstall", "", "--yes"]),
        ("bad-namespace", ["install", "shop", "-n", "../x?y=1"]),
    ],
)
def test_mistakes_on_the_command_line_have_three_parts(cli, name, argv):
    outcome = cli.golden(f"usage/{name}", *argv)
    assert outcome.code == 2
    assert "error[usage]: " in outcome.err
    assert "\nhint: " in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("BUNDLER_TIMEOUT", "soon"),
        ("BUNDLER_OUTPUT", "xml"),
        ("BUNDLER_LOCK_DURATION", "1 day"),
        ("BUNDLER_LOCK_DURATION", "10ms"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(cli, variable, text):
    outcome = cli("list", **{variable: text})
    assert outcome.code == 2
    assert variable in outcome.err
    assert text in outcome.err


def test_the_reference_is_in_sync_with_the_sources():
    """`make docs` and `pytest --update-golden` write it."""
    if os.environ.get("UPDATE_GOLDEN"):
        reference.main()
    written = {path.name: path.read_text("utf-8") for path in reference.FOLDER.iterdir()}
    assert written == reference.pages()


def takes_json(verb: str) -> bool:
    command = VerbGroup(name="bundler").get_command(None, verb)
    return any(one.name == "output" and "json" in one.type.choices for one in command.params)


def test_every_verb_that_prints_json_has_a_form():
    assert {verb for verb in VERBS if takes_json(verb)} == {name.split()[0] for name in FORMS}


def test_the_schemas_of_json_are_in_sync_with_the_forms():
    """`make docs` and `pytest --update-golden` write them."""
    if os.environ.get("UPDATE_GOLDEN"):
        output_schemas.main()
    folder = output_schemas.FOLDER
    written = {path.name.removesuffix(".schema.json"): json.loads(path.read_text("utf-8")) for path in folder.iterdir()}
    assert written == output_schemas.schemas()
