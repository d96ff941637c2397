"""What programs read: every verb that prints JSON has a schema, and what it prints keeps to it.

The fixture `cli` holds the JSON of every test against the schemas; here is what no other test prints.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bundler.cli import root
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.menus import small_bundle
from tests.lib.output_schemas import check_output
from tool.site import output_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

NS = ("-n", "prod")
SCHEMAS = output_schemas.schemas()
CAMEL = re.compile(r"[a-z]+[0-9]*([A-Z][a-z0-9]*)*")


def keys_of(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for below in node.values():
            yield from keys_of(below)
    elif isinstance(node, list):
        for below in node:
            yield from keys_of(below)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_keys_are_camel_case_without_is(name):
    for key in keys_of(SCHEMAS[name]):
        assert CAMEL.fullmatch(key), key
        assert not re.match(r"(is|has|was)[A-Z]", key), key


def objects_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for below in node.values():
            yield from objects_in(below)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_form_of_ours_has_no_other_keys_than_its_schema_says(name):
    for found in objects_in(SCHEMAS[name]):
        assert found["additionalProperties"] is False


def test_a_document_with_another_key_breaks_the_schema():
    with pytest.raises(AssertionError, match=r"breaks unlock\.schema\.json"):
        check_output(["unlock", "shop"], {"release": "shop", "broken": False, "holder": "", "isBroken": False})


@pytest.fixture
def menu(cli):
    return small_bundle(cli.home)


def test_authors_get_json(cli, menu):
    made = cli("create", cli.home / "fresh", "-o", "json").ok().document
    assert made["name"] == "fresh"
    assert cli("lint", cli.home / "fresh", "-o", "json").ok().document == []
    assert cli("template", menu, "-o", "json").ok().document["kind"] == "List"
    assert cli("values", menu, "-o", "json").ok().document["text"]
    assert cli("values", menu, "--explain", "-o", "json").ok().document
    assert cli("show", menu, "-o", "json").ok().document["menu"]
    assert cli("lock", cli.home / "fresh", "-o", "json").ok().document == []
    packed = cli("package", menu, "--out", cli.home / "a.tgz", "-o", "json").ok().document
    assert packed["bytes"] > 0


def test_lint_gives_its_findings_as_json_where_it_fails(cli):
    broken = make_bundle(cli.home / "broken", {"templates/a.yaml": "{{ values.gone }}\n"})
    outcome = cli("lint", broken, "-o", "json")
    assert outcome.code == 1
    assert "template-undefined" in {one["rule"] for one in outcome.document}


def test_keys_and_signatures_are_told_as_json(cli, menu):
    key = cli.home / "a.key"
    pair = cli("keygen", "ada", "--out", key, "-o", "json").ok().document
    cli("package", menu, "--out", cli.home / "a.tgz").ok()
    signed = cli("sign", cli.home / "a.tgz", "--key", key, "-o", "json").ok().document
    assert signed["keyId"] == pair["keyId"]
    public = cli.home / "a.pub"
    verified = cli("verify", cli.home / "a.tgz", "--key", public, "-o", "json").ok().document
    assert [one["name"] for one in verified["signedBy"]] == ["ada"]


@pytest.mark.medium
def test_the_life_of_a_release_is_told_as_json(cli, menu):
    planned = cli("install", "shop", menu, "--dry-run", "-o", "json", *NS).ok().document
    assert {change["patch"][0]["op"] for change in planned["changes"]} == {"replace"}
    assert cli("install", "shop", menu, "-o", "json", *NS).ok().document["changed"]
    assert cli("install", "shop", menu, "-o", "json", *NS).ok().document["changed"] is False
    assert cli("upgrade", "shop", menu, "--set", "text=ho", "-o", "json", *NS).ok().document["revision"] == 2
    patch = cli("diff", "shop", menu, "--set", "replicas=2", "-o", "json", *NS).ok().document["changes"][0]["patch"]
    assert patch
    assert cli("rollback", "shop", "-o", "json", *NS).ok().document["revision"] == 3
    assert cli("list", "-o", "json", *NS).ok().document[0]["objects"]
    assert cli("status", "shop", "-o", "json", *NS).ok().document["ready"]
    assert cli("wait", "shop", "-o", "json", *NS).ok().document["ready"]
    for part in ("values", "manifest", "notes", "plan"):
        cli("get", part, "shop", "-o", "json", *NS).ok()
    assert len(cli("history", "shop", "-o", "json", *NS).ok().document) == 3
    assert cli("history", "shop", "--revision", "3", "-o", "json", *NS).ok().document["rolledBackTo"] == 1
    assert cli("history", "shop", "--why", "-o", "json", *NS).ok().document["evidence"] == ""
    assert cli("unlock", "shop", "-o", "json", *NS).ok().document["broken"] is False
    assert cli("uninstall", "shop", "--dry-run", "-o", "json", *NS).ok().document["changes"]
    assert cli("uninstall", "shop", "--yes", "-o", "json", *NS).ok().document["status"] == "uninstalled"
    gone = cli("uninstall", "shop", "--yes", "--ignore-not-found", "-o", "json", *NS).ok().document
    assert gone == {"release": "shop", "status": "not-found"}


def test_places_are_told_as_json(cli, menu):
    site = cli.home / "site.yaml"
    assert cli("site", "init", "lab", "--out", site, "-o", "json").ok().document["path"] == str(site)
    checks = cli("site", "check", site, "-o", "json").document
    assert {one["state"] for one in checks} <= {"passed", "failed", "warned", "skipped"}
    assert cli("preflight", menu, "-o", "json").document
    assert cli("images", menu, "-o", "json").ok().document["pairsTried"]
    assert cli("sandbox", "path", "-o", "json").ok().document["did"] == "path"


def test_yaml_says_the_same_as_json(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    as_yaml = yaml.safe_load(cli("get", "plan", "shop", "-o", "yaml", *NS).ok().out)
    assert as_yaml == cli("get", "plan", "shop", "-o", "json", *NS).ok().document


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_an_error_is_printed_as_data_and_told_on_stderr_too(cli, output):
    outcome = cli("status", "shop", "-o", output, *NS)
    error = yaml.safe_load(outcome.out)
    check_output(["status"], error, may_be_error=True)
    assert (outcome.code, error["code"], error["exitCode"]) == (1, "release-not-found", 1)
    assert error["link"] == "docs/reference/errors.md#release-not-found"
    shown = "".join(f"  {line}\n" for line in error["context"])
    assert outcome.err == f"error[{error['code']}]: {error['message']}\n{shown}hint: {error['hint']}\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["status", "shop", "--no-such-option", "-o", "json"],
        ["status", "-o", "json"],
        ["status", "shop", "--output=json", "--timeout", "never"],
        ["nothing", "-ojson"],
        ["logs", "shop", "-o", "json"],
        ["status", "shop", "-n", "UPPER", "-o", "json"],
    ],
    ids=" ".join,
)
def test_a_mistake_on_the_command_line_is_data_too(cli, argv):
    outcome = cli(*argv)
    error = json.loads(outcome.out)
    check_output(["error"], error, may_be_error=True)
    assert (outcome.code, error["code"]) == (2, "usage")


def test_the_environment_asks_for_data_too(cli):
    assert json.loads(cli("status", "shop", "--no-such", BUNDLER_OUTPUT="json").out)["code"] == "usage"


def test_text_has_no_error_on_stdout(cli):
    for output in ("text", "markdown"):
        assert cli("diff", "shop", cli.home / "nothing", "-o", output).out == ""


def test_a_bug_is_data_too(cli, monkeypatch):
    def fail(*_args, **_options):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("bundler.cli.commands.show.menu_of", fail)
    outcome = cli("show", "shop", "-o", "json")
    assert (outcome.code, outcome.document["code"]) == (70, "bug")
    assert "ZeroDivisionError: division by zero" in outcome.document["context"]


def test_an_interrupt_is_data_too(cli, monkeypatch):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("bundler.cli.commands.show.menu_of", stop)
    outcome = cli("show", "shop", "-o", "json")
    assert (outcome.code, outcome.document["code"]) == (130, "interrupted")


def test_an_error_shows_no_secret(cli, menu):
    secret = "hunter22-hunter22"
    outcome = cli("upgrade", "shop", menu, "--set", f"token={secret}", "--set", "replicas=many", "-o", "json", *NS)
    assert outcome.code == 1
    assert secret not in outcome.out + outcome.err


def problems(outcome) -> list[tuple[str, str, str, int]]:
    """Object, field, file and line of each problem of an error."""
    return [(one["object"], one["field"], one["file"], one["line"]) for one in outcome.document["problems"]]


def test_problems_name_the_place_in_a_bundle(cli):
    broken = make_bundle(
        cli.home / "broken", {"bundle.yaml": "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadat: {}\n"}
    )
    found = problems(cli("template", broken, "-o", "json"))
    assert ("", "/metadat", "bundle.yaml", 3) in found


def test_problems_name_the_place_in_values(cli, menu):
    values = cli.home / "values-prod.yaml"
    values.write_text("text: hello\nreplicas: many\n")
    outcome = cli("template", menu, "-f", values, "-o", "json")
    assert problems(outcome) == [("", "/replicas", str(values), 2)]
    assert outcome.document["code"] == "values-invalid"
    (one,) = problems(cli("template", menu, "--set-json", 'replicas="many"', "-o", "json"))
    assert one == ("", "/replicas", "", 0)


def test_problems_name_the_place_in_a_template(cli):
    files = {"templates/a.yaml": "a: 1\nb: {{ values.gone }}\n", "templates/b.yaml": "{{ values.gone.too }}\n"}
    outcome = cli("template", make_bundle(cli.home / "broken", files), "-o", "json")
    assert problems(outcome) == [("", "", "templates/a.yaml", 2), ("", "", "templates/b.yaml", 1)]
    first = outcome.document["problems"][0]
    assert (first["column"], first["message"].split()[0]) == (7, "values.gone")
    assert first["hint"]


def test_problems_name_the_object_that_the_server_refuses(cli):
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 99999999}]}\n"
    outcome = cli("install", "shop", make_bundle(cli.home / "shop", {"templates/a.yaml": text}), "-o", "json", *NS)
    assert ("Service/a", "spec.ports[0].port", "templates/a.yaml", 1) in problems(outcome)


def test_problems_name_the_field_that_another_manager_set(cli, menu):
    cli("install", "shop", menu, *NS).ok()
    with cli.sandbox() as sandbox:
        sandbox.edit(ObjectRef("", "ConfigMap", "prod", "shop-config"), {"data": {"text": "by hand"}})
    outcome = cli("upgrade", "shop", menu, "--set", "text=ours", "-o", "json", *NS)
    assert outcome.document["code"] == "plan-conflict"
    assert problems(outcome) == [("ConfigMap/shop-config", ".data.text", "", 0)]


def test_problems_name_the_line_of_a_values_file_that_is_no_yaml(cli, menu):
    values = cli.home / "values.yaml"
    values.write_text("text: hello\ntext: again\n")
    outcome = cli("template", menu, "-f", values, "-o", "json")
    assert problems(outcome) == [("", "", str(values), 2)]
    assert outcome.document["problems"][0]["message"].startswith("duplicate key")


def test_the_command_line_builds_no_json_by_hand():
    """Forms are made in bundler/wire; what is printed as it is came from there, or is the user's own."""
    built = {
        f"{path.name}: {ast.unparse(node)}"
        for path in Path(root.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "document"
        if not isinstance(node.args[0], ast.Name | ast.Attribute | ast.Call)
    }
    assert built == set()
