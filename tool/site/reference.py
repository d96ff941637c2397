"""Write docs/reference/ from the sources: verbs, errors, files, functions and environment variables.

python tool/site/reference.py
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import click

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bundler import errors  # noqa: E402 - a script finds the package beside it
from bundler.actions.author import rules  # noqa: E402
from bundler.cli import root  # noqa: E402
from bundler.expressions.expression import compile_expression  # noqa: E402
from bundler.model.manifest import Source  # noqa: E402
from tool.site import output_schemas  # noqa: E402
from tool.site.function_examples import FILTERS, FUNCTIONS, TESTS  # noqa: E402
from tool.site.library_reference import library_page  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_JSON_HEAD = """\
What each verb prints with `-o json`, and with `-o yaml` as YAML. Keys are camelCase; times are RFC 3339 in UTC, sizes
are bytes; an object is named by group, kind, namespace and name: `apps/Deployment/shop/web`, with `core` for the core
group and `-` for no namespace. Every form has a JSON schema, which allows no other keys.

A command that fails prints an error instead, with the exit code that it has anyway; the same error is on stderr as
text. Where a part of the result was printed before, stdout holds that alone. Test the exit code, not the keys.
"""

FOLDER = ROOT / "docs" / "reference"
_MADE = "<!-- Written by tool/site/reference.py; change the sources instead. -->\n"
_WIDTH = 80

EXIT_CODES = {
    0: "done",
    1: "failed",
    2: "the command line is wrong, or a question needs `--yes` or `--accept-data-loss`",
    3: "changes are pending (`diff --exit-code`), or fields are set by others",
    4: "time ran out",
    5: "failed, and rolled back",
    6: "failed, and the rollback failed too",
    20: "damaged",
    21: "a part is missing",
    22: "a part of another build",
    23: "not signed",
    24: "signed by a key that is not trusted",
    25: "refused by the policy of the site",
    26: "an archive that is not safe to read",
    27: "the base of a delta is missing",
    70: "a bug in bundler",
    75: "another run holds the lock of the release",
    130: "interrupted",
}

OURS = {
    "BUNDLER_CONTEXT": "the context, as `--context`",
    "BUNDLER_NAMESPACE": "the namespace, as `-n`",
    "BUNDLER_OUTPUT": "the output format, as `-o`",
    "BUNDLER_TIMEOUT": "how long to wait, as `--timeout`",
    "BUNDLER_LOCK_DURATION": "how long the lock of a release lives without a heartbeat",
    "BUNDLER_BUNDLE_PATH": "folders in which bundles are found by name, separated by `:`",
    "BUNDLER_CATALOGUES": "catalogues (`oci://…`) that names are looked up in where no folder has them, separated by spaces or commas",
    "BUNDLER_STATE_DIR": "where the sandbox is kept; otherwise `bundler` in `XDG_STATE_HOME` or `~/.local/state`",
    "BUNDLER_CACHE_DIR": "what can be deleted at any time; otherwise `bundler` in `XDG_CACHE_HOME` or `~/.cache`",
}
OTHERS = {
    "KUBECONFIG": "kubeconfig files, as for kubectl",
    "XDG_CONFIG_HOME": "`registries.yaml` is in its folder `bundler`; otherwise in `~/.config/bundler`",
    "HTTPS_PROXY": "the proxy for `https://` servers, as for kubectl; `https_proxy` too",
    "HTTP_PROXY": "the proxy for `http://` servers; `http_proxy` too",
    "NO_PROXY": "hosts, domains and networks that no proxy leads to; `no_proxy` too",
    "REGISTRY_AUTH_FILE": "logins of registries, before podman's `auth.json` and docker's `config.json`",
    "DOCKER_CONFIG": "the folder of docker's `config.json`",
    "PATH": "where login plugins of the kubeconfig and credential helpers of registries are looked up",
    "NO_COLOR": "no colours",
    "FORCE_COLOR": "colours, even where the output is not a terminal",
    "SOURCE_DATE_EPOCH": "the time that files in archives carry, in seconds since 1970",
}


def pages() -> dict[str, str]:
    """Return every page of the reference by its file name."""
    return {
        "verbs.md": _verbs(),
        "errors.md": _errors(),
        "bundle-yaml.md": _fields("`bundle.yaml`", "bundle.v1"),
        "site-file.md": _fields("The site file", "site.v1"),
        "exit-codes.md": _exit_codes(),
        "functions.md": _functions(),
        "environment.md": _environment(),
        "python.md": library_page(_MADE),
        "lint-rules.md": _lint_rules(),
        "json.md": _json(),
    }


def _verbs() -> str:
    parts = ["# Verbs\n", _MADE]
    group = root.VerbGroup(name="bundler")
    whole = click.Context(group, info_name="bundler", terminal_width=_WIDTH, **root.SETTINGS)
    for title, verbs in root.SECTIONS.items():
        parts.append(f"## {title}\n")
        for verb in verbs:
            parts += _helps(group.get_command(whole, verb), verb, whole)
    return "\n".join(parts)


def _helps(command: click.Command | None, name: str, parent: click.Context) -> Iterator[str]:
    assert command is not None, name
    context = click.Context(command, info_name=name, parent=parent)
    yield f"### {context.command_path}\n"
    yield f"```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _helps(command.get_command(context, below), below, context)


def _errors() -> str:
    parts = [
        "# Errors\n",
        _MADE,
        "Every error begins with `error[CODE]`. The codes are stable; the examples are what the tests see.\n",
    ]
    for code, kind in sorted(error_kinds().items()):
        parts.append(f"## {code}\n")
        cause, remedy = cause_and_remedy(kind)
        parts.append(f"{cause} Exit code {kind.exit_code}.\n\n**What to do:** {remedy}\n")
        parts += [f"```text\n{example}\n```\n" for example in _examples(code)]
    return "\n".join(parts)


def error_kinds() -> Mapping[str, type[errors.BundlerError]]:
    """Return the kinds of errors by their codes; those that never leave their module have none of their own."""
    for found in iter_modules(errors.__path__):
        import_module(f"bundler.errors.{found.name}")
    kinds = [kind for kind in _below(errors.BundlerError) if not kind.__name__.startswith("_")]
    return {kind.code: kind for kind in kinds if kind is not errors.BundlerError}


def cause_and_remedy(kind: type[errors.BundlerError]) -> tuple[str, str]:
    """Return what the docstring of an error says of its cause, and of what to do."""
    paragraphs = [" ".join(part.split()) for part in (inspect.getdoc(kind) or "").split("\n\n")]
    remedies = [part.removeprefix("Remedy: ") for part in paragraphs if part.startswith("Remedy: ")]
    causes = [part for part in paragraphs if not part.startswith(("Remedy: ", "``"))]
    return " ".join(causes), " ".join(remedies)


def _below(kind: type[errors.BundlerError]) -> Iterator[type[errors.BundlerError]]:
    """Return all kinds below one, the first of each code last."""
    for below in kind.__subclasses__():
        if below.__module__.startswith("bundler."):
            yield from _below(below)
    yield kind


def _examples(code: str) -> Iterator[str]:
    for path in sorted((ROOT / "tests/golden/errors").glob(f"{code}.*.txt")):
        text = path.read_text("utf-8")
        yield text[text.index("error[") :].split("--- exit")[0].rstrip()


def _fields(title: str, name: str) -> str:
    schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    lines = [
        f"# {title}: fields\n",
        _MADE,
        f"{schema['description']} From [the JSON schema](../../schemas/{name}.schema.json).\n",
    ]
    lines += ["| field | type | meaning |", "|---|---|---|"]
    lines += [f"| `{path}` | {kind} | {text} |" for path, kind, text in _flat(schema, schema, "")]
    return "\n".join([*lines, ""])


def _flat(
    schema: Mapping[str, Any], whole: Mapping[str, Any], path: str, *, is_output: bool = False
) -> Iterator[tuple[str, str, str]]:
    """Return path, type and text of each field; what is written needs no word where it must be there."""
    required = schema.get("required", ())
    for key, found in schema.get("properties", {}).items():
        field = _resolved(found, whole)
        here = f"{path}.{key}" if path else key
        is_noted = (key in required) is not is_output
        note = ("Not always there." if is_output else "Required.") if is_noted else ""
        about = str(found.get("description", "") if is_output else field.get("description", "")).replace("|", "\\|")
        or_null = " or null" if is_output and {"type": "null"} in [*field.get("anyOf", ()), *_kinds(field)] else ""
        yield here, _type(field) + or_null, " ".join(filter(None, [about, note]))
        yield from _inside(field, whole, here, is_output=is_output)


def _inside(
    field: Mapping[str, Any], whole: Mapping[str, Any], here: str, *, is_output: bool = False
) -> Iterator[tuple[str, str, str]]:
    yield from _flat(field, whole, here, is_output=is_output)
    for choice in (*field.get("oneOf", ()), *field.get("anyOf", ())):
        # What one of several forms requires is not required of all.
        form = _resolved(choice, whole)
        form = {**form, "required": ()} if "required" in form and "type" not in form else form
        yield from _inside(form, whole, here, is_output=is_output)
    if isinstance(items := field.get("items"), dict):
        yield from _inside(_resolved(items, whole), whole, f"{here}[]", is_output=is_output)


def _resolved(field: Any, whole: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(field, dict):
        return {}
    if ref := field.get("$ref"):
        return {**whole["$defs"][ref.rpartition("/")[2]], **field}
    return field


def _type(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"] if value is not None)
    kinds = [*_kinds(field), *field.get("oneOf", ())]
    names = dict.fromkeys(kind["type"] for kind in kinds if isinstance(kind.get("type"), str))
    return " or ".join(name for name in names if name != "null") or ("object" if "anyOf" in field else "")


def _kinds(field: Mapping[str, Any]) -> list[dict[str, Any]]:
    kinds = field.get("type", ())
    return [{"type": kind} for kind in ([kinds] if isinstance(kinds, str) else kinds)]


def _exit_codes() -> str:
    by_exit: dict[int, list[str]] = {}
    for code, kind in sorted(error_kinds().items()):
        by_exit.setdefault(kind.exit_code, []).append(f"[`{code}`](errors.md#{code})")
    lines = ["# Exit codes\n", _MADE, "| exit code | means | errors |", "|---|---|---|"]
    for number, text in EXIT_CODES.items():
        listed = "[all others](errors.md)" if number == 1 else ", ".join(by_exit.get(number, ()))
        lines.append(f"| {number} | {text} | {listed} |")
    return "\n".join([*lines, ""])


def _functions() -> str:
    parts = [
        "# Functions of templates\n",
        _MADE,
        "What each example evaluates to. [Templates](../templates.md) explains the language.\n",
    ]
    for title, examples in (("Filters", FILTERS), ("Tests", TESTS), ("Functions", FUNCTIONS)):
        parts.append(f"## {title}\n\n| name | example | result |\n|---|---|---|")
        parts += [f"| `{name}` | {_cell(text)} | {_cell(_evaluated(text))} |" for name, text in examples.items()]
        parts.append("")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _evaluated(text: str) -> str:
    try:
        value = compile_expression(text, source=Source("bundle.yaml", 1)).evaluate({"values": {}})
    except errors.BundlerError as error:
        return f"error: {error.context[0]}"
    return json.dumps(value, ensure_ascii=False)


def _environment() -> str:
    lines = ["# Environment variables\n", _MADE, "An option on the command line wins over its variable.\n"]
    lines += ["| variable | sets |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in {**OURS, **OTHERS}.items()]
    return "\n".join([*lines, ""])


def _lint_rules() -> str:
    tables = {"Objects": rules.OBJECT_RULE_TABLE, "Pods": rules.POD_RULE_TABLE, "The bundle": rules.BUNDLE_RULE_TABLE}
    lines = ["# Lint rules\n", _MADE, "[Lint](../lint.md) explains how the rules are applied and silenced."]
    for title, table in tables.items():
        lines += [f"\n## {title}\n", "| rule | level | finds | what to do |", "|---|---|---|---|"]
        lines += [f"| `{rule.name}` | {rule.level} | {_bar(rule.finds)} | {_bar(rule.remedy)} |" for rule in table]
    return "\n".join([*lines, ""])


def _bar(text: str) -> str:
    return text.replace("|", "\\|")


def _json() -> str:
    parts = [
        "# JSON output\n",
        _MADE,
        f"{_JSON_HEAD}\n",
    ]
    for name, schema in output_schemas.schemas().items():
        file = f"output/{name}.schema.json"
        parts.append(f"## {schema['title'].removeprefix('bundler ')}\n")
        parts += ["\n".join(_form(form, schema)) for form in schema.get("anyOf", [schema])]
        parts.append(f"Schema: [{file}](../../schemas/{file}).\n")
    return "\n".join(parts)


def _form(form: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[str]:
    """Return one of the forms that a verb prints: what it is, and its fields."""
    is_list = form.get("type") == "array"
    ref = (form["items"] if is_list else form).get("$ref")
    item = _resolved({"$ref": ref}, whole) if ref else {}
    if "properties" not in item:
        yield "An object: the values themselves.\n"
        return
    yield f"{'A list of objects' if is_list else 'An object'}: {item['description'][0].lower()}{item['description'][1:]}\n"
    yield from ("| key | type | |", "|---|---|---|")
    for path, kind, text in _flat(item, whole, "", is_output=True):
        yield f"| `{path}` | {kind} | {text} |"
    yield ""


def read_variables() -> set[str]:
    """Return every variable of ours that the sources read."""
    text = (ROOT / "bundler/cli/session/settings.py").read_text("utf-8")
    return {f"BUNDLER_{name}" for name in re.findall(r'\b(?:text|duration_s|folder)\("([A-Z_]+)"', text)}


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
