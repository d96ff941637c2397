"""Look at a place in the values through the schemas that describe it. Layer: values, pure.

A place can be described several times: by ``$ref`` and ``allOf`` (all hold: *certain*), by the branches of ``anyOf``,
``oneOf`` and ``if`` (one of them may hold), by a parent's schema and by the component's own. A view holds all of them.

Source: JSON Schema 2020-12, core, sections 8 and 10; draft 07 where keywords differ (``items`` as a list).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from bundler.model.digits import parse_digits
from bundler.model.json import (
    Body,
    JSONValue,
    at_pointer,
    escape_token,
    is_list,
    is_mapping,
    list_at,
    mapping_at,
    members_of,
    pointer_tokens,
    type_name,
)
from bundler.model.lean import dataclass
from bundler.model.place import at_place

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle

    _PoolKey = tuple[tuple[tuple[int, bool], ...], bool]

T = TypeVar("T")

ALL_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
SCHEMA_FILE = "values.schema.json"
MOVED_TO = "x-moved-to"
"""The keyword beside ``deprecated`` that names the path which takes a value's place."""

_SEVERAL = ("anyOf", "oneOf")
_CONDITIONAL = ("if", "then", "else")
_BESIDE_REFERENCE = frozenset({"$ref", "$comment", "title", "description"})
"""Keys of a schema that is a reference and nothing else."""


@dataclass(frozen=True, slots=True)
class SchemaNode:
    """One schema that describes a place."""

    root: Body
    """The document that ``$ref`` is resolved in."""
    node: Body
    location: str
    """``values.schema.json#/properties/qps``, with the component's path before it."""
    is_certain: bool = True
    """False below ``anyOf``, ``oneOf``, ``if``: it may not apply."""


class SchemaView:
    """All that describes one place in the values.

    Views keep the children looked at before: one place is asked about types, defaults, secrets and unknown keys.
    """

    __slots__ = ("_children", "_pool", "components", "defaults", "is_below_sensitive", "nodes", "own")

    def __init__(
        self,
        nodes: tuple[SchemaNode, ...] = (),
        *,
        components: Mapping[str, SchemaView] | None = None,
        own: SchemaView | None = None,
        is_below_sensitive: bool = False,
        pool: dict[_PoolKey, SchemaView] | None = None,
    ) -> None:
        self.nodes = nodes
        self.components = components
        """At the root of a bundle with components: how each component's own bundle sees its values."""
        self.own = own or self
        """At the root of a bundle: what its own schema says, without its components' and its parent's."""
        self.defaults: Body | None = None
        """What `schema_defaults` found here; None before it looked."""
        self.is_below_sensitive = is_below_sensitive
        """True below a place that is sensitive as a whole."""
        self._children: dict[str | int, SchemaView] = {}
        self._pool: dict[_PoolKey, SchemaView] = {} if pool is None else pool
        """Views by what they hold: where definitions refer to each other, many ways lead to the same view."""

    def child(self, step: str | int) -> SchemaView:
        """Look one step down: at a property, or at an item of a list."""
        if (view := self._children.get(step)) is None:
            view = self._children[step] = self._below(step)
        return view

    def _below(self, step: str | int) -> SchemaView:
        found = [child for node in self.nodes for child in _children(node, step)]
        own = self.components.get(str(step)) if self.components else None
        if own is None:
            return self._pooled(tuple(expand(found)))
        return SchemaView(
            (*expand(found), *own.nodes),
            components=own.components,
            own=own.own,
            is_below_sensitive=self.is_sensitive,
        )

    def _pooled(self, nodes: tuple[SchemaNode, ...]) -> SchemaView:
        is_below = self.is_sensitive
        key = (tuple((id(node.node), node.is_certain) for node in nodes), is_below)
        if (view := self._pool.get(key)) is None:
            view = self._pool[key] = SchemaView(nodes, is_below_sensitive=is_below, pool=self._pool)
        return view

    def at(self, steps: Iterable[str | int]) -> SchemaView:
        """Look several steps down."""
        view = self
        for step in steps:
            view = view.child(step)
        return view

    def at_pointer(self, pointer: str) -> SchemaView:
        """Look at a JSON pointer; digits below a list schema are items."""
        view = self
        for token in pointer_tokens(pointer):
            below = view.child(token)
            index = parse_digits(token)
            view = below if index is None or below.nodes else view.child(index)
        return view

    @property
    def types(self) -> frozenset[str]:
        """The JSON types allowed here; all of them where no schema says anything."""
        allowed = ALL_TYPES
        for node in self.nodes:
            if node.is_certain:
                allowed &= allowed_types(node.root, node.node)
        return allowed

    @property
    def choices(self) -> tuple[JSONValue, ...] | None:
        """The values of ``enum`` or ``const``; None where any value will do."""
        for node in self.nodes:
            if node.is_certain and "const" in node.node:
                return (node.node["const"],)
            if node.is_certain and is_list(listed := node.node.get("enum")):
                return tuple(listed)
        return None

    @property
    def is_sensitive(self) -> bool:
        """Return whether any schema says ``writeOnly: true`` here or above."""
        return self.is_below_sensitive or any(node.node.get("writeOnly") is True for node in self.nodes)

    @property
    def holds_sensitive(self) -> bool:
        """Return whether something sensitive can stand here or below."""
        if self.is_sensitive or any(below.holds_sensitive for below in (self.components or {}).values()):
            return True
        return any(node.node.get("writeOnly") is True for node in reachable(self.nodes))

    @property
    def is_deprecated(self) -> bool:
        """Return whether a schema says ``deprecated: true`` here."""
        return any(node.is_certain and node.node.get("deprecated") is True for node in self.nodes)

    @property
    def is_immutable(self) -> bool:
        """Return whether a schema says ``immutable: true`` here: the value of the first installation stays."""
        return any(node.is_certain and node.node.get("immutable") is True for node in self.nodes)

    @property
    def moved_to(self) -> str:
        """The path that takes the place of a deprecated one, from the root of the bundle's values; empty without."""
        named = (node.node.get(MOVED_TO) for node in self.nodes if node.is_certain)
        return next((path for path in named if isinstance(path, str)), "")

    @property
    def description(self) -> str:
        """The first description, in one line."""
        for node in self.nodes:
            if isinstance(text := node.node.get("description"), str):
                return " ".join(text.split())
        return ""

    @property
    def location(self) -> str:
        """Where the schema that types this place stands; empty where none does."""
        typing = [node for node in self.nodes if {"type", "enum", "const"} & node.node.keys()]
        return next((node.location for node in (*typing, *self.nodes)), "")

    @property
    def property_names(self) -> tuple[str, ...]:
        """Every property that a schema names here."""
        named = {key: None for node in self.nodes for key in mapping_at(node.node, "properties")}
        return tuple({**named, **dict.fromkeys(self.components or ())})

    def matches_pattern(self, key: str) -> bool:
        """Return whether ``patternProperties`` covers ``key``."""
        return any(
            _matches(node, pattern, key)
            for node in self.nodes
            for pattern in mapping_at(node.node, "patternProperties")
        )

    @property
    def is_closed(self) -> bool:
        """Return whether unknown keys are errors here: properties are named, and no schema opens the object."""
        said = [node.node for node in self.nodes]
        if any(node.get(key, False) is not False for node in said for key in _OPENING):
            return False
        return any("properties" in node or node.get("additionalProperties") is False for node in said)


_OPENING = ("additionalProperties", "unevaluatedProperties")


class Same(Generic[T]):
    """Something by its identity, as the key of a cache."""

    __slots__ = ("thing",)

    def __init__(self, thing: T) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def bundle_view(bundle: Bundle) -> SchemaView:
    """Return how ``bundle`` and its components, all the way down, see its values.

    It is the same view each time: a bundle that is rendered over its switches is looked through once.
    """
    return _view_of(Same(bundle))


@lru_cache(maxsize=8)
def _view_of(same: Same[Bundle]) -> SchemaView:
    return _bundle_view(same.thing, "")


def _bundle_view(bundle: Bundle, component: str) -> SchemaView:
    """Return the view of a bundle that is the component at a path, ``/`` between levels."""
    file = f"{component}/{SCHEMA_FILE}" if component else SCHEMA_FILE
    nodes = expand([SchemaNode(bundle.schema, bundle.schema, f"{file}#")]) if bundle.schema is not None else ()
    below = {
        name: _bundle_view(inner, f"{component}/{name}" if component else name)
        for name, inner in bundle.component_bundles.items()
    }
    described = tuple(nodes)
    return SchemaView(described, components=below or None, own=SchemaView(described))


def expand(nodes: Iterable[SchemaNode]) -> Iterator[SchemaNode]:
    """Yield each node and all that describes the same place: ``$ref``, ``allOf`` and the branches."""
    seen: set[int] = set()
    pending = list(nodes)[::-1]
    while pending:
        node = pending.pop()
        if id(node.node) in seen:
            continue
        seen.add(id(node.node))
        yield node
        pending.extend(_beside(node))


def reachable(nodes: Iterable[SchemaNode]) -> Iterator[SchemaNode]:
    """Yield each schema that can describe this place or one below it, once, however many ways lead to it."""
    seen: set[int] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if id(node.node) not in seen:
            seen.add(id(node.node))
            yield node
            pending += _beside(node)
            pending += _all_children(node)


def resolve_reference(root: Body, reference: JSONValue) -> tuple[JSONValue, str]:
    """Return what a local ``$ref`` names and its location after ``#``; None where it names nothing."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None, ""
    return at_pointer(root, reference[1:])[0], reference[1:]


def allowed_types(root: Body, node: JSONValue) -> frozenset[str]:
    """Return the JSON types that a schema allows."""
    return _allowed(root, node, {})


def _allowed(root: Body, node: JSONValue, known: dict[int, frozenset[str]]) -> frozenset[str]:
    """Do so with what is known of schemas met before; one that refers to itself adds nothing."""
    if not is_mapping(node):
        return ALL_TYPES if node is not False else frozenset()
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = ALL_TYPES
    allowed = _declared_types(node)
    if "$ref" in node:
        allowed &= _allowed(root, resolve_reference(root, node["$ref"])[0], known)
    for branch in list_at(node, "allOf"):
        allowed &= _allowed(root, branch, known)
    for key in _SEVERAL:
        if branches := list_at(node, key):
            allowed &= frozenset[str]().union(*(_allowed(root, branch, known) for branch in branches))
    known[id(node)] = allowed
    return allowed


def nodes_of(schema: JSONValue) -> Iterator[tuple[Body, str]]:
    """Yield each mapping in a schema with its pointer."""
    pending = [(schema, "")]
    while pending:
        here, at = pending.pop()
        if is_mapping(here):
            yield here, at
        pending += [(value, below) for _, below, value in members_of(here, at)]


def pointer_in(schema: JSONValue, node: Body) -> str:
    """Return where the very mapping ``node`` stands in a schema; empty at its root, and where it does not."""
    return next((pointer for one, pointer in nodes_of(schema) if one is node), "")


def final_reference(root: Body, node: Body) -> JSONValue:
    """Return what a reference leads to, through references that are nothing else; None where they lead in a circle."""
    seen: set[int] = set()
    here: JSONValue = node
    while is_mapping(here) and "$ref" in here and (here is node or here.keys() <= _BESIDE_REFERENCE):
        if id(here) in seen:
            return None
        seen.add(id(here))
        here = resolve_reference(root, here["$ref"])[0]
    return here


def _all_children(node: SchemaNode) -> Iterator[SchemaNode]:
    for key in ("properties", "patternProperties"):
        for name, schema in mapping_at(node.node, key).items():
            yield from _below(node, schema, key, name)
    for key in ("prefixItems", "items"):
        for index, schema in enumerate(list_at(node.node, key)):
            yield from _below(node, schema, key, index)
    for key in (*_OPENING, "items", "additionalItems"):
        yield from _below(node, node.node.get(key), key)


def _declared_types(node: Body) -> frozenset[str]:
    declared = node.get("type")
    if isinstance(declared, str):
        types = frozenset({declared})
    elif is_list(declared):
        types = frozenset(str(item) for item in declared)
    elif "const" in node:
        types = frozenset({type_name(node["const"])})
    elif is_list(choices := node.get("enum")):
        types = frozenset(type_name(item) for item in choices)
    else:
        return ALL_TYPES
    return types | {"integer"} if "number" in types else types


def _beside(node: SchemaNode) -> list[SchemaNode]:
    found: list[SchemaNode] = []
    if "$ref" in node.node:
        target, place = resolve_reference(node.root, node.node["$ref"])
        if is_mapping(target):
            file = node.location.partition("#")[0]
            found.append(SchemaNode(node.root, target, f"{file}#{place}", node.is_certain))
    for key in ("allOf", *_SEVERAL):
        for index, branch in enumerate(list_at(node.node, key)):
            found.extend(_below(node, branch, key, index, is_certain=key == "allOf"))
    for key in _CONDITIONAL:
        found.extend(_below(node, node.node.get(key), key, is_certain=False))
    for name, branch in mapping_at(node.node, "dependentSchemas").items():
        found.extend(_below(node, branch, "dependentSchemas", name, is_certain=False))
    return found[::-1]


def _children(node: SchemaNode, step: str | int) -> Iterator[SchemaNode]:
    if isinstance(step, int):
        yield from _items(node, step)
        return
    properties = mapping_at(node.node, "properties")
    is_named = step in properties
    if is_named:
        yield from _below(node, properties[step], "properties", step)
    for pattern, schema in mapping_at(node.node, "patternProperties").items():
        if _matches(node, pattern, step):
            is_named = True
            yield from _below(node, schema, "patternProperties", pattern)
    if not is_named:
        yield from _below(node, node.node.get("additionalProperties"), "additionalProperties")
        yield from _below(node, node.node.get("unevaluatedProperties"), "unevaluatedProperties")


def _matches(node: SchemaNode, pattern: str, key: str) -> bool:
    try:
        with at_place(lambda: f"{node.location}/patternProperties"):
            return re.search(pattern, key) is not None
    except re.error:
        return False  # the check of the schema itself tells


def _items(node: SchemaNode, index: int) -> Iterator[SchemaNode]:
    for key in ("prefixItems", "items"):
        listed = list_at(node.node, key)
        if index < len(listed):
            yield from _below(node, listed[index], key, index)
            return
    rest = "additionalItems" if is_list(node.node.get("items")) else "items"
    yield from _below(node, node.node.get(rest), rest)


def _below(node: SchemaNode, schema: JSONValue, *steps: str | int, is_certain: bool = True) -> Iterator[SchemaNode]:
    if is_mapping(schema):
        place = "".join(f"/{escape_token(str(step))}" for step in steps)
        yield SchemaNode(node.root, schema, f"{node.location}{place}", node.is_certain and is_certain)
