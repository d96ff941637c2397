"""What may be where in an object: schemas of built-in and custom kinds. Layer: fields, pure.

One compact form serves both. A node is a letter (a scalar), a number (a definition in the table) or a mapping:

``f`` known fields · ``v`` schema of other values · ``i`` items · ``k`` keys of a map list · ``d`` their defaults ·
``t`` 1 for a set · ``a`` 1 for an atomic map · ``r`` required fields · ``$`` a reference whose map type ``a`` overrides
``h`` 1 where a map list stands here or anywhere below · ``e`` 1 where a custom kind holds
a built-in part, whose empty collections are dropped · ``n`` 1 where null may be · ``z`` the default ·
``c`` what else a custom kind asks of a value (``minimum``, ``enum`` …)

A scalar with ``n``, ``z`` or ``c`` is a reference to its letter: ``{"$": "s", "n": 1}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from bundler.model.json import Body, JSONValue, is_mapping, items_at, list_at, mapping_at, value_at

if TYPE_CHECKING:

    class SchemaTable(Protocol):
        """Nodes that others refer to by their place."""

        def __getitem__(self, place: int, /) -> Raw: ...


ScalarType: TypeAlias = Literal[
    "quantity", "int-or-string", "string", "integer", "boolean", "number", "time", "micro-time", "bytes", "any", ""
]
Shape: TypeAlias = Literal["map", "list", "scalar", "any"]
Raw: TypeAlias = Any
"""A node of the compact form: str, int or dict, as json reads it."""

_SCALARS: Mapping[str, ScalarType] = {
    "s": "string",
    "i": "integer",
    "b": "boolean",
    "n": "number",
    "q": "quantity",
    "l": "quantity",
    "x": "int-or-string",
    "t": "time",
    "m": "micro-time",
    "y": "bytes",
    "a": "any",
    "u": "any",
}
CONSTRAINTS = frozenset({
    "enum", "maximum", "minimum", "multipleOf", "maxLength", "minLength", "maxItems", "minItems", "maxProperties",
    "minProperties", "exclusiveMaximum", "exclusiveMinimum",
})  # fmt: skip
"""Keywords of a CustomResourceDefinition's schema that bound one value. Not ``pattern``: its time has no bound."""
_NOTHING: Mapping[str, JSONValue] = {}
_RAW_TRAITS: Mapping[str, JSONValue] = {"a": 1}


class SchemaNode:
    """What may be at one place of an object."""

    __slots__ = (
        "_fields",
        "_items",
        "_keyed_fields",
        "_raw",
        "_table",
        "_traits",
        "allows_unknown",
        "constraints",
        "drops_empty",
        "has_status",
        "is_amount",
        "is_atomic",
        "is_nullable",
        "key_defaults",
        "list_type",
        "map_keys",
        "map_type",
        "required",
        "scalar",
        "shape",
    )

    shape: Shape
    """``any`` is a free-form value: everything is allowed below it."""
    scalar: ScalarType
    """The type of a scalar; empty for maps and lists."""
    list_type: Literal["map", "set", "atomic"]
    """How a list merges; ``atomic`` where nothing is said."""
    map_keys: tuple[str, ...]
    """The keys that identify an item of a ``map`` list."""
    key_defaults: Mapping[str, JSONValue]
    """Defaults of ``map_keys`` that an item may leave out: ``{"protocol": "TCP"}``."""
    map_type: Literal["granular", "atomic"]
    """How a map merges."""
    allows_unknown: bool
    """Whether fields other than ``field_names`` may be in this map."""
    required: tuple[str, ...]
    """The known fields that must be there."""
    has_status: bool
    """On the root of a kind: whether ``status`` is a subresource, so that other writes leave it alone."""
    is_nullable: bool
    """Whether null may be here; said of custom kinds only."""
    constraints: Mapping[str, JSONValue]
    """Keyword -> what it says, for custom kinds; see `CONSTRAINTS`."""
    is_amount: bool
    """Whether a quantity is an amount in a ResourceList (``limits``, ``hard``), which is rounded up to thousandths."""
    drops_empty: bool
    """Whether the server leaves out empty lists and maps here (built-in kinds), or stores them (custom ones)."""

    def __init__(self, raw: Raw, table: SchemaTable, *, drops_empty: bool, has_status: bool = False) -> None:
        self._table = table
        self.has_status = has_status
        node, traits = _resolve(raw, table)
        self.drops_empty = drops_empty or "e" in traits
        self._raw: dict[str, Raw] = node if isinstance(node, dict) else {}
        self._fields: dict[str, SchemaNode] = {}
        self._items: SchemaNode | None = None
        self._keyed_fields: Mapping[str, SchemaNode] | None = None
        self._traits = traits
        self.is_atomic = bool(traits.get("a"))
        self.is_nullable = "n" in traits
        self.constraints = traits.get("c", _NOTHING)
        self.map_type = "atomic" if self.is_atomic else "granular"
        self.scalar = _SCALARS[node] if isinstance(node, str) else ""
        self.is_amount = node == "l"
        self.shape = _shape(node)
        self.map_keys = tuple(self._raw.get("k", ()))
        self.key_defaults = self._raw.get("d", _NOTHING)
        self.list_type = "map" if self.map_keys else "set" if "t" in self._raw else "atomic"
        self.allows_unknown = self.shape == "any" or "v" in self._raw
        self.required = tuple(self._raw.get("r", ()))

    @property
    def default(self) -> JSONValue:
        """What a custom kind fills in where nothing stands; None where there is no default."""
        return self._traits.get("z")

    @property
    def defaulted_fields(self) -> Iterator[str]:
        """The known fields that a custom kind fills in where they are missing."""
        for name, raw in self._raw.get("f", _NOTHING).items():
            if isinstance(raw, Mapping) and "z" in raw:
                yield name

    @property
    def field_names(self) -> frozenset[str]:
        """The known fields of a map."""
        return frozenset(self._raw.get("f", ()))

    def knows(self, name: str) -> bool:
        """Return whether ``name`` is a known field of this map."""
        return name in self._raw.get("f", _NOTHING)

    def field(self, name: str) -> SchemaNode | None:
        """Return the schema of a field: a known one, else that of additional values; None where it is unknown."""
        found = self._fields.get(name)
        if found is None and (raw := self._raw.get("f", _NOTHING).get(name, self._raw.get("v"))) is not None:
            found = self._fields[name] = self._node(raw)
        if found is None and self.shape == "any":
            return FREE if self.map_type == "granular" else RAW
        return found

    @property
    def items(self) -> SchemaNode | None:
        """The schema of a list's items."""
        if self._items is None and "i" in self._raw:
            self._items = self._node(self._raw["i"])
        return RAW if self.shape == "any" else self._items

    @property
    def has_keyed_lists(self) -> bool:
        """Whether a list whose items have keys may be here or anywhere below."""
        return "h" in self._raw

    @property
    def keyed_fields(self) -> Mapping[str, SchemaNode]:
        """The known fields at or below which a list with keys may be."""
        if self._keyed_fields is None:
            self._keyed_fields = {
                name: self._fields.get(name) or self._node(raw)
                for name, raw in self._raw.get("f", _NOTHING).items()
                if _is_marked(raw, self._table)
            }
        return self._keyed_fields

    @property
    def keyed_values(self) -> SchemaNode | None:
        """The schema of additional values, where a list with keys may be at or below them."""
        raw = self._raw.get("v")
        return self._node(raw) if _is_marked(raw, self._table) else None

    def _node(self, raw: Raw) -> SchemaNode:
        return SchemaNode(raw, self._table, drops_empty=self.drops_empty)


def _resolve(raw: Raw, table: SchemaTable) -> tuple[Raw, Mapping[str, Raw]]:
    """Follow references; return the node, and what is said of it there and beside the references."""
    beside: dict[str, Raw] = {}
    while not isinstance(raw, str):
        if isinstance(raw, int):
            raw = table[raw]
        elif "$" in raw:
            beside = {**raw, **beside}
            raw = raw["$"]
        else:
            break
    own: Mapping[str, Raw] = raw if isinstance(raw, dict) else _RAW_TRAITS if raw == "u" else _NOTHING
    return raw, {**own, **beside} if beside else own


def _is_marked(raw: Raw, table: SchemaTable) -> bool:
    if raw is None or isinstance(raw, str):
        return False
    node, _ = _resolve(raw, table)
    return isinstance(node, dict) and "h" in node


def mark_keyed(raw: Raw, table: SchemaTable) -> bool:
    """Mark by ``h`` every node at or below which a list with keys may be, and return whether this one is such.

    A place of the table counts as it is marked by now; a table that refers to itself is marked until nothing changes.
    """
    if not isinstance(raw, dict) or "$" in raw:
        return _is_marked(raw, table)
    below = [*raw.get("f", _NOTHING).values(), *(raw[part] for part in ("i", "v") if part in raw)]
    found = [mark_keyed(one, table) for one in below]  # all are looked into: each gets its own mark
    if raw.get("k") or any(found):
        raw["h"] = 1
    return "h" in raw


def _shape(node: Raw) -> Shape:
    if isinstance(node, str):
        return "any" if _SCALARS[node] == "any" else "scalar"
    return "list" if "i" in node else "map"


FREE = SchemaNode("a", (), drops_empty=False)
"""Anything: maps merge field by field, lists are one value."""
RAW = SchemaNode("u", (), drops_empty=False)
"""Anything, as one value."""


# --- custom kinds ------------------------------------------------------------------------------------------------


def schema_from_crd(crd: Body, version: str, *, metadata: tuple[Raw, SchemaTable]) -> SchemaNode | None:
    """Return the schema of the objects that a CustomResourceDefinition serves as ``version``; None where it does not.

    Args:
        crd: the CustomResourceDefinition, v1.
        version: one of ``spec.versions[].name``.
        metadata: the compact form of ObjectMeta, and its table.
    """
    served = (entry for entry in items_at(crd, "spec", "versions") if entry.get("name") == version)
    return next((_from_version(entry, metadata) for entry in served), None)


def _from_version(entry: Body, metadata: tuple[Raw, SchemaTable]) -> SchemaNode:
    openapi = value_at(entry, "schema", "openAPIV3Schema")
    raw = _encode(openapi, metadata[0], keeps_unknown=False) if is_mapping(openapi) else {"v": "a"}
    root: dict[str, Raw] = raw if isinstance(raw, dict) else {"v": "a"}
    fields = {**root.get("f", {}), "apiVersion": "s", "kind": "s", "metadata": {"$": metadata[0], "e": 1}}
    has_status = value_at(entry, "subresources", "status") is not None
    whole = {**root, "f": fields}
    mark_keyed(whole, metadata[1])
    return SchemaNode(whole, metadata[1], drops_empty=False, has_status=has_status)


def _encode(schema: Body, metadata: Raw, *, keeps_unknown: bool) -> Raw:
    """Turn one OpenAPI v3 schema of a CRD into the compact form."""
    raw = _encode_type(schema, metadata, keeps_unknown=keeps_unknown)
    traits: dict[str, Raw] = {"n": 1} if schema.get("nullable") else {}
    if schema.get("default") is not None:
        traits["z"] = schema["default"]
    if bounds := {keyword: rule for keyword, rule in schema.items() if keyword in CONSTRAINTS}:
        traits["c"] = bounds
    if not traits:
        return raw
    return {**raw, **traits} if isinstance(raw, dict) else {"$": raw, **traits}


def _encode_type(schema: Body, metadata: Raw, *, keeps_unknown: bool) -> Raw:
    if schema.get("x-kubernetes-int-or-string"):
        return "x"
    keeps = keeps_unknown or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    kind = schema.get("type")
    if kind == "array":
        return _encode_list(schema, metadata, keeps_unknown=keeps)
    if kind == "object" or "properties" in schema:
        return _encode_map(schema, metadata, keeps_unknown=keeps)
    formats = {"byte": "y", "date-time": "t"}
    letters = {"string": formats.get(str(schema.get("format")), "s"), "integer": "i", "boolean": "b", "number": "n"}
    return letters.get(str(kind), "a")


def _encode_list(schema: Body, metadata: Raw, *, keeps_unknown: bool) -> Raw:
    items = mapping_at(schema, "items")
    node: dict[str, Raw] = {"i": _encode(items, metadata, keeps_unknown=keeps_unknown)}
    keys = list_at(schema, "x-kubernetes-list-map-keys")
    list_type = schema.get("x-kubernetes-list-type")
    if list_type == "map" and keys:
        node["k"] = list(keys)
        known = {str(key): mapping_at(items, "properties", str(key)) for key in keys}
        node["d"] = {key: field["default"] for key, field in known.items() if "default" in field}
    elif list_type == "set":
        node["t"] = 1
    return node


def _encode_map(schema: Body, metadata: Raw, *, keeps_unknown: bool) -> Raw:
    node: dict[str, Raw] = {}
    extra = schema.get("additionalProperties")
    members = {name: member for name, member in mapping_at(schema, "properties").items() if is_mapping(member)}
    if members:
        node["f"] = {name: _encode(member, metadata, keeps_unknown=keeps_unknown) for name, member in members.items()}
    if isinstance(extra, Mapping):
        node["v"] = _encode(extra, metadata, keeps_unknown=keeps_unknown)
    elif extra is True or keeps_unknown:
        node["v"] = "a"
    if schema.get("x-kubernetes-embedded-resource"):
        node["f"] = {**node.get("f", {}), "apiVersion": "s", "kind": "s", "metadata": {"$": metadata, "e": 1}}
    if required := list_at(schema, "required"):
        node["r"] = list(required)
    if schema.get("x-kubernetes-map-type") == "atomic":
        node["a"] = 1
    return node


# --- strict decoding ---------------------------------------------------------------------------------------------


def unknown_fields(body: Body, schema: SchemaNode) -> tuple[str, ...]:
    """Return the paths of fields that the schema does not know, as strict decoding names them: ``spec.a[0].foo``."""
    return tuple(sorted(_unknown_below(body, schema, "")))


def _unknown_below(value: JSONValue, schema: SchemaNode, path: str) -> Iterator[str]:
    if isinstance(value, Mapping) and schema.shape == "map":
        for name, member in value.items():
            here = f"{path}.{name}" if path else name
            inner = schema.field(name)
            if inner is None:
                yield here
            else:
                yield from _unknown_below(member, inner, here)
    elif isinstance(value, list | tuple) and (items := schema.items) is not None:
        for index, item in enumerate(value):
            yield from _unknown_below(item, items, f"{path}[{index}]")
