"""Write schemas/output/ from the forms in bundler/wire: one JSON Schema for what each verb prints with -o json.

python tool/site/output_schemas.py
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = ROOT / "schemas" / "output"
_SOURCES = (*sorted((ROOT / "bundler" / "wire").glob("*.py")), ROOT / "bundler" / "planning" / "diff.py")
_OTHERS = {
    "error": "What `-o json` prints in place of a result where a command fails.",
    "event": "What `bundler.wire.events.event_form` makes of an event of a run; no verb prints it.",
}
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: Mapping[str, Mapping[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "Body": {"type": "object"},
    "JSONValue": {},
    "object": {},
}


class Form(NamedTuple):
    """A class of the sources that describes an object."""

    about: str
    bases: tuple[str, ...]
    fields: Mapping[str, tuple[ast.expr, str]]
    """The type of each key, and what is said of it."""


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by the name of its file, without its end."""
    sources = _Sources()
    others = {name: sources.schema(name, _OTHERS[name], form) for name, form in sources.table("OTHER_FORMS")}
    verbs = {
        verb.replace(" ", "-"): sources.schema(f"bundler {verb}", f"What `bundler {verb} -o json` prints.", form)
        for verb, form in sources.table("FORMS")
    }
    return {**others, **verbs}


class _Sources:
    """The forms of all modules, by name."""

    def __init__(self) -> None:
        self._forms: dict[str, Form] = {}
        self._aliases: dict[str, ast.expr] = {}
        for path in _SOURCES:
            for node in ast.parse(path.read_text("utf-8")).body:
                self._take(node)

    def _take(self, node: ast.stmt) -> None:
        match node:
            case ast.ClassDef(name=name, bases=bases, body=body):
                fields = {
                    one.target.id: (one.annotation, said)
                    for one, said in _with_texts(body)
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
                }
                names = tuple(base.id for base in bases if isinstance(base, ast.Name) and base.id != "TypedDict")
                self._forms[name] = Form(ast.get_docstring(node) or "", names, fields)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._aliases[name] = value

    def table(self, name: str) -> Iterator[tuple[str, ast.expr]]:
        """Return the forms in a table of bundler.wire.forms."""
        table = self._aliases[name]
        assert isinstance(table, ast.Dict)
        for key, value in zip(table.keys, table.values, strict=True):
            assert isinstance(key, ast.Constant)
            yield str(key.value), value

    def schema(self, title: str, about: str, form: ast.expr) -> dict[str, Any]:
        """Return the whole schema of a form."""
        used: dict[str, Any] = {}
        root = self._type(form, used)
        name = title.removeprefix("bundler ").replace(" ", "-")
        return {
            "$schema": _DRAFT,
            "$id": f"https://bundler.dev/schemas/output/{name}.schema.json",
            "title": title,
            "description": about,
            **root,
            "$defs": dict(sorted(used.items())),
        }

    def _type(self, node: ast.expr, used: dict[str, Any]) -> dict[str, Any]:
        match node:
            case ast.Constant(value=None):
                return dict(_PLAIN["None"])
            case ast.Name(id=name) if name in _PLAIN:
                return dict(_PLAIN[name])
            case ast.Name(id=name) if name in self._forms:
                return self._reference(name, used)
            case ast.Name(id=name):
                return self._type(self._aliases[name], used)
            case ast.BinOp(left=left, right=right):
                return _one_of([choice for side in (left, right) for choice in self._choices(side, used)])
            case ast.Subscript(value=ast.Name(id="list"), slice=item):
                return {"type": "array", "items": self._type(item, used)}
            case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[_, item])):
                return {"type": "object", "additionalProperties": self._type(item, used)}
            case ast.Subscript(value=ast.Name(id="Literal"), slice=words):
                return {"enum": [one.value for one in getattr(words, "elts", [words])]}
            case ast.Subscript(value=ast.Name(id="NotRequired"), slice=inner):
                return self._type(inner, used)
        raise TypeError(f"{ast.unparse(node)} has no JSON schema")

    def _choices(self, node: ast.expr, used: dict[str, Any]) -> list[dict[str, Any]]:
        found = self._type(node, used)
        return found["anyOf"] if set(found) == {"anyOf"} else [found]

    def _reference(self, name: str, used: dict[str, Any]) -> dict[str, Any]:
        short = name.removesuffix("Form")
        if short not in used:
            used[short] = {}  # a form may hold itself
            used[short] = self._object(name, used)
        return {"$ref": f"#/$defs/{short}"}

    def _object(self, name: str, used: dict[str, Any]) -> dict[str, Any]:
        fields = self._fields(name)
        return {
            "description": self._forms[name].about,
            "type": "object",
            "additionalProperties": False,
            "required": sorted(key for key, (kind, _) in fields.items() if not _is_optional(kind)),
            "properties": {
                key: {**self._type(kind, used), **({"description": said} if said else {})}
                for key, (kind, said) in fields.items()
            },
        }

    def _fields(self, name: str) -> dict[str, tuple[ast.expr, str]]:
        form = self._forms[name]
        inherited = {key: field for base in form.bases for key, field in self._fields(base).items()}
        return {**inherited, **form.fields}


def _one_of(choices: list[dict[str, Any]]) -> dict[str, Any]:
    if all(set(choice) == {"type"} for choice in choices):
        return {"type": [choice["type"] for choice in choices]}
    return {"anyOf": choices}


def _is_optional(kind: ast.expr) -> bool:
    return isinstance(kind, ast.Subscript) and isinstance(kind.value, ast.Name) and kind.value.id == "NotRequired"


def _with_texts(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """Yield statements, each with the text below it."""
    for node, after in zip(body, [*body[1:], None], strict=True):
        match after:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node, " ".join(text.split())
            case _:
                yield node, ""


def main() -> None:
    """Write the schemas; those of verbs that are gone are removed."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {f"{name}.schema.json": schema for name, schema in schemas().items()}
    for path in FOLDER.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, schema in wanted.items():
        (FOLDER / name).write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
