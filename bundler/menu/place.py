"""One place in the values: what the schema says there, and what the bundle sets. Layer: menu, pure.

An order holds a part of the values. Rules about which keys there are hold for the order together with what the layers
of the bundle set, so each place knows both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.errors.bundle import ValuesPathError
from bundler.model.json import Body, JSONValue, is_list, is_mapping, type_name
from bundler.model.lean import dataclass, field
from bundler.syntax.written_path import format_path
from bundler.values.defaults import schema_defaults
from bundler.values.merge import merge_values
from bundler.values.paths import parse_path
from bundler.values.schema_view import ALL_TYPES, SchemaNode, SchemaView

Shown = dict[str, "Shown"]
"""The paths that an order can set, as a tree; an empty branch is everything there and below."""

ANY_KEY: Final = "\0"
"""A key that no schema names."""
ITEM: Final = "[]"
"""How the path of each item of a list ends."""
ENTRY: Final = ".*"
"""How the path of each value of a map with free keys ends."""
FROM: Final = "From"
"""How the field ends that names the Secret of a sensitive value: ``passwordFrom``."""
_TELLING: Final = {
    "object": ("properties", "required", "patternProperties", "propertyNames", "minProperties", "maxProperties"),
    "array": ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"),
}
_FIRST_FREE: Final = 1_000_000
"""An index behind every item that a schema names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place in the values."""

    view: SchemaView
    given: JSONValue = None
    """What the bundle's own layers have here; None: nothing."""
    path: str = ""
    shown: Shown = field(default_factory=dict)
    above: frozenset[int] = frozenset()
    """The schemas around it, by their identity: one that comes again refers to itself."""
    is_single: bool = True
    """It is in no list and no map, so that there is one of it in an order."""
    derived: frozenset[str] = frozenset()
    """The paths that formulas compute."""

    @property
    def certain(self) -> tuple[SchemaNode, ...]:
        """The schemas that hold here whatever the value is."""
        return tuple(node for node in self.view.nodes if node.is_certain)

    @property
    def given_keys(self) -> frozenset[str]:
        """The keys that the bundle sets here."""
        return frozenset(key for key, value in as_mapping(self.given).items() if value is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that a schema names, or the bundle sets."""
        return tuple(dict.fromkeys((*self.view.property_names, *sorted(self.given_keys))))

    @property
    def is_recursive(self) -> bool:
        """Return whether it is described by a schema that it is already in."""
        return not self.above.isdisjoint(id(node.node) for node in self.view.nodes)

    @property
    def is_secret(self) -> bool:
        """Return whether its value belongs in a Secret: it is sensitive, or a list or map of what is."""
        if self.view.is_sensitive:
            return True
        below = (self.view.child(0), self.view.child(ANY_KEY))
        return not self.view.property_names and any(one.is_sensitive for one in below)

    @property
    def types(self) -> frozenset[str]:
        """The JSON types that it can have, ``null`` left out; ``integer`` only where no other number will do."""
        found = self.view.types
        if found == ALL_TYPES:
            return self._told_types()
        return _narrow(found)

    @property
    def is_nullable(self) -> bool:
        """Return whether a schema names null as one of several types."""
        return self.view.types != ALL_TYPES and "null" in self.view.types

    def _told_types(self) -> frozenset[str]:
        """Infer the type where none is written: from other keywords, or from what the bundle sets."""
        keys = {key for node in self.certain for key in node.node}
        told = {kind for kind, words in _TELLING.items() if not keys.isdisjoint(words)}
        if self.view.components:
            told = {"object"}
        if not self.view.nodes and self.given is not None:
            told = {"number" if (name := type_name(self.given)) == "integer" else name}
        return frozenset(told) if len(told) == 1 else _narrow(ALL_TYPES)

    def child(self, name: str) -> Place:
        """Return the place of a property."""
        below = self.given.get(name) if is_mapping(self.given) else None
        return self._below(self.view.child(name), below, path_below(self.path, name), shown=self.shown.get(name, {}))

    def item(self) -> Place:
        """Return the place of each item of a list, but those that a schema names by their index."""
        view = self.view.child(_FIRST_FREE)
        return self._below(view, schema_defaults(view) or None, f"{self.path}{ITEM}", is_single=False)

    def entry(self) -> Place:
        """Return the place of each value of a map with free keys."""
        view = self.view.child(ANY_KEY)
        given = schema_defaults(view)
        for value in self.given.values() if is_mapping(self.given) else ():
            given = merge_values(given, value) if is_mapping(value) else given
        return self._below(view, given or None, f"{self.path}{ENTRY}", is_single=False)

    def _below(
        self, view: SchemaView, given: JSONValue, path: str, *, is_single: bool = True, shown: Shown | None = None
    ) -> Place:
        return Place(
            view=view,
            given=given,
            path=path,
            shown=shown or {},
            above=self.above | {id(node.node) for node in self.view.nodes},
            is_single=self.is_single and is_single,
            derived=self.derived,
        )

    def rules(self, keyword: str) -> Iterator[tuple[SchemaNode, JSONValue]]:
        """Yield what each schema that holds here says under a keyword."""
        for node in self.certain:
            if keyword in node.node:
                yield node, node.node[keyword]

    def required(self) -> tuple[str, ...]:
        """Return the keys that an order has to set itself: required, and set by no layer of the bundle."""
        named = (name for _, rule in self.rules("required") if is_list(rule) for name in rule)
        return tuple(dict.fromkeys(str(name) for name in named if name not in self.given_keys))


def field_of(place: Place, name: str) -> str:
    """Return how a property is called in an order."""
    return f"{name}{FROM}" if place.child(name).is_secret else name


def path_below(path: str, key: str) -> str:
    """Return the path of a key: ``db.host``, ``labels["a.b"]``.

    Args:
        path: of what it is in; empty at the root.
        key: its name.
    """
    step = format_path((key,))
    return f"{path}.{step}" if path and not step.startswith("[") else f"{path}{step}"


def keys_of(path: str) -> tuple[str, ...]:
    """Return the keys of an exposed path; none where it is not a path, or leads into a list."""
    try:
        steps = parse_path(path)
    except ValuesPathError:
        return ()
    keys = tuple(step for step in steps if isinstance(step, str))
    return keys if len(keys) == len(steps) else ()


def as_mapping(value: JSONValue) -> Body:
    """Return a mapping; an empty one for anything else."""
    return value if is_mapping(value) else {}


def _narrow(types: frozenset[str]) -> frozenset[str]:
    return types - {"null"} - ({"integer"} if "number" in types else set())
