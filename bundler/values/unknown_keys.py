"""Find keys that no schema knows. Layer: values, pure.

An object schema that names properties and says nothing of others is closed. ``additionalProperties`` or
``unevaluatedProperties`` open it. The names of components are always known; below them the component's own schema
decides. A bundle without schema knows the top-level keys of its values.yaml.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping
from bundler.model.lean import dataclass
from bundler.values.paths import parse_path, pointer_as_path
from bundler.values.problems import MAX_SUGGESTIONS, closest

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.values import Pointer
    from bundler.values.schema_view import SchemaView

    _Unknown = tuple[Pointer, str, Collection[str], JSONValue]
    """What is around a key, the key, the keys known there, and its value."""


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A key that no schema knows."""

    pointer: Pointer
    suggestion: Pointer
    """The key that was probably meant; empty where none is near."""
    value: JSONValue

    def sentence(self, prefix: Pointer) -> str:
        """Say that it is unknown, and what was probably meant; ``prefix`` leads to the bundle's values."""
        meant = f'; did you mean "{pointer_as_path(prefix + self.suggestion)}"?' if self.suggestion else ""
        return f'unknown key "{pointer_as_path(prefix + self.pointer)}"{meant}'


def unknown_keys(bundle: Bundle, data: Body, view: SchemaView) -> Iterator[UnknownKey]:
    """Yield every unknown key in the merged ``data`` of one bundle, its components' own values left out.

    The first few come with the key that was probably meant.

    Args:
        bundle: loaded, with its components.
        data: merged values.
        view: the schema as seen by this bundle.
    """
    names = {component.name for component in bundle.components}
    if bundle.schema is None:
        found = _unknown_to_defaults(bundle, data, names)
    else:
        found = _unknown_at(data, view.own, "", names)
    for number, (pointer, key, known, value) in enumerate(found):
        meant = closest(key, sorted(known)) if number < MAX_SUGGESTIONS else ""
        suggestion = f"{pointer}/{escape_token(meant)}" if meant else ""
        yield UnknownKey(f"{pointer}/{escape_token(key)}", suggestion, value)


def _unknown_to_defaults(bundle: Bundle, data: Body, names: Collection[str]) -> Iterator[_Unknown]:
    if not bundle.defaults.data and not names:
        return
    derived = {str(parse_path(rule.path)[0]) for rule in bundle.derive}
    known = {*bundle.defaults.data, *names, *derived}
    for key, value in data.items():
        if key not in known and value is not None:  # without a schema a deletion of nothing does no harm
            yield "", key, known, value


def _unknown_at(value: JSONValue, view: SchemaView, pointer: Pointer, names: Collection[str]) -> Iterator[_Unknown]:
    if is_mapping(value):
        known = {*view.property_names, *names}
        is_closed = view.is_closed
        for key, item in value.items():
            if is_closed and key not in known and not view.child(key).nodes and not view.matches_pattern(key):
                yield pointer, key, known, item
            elif key not in names:
                yield from _unknown_at(item, view.child(key), f"{pointer}/{escape_token(key)}", ())
    elif is_list(value) and view.nodes:
        for index, item in enumerate(value):
            yield from _unknown_at(item, view.child(index), f"{pointer}/{index}", ())
