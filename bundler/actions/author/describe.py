"""Say what can be chosen of a bundle. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bundler.model.json import JSONValue, is_mapping, pointer_tokens, strings_at
from bundler.model.menu import MenuItem
from bundler.model.redaction import MASK
from bundler.ports import UNCONFINED, Confinement
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.reader import read_document
from bundler.values.defaults import schema_defaults
from bundler.values.flatten import leaves_of
from bundler.values.layers import own_view
from bundler.values.merge import merge_values
from bundler.values.paths import parent_pointer, pointer_as_path, pointer_to
from bundler.values.problems import shown_value
from bundler.values.schema_view import SchemaView, bundle_view

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.values import Pointer

_VALUES_FILE = "values.yaml"
_MAX_DEPTH = 12
_BOUNDS = (("minimum", "≥ "), ("exclusiveMinimum", "> "), ("maximum", "≤ "), ("exclusiveMaximum", "< "))


def menu_of(bundle: Bundle, *, confinement: Confinement = UNCONFINED) -> tuple[MenuItem, ...]:
    """Return what can be chosen from a bundle itself, sorted by path; its components have menus of their own.

    The comment above a key in values.yaml describes it, else the schema does.

    Args:
        bundle: to describe.
        confinement: reads its schemas and the comments of its values.

    Raises:
        WorkLimitError: when that takes more time or memory than it may.
    """
    return confinement.run(lambda: _menu_of(bundle), doing=f"describing {bundle.metadata.name}")


def _menu_of(bundle: Bundle) -> tuple[MenuItem, ...]:
    view = own_view(bundle, bundle_view(bundle))
    defaults = merge_values(schema_defaults(view), bundle.defaults.data)
    leaves = leaves_of(defaults)
    named = {pointer: leaves.get(pointer) for pointer in _schema_leaves(view, "", 0)}
    comments = _comments(bundle)
    derived = {rule.path for rule in bundle.derive}
    holders = {above for pointer in leaves for above in _ancestors(pointer)}
    places = {pointer: value for pointer, value in {**named, **leaves}.items() if pointer and pointer not in holders}
    return tuple(sorted(_item(pointer, value, view, comments, derived) for pointer, value in places.items()))


def _ancestors(pointer: Pointer) -> Iterator[Pointer]:
    while pointer:
        pointer = parent_pointer(pointer)
        yield pointer


def _item(
    pointer: Pointer, value: JSONValue, view: SchemaView, comments: Mapping[Pointer, str], derived: set[str]
) -> MenuItem:
    place = view.at_pointer(pointer)
    path = pointer_as_path(pointer)
    types = " or ".join(sorted(place.types - ({"integer"} if "number" in place.types else set())))
    is_free = not any(node.is_certain and "type" in node.node for node in place.nodes)
    return MenuItem(
        path=path,
        type="" if is_free else types,
        default=_shown(value, is_sensitive=place.is_sensitive),
        choices=_choices(place),
        description=comments.get(pointer, "") or place.description,
        is_derived=path in derived,
        is_required=_is_required(pointer, view),
    )


def _shown(value: JSONValue, *, is_sensitive: bool) -> str:
    if value is None or value == "":
        return ""
    if is_sensitive:
        return MASK
    if is_mapping(value) and not value:
        return "{}"
    return shown_value(value, is_sensitive=False)


def _choices(place: SchemaView) -> str:
    if place.choices:
        return "one of " + ", ".join(map(str, place.choices))
    said = [
        f"{sign}{node.node[key]}"
        for node in place.nodes
        if node.is_certain
        for key, sign in _BOUNDS
        if isinstance(node.node.get(key), int | float)
    ]
    return ", ".join(said)


def _is_required(pointer: Pointer, view: SchemaView) -> bool:
    name = pointer_tokens(pointer)[-1]
    above = view.at_pointer(parent_pointer(pointer))
    return any(node.is_certain and name in strings_at(node.node, "required") for node in above.nodes)


def _schema_leaves(view: SchemaView, pointer: Pointer, depth: int) -> Iterator[Pointer]:
    if not view.property_names or depth > _MAX_DEPTH:
        yield pointer
        return
    for name in view.property_names:
        yield from _schema_leaves(view.child(name), pointer + pointer_to([name]), depth + 1)


def _comments(bundle: Bundle) -> dict[Pointer, str]:
    file = bundle.files.get(_VALUES_FILE)
    if file is None:
        return {}
    text = file.content.decode("utf-8-sig", errors="replace")
    try:
        lines = read_document(text).lines
    except YamlSyntaxError:
        return {}
    rows = text.split("\n")
    first_of_line = {line: pointer for pointer, line in reversed(list(lines.items())) if pointer}
    return {pointer: comment for line, pointer in first_of_line.items() if (comment := _above(rows, line))}


def _above(rows: list[str], line: int) -> str:
    """Return the comment right above a line, of the same indentation."""
    indent = rows[line - 1][: len(rows[line - 1]) - len(rows[line - 1].lstrip())]
    block: list[str] = []
    for row in reversed(rows[: line - 1]):
        if not row.startswith(f"{indent}#"):
            break
        block.append(row.strip().lstrip("#").strip())
    return " ".join(part for part in reversed(block) if part)
