"""Return without asking that an apply would change nothing. Layer: fields, pure.

The fields in the body are walked beside the fields that the manager owns, and beside the live values. Every doubt is
answered with False: the caller then asks the server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from bundler.fields.field_set import Tree, dump, to_path
from bundler.fields.kinds import schema_of
from bundler.fields.stored import stored_value
from bundler.fields.typed import ABSENT, Value, is_items, same
from bundler.model.json import Body, JSONValue, items_at, mapping_at

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode
    from bundler.model.json import Body, JSONValue

_MAPPINGS: Final = (dict, Mapping)
_SCALARS: Final = frozenset({str, int, bool, float})
_IDENTITY: Final = ("name", "namespace", "uid", "resourceVersion")
_NOT_OWNED: Final = frozenset({*_IDENTITY, "creationTimestamp", "generation", "managedFields", "selfLink"})
_NOTHING: Tree = {}
_EMPTY_COUNTS: Final = frozenset({
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
})  # fmt: skip
"""Source: PrepareForUpdate in their registry strategies compares with reflect.DeepEqual, all others semantically."""
_DEFAULTS: Mapping[tuple[str, str], Body] = {
    ("", "fieldRef"): {"apiVersion": "v1"},
    ("", "onPodConditions"): {"status": "True"},
    ("", "resourceFieldRef"): {"divisor": "0"},
    ("", "roleRef"): {"apiGroup": "rbac.authorization.k8s.io"},
    ("", "serviceAccountToken"): {"expirationSeconds": 3600},
    ("egress", "ports"): {"protocol": "TCP"},
    ("ingress", "ports"): {"protocol": "TCP"},
    ("spec", "volumeClaimTemplates"): {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"},
    },
    ("volumeClaimTemplates", "spec"): {"volumeMode": "Filesystem"},
    ("webhooks", "rules"): {"scope": "*"},
}  # fmt: skip
"""What the server fills in inside values that are owned as a whole: by the names of the enclosing field and the field.

Elsewhere a default is a field of its own that no one owns; inside an atomic value it makes the live value look unlike
the one applied. Items of a list go by the list's name. Source: SetDefaults functions in pkg/apis/*/v1/defaults.go of
Kubernetes v1.36.
"""

Trail: TypeAlias = "tuple[Trail, str] | None"
"""Path elements from a place up to the root; cheap to extend, and read only in case of doubt."""


def is_unchanged(
    desired: Body, live: Body, *, manager: str = "bundler", ignoring: frozenset[str] = frozenset()
) -> bool:
    """Return whether applying ``desired`` over ``live`` changes nothing; False whenever that is not certain.

    Args:
        desired: the body in normal form (no ``stringData``, nulls or ``status``).
        live: the object as the API returns it, managedFields included.
        manager: the field manager that would apply.
        ignoring: paths such as ``.spec.replicas`` whose value and ownership do not count.
    """
    if desired.get("apiVersion") != live.get("apiVersion") or desired.get("kind") != live.get("kind"):
        return False
    wanted, found = mapping_at(desired, "metadata"), mapping_at(live, "metadata")
    if "deletionTimestamp" in found or any(wanted[key] != found.get(key) for key in _IDENTITY if key in wanted):
        return False
    entries = items_at(found, "managedFields")
    owned = _own_tree(entries, manager, desired.get("apiVersion"), desired.get("kind"))
    return owned is not None and _Walk(desired, entries, owned, ignoring).matches(desired, live)


def _own_tree(entries: Sequence[Body], manager: str, api_version: JSONValue, kind: JSONValue) -> Tree | None:
    """Return what the manager's one apply owns; None where there is not exactly one, of this version."""
    mine = [entry for entry in entries if entry.get("operation") == "Apply" and entry.get("manager") == manager]
    if len(mine) != 1 or mine[0].get("apiVersion") != api_version or mine[0].get("subresource"):
        return None
    return _tree_of(mine[0]) if _are_kept(entries, api_version, kind) else None


def _are_kept(entries: Sequence[Body], api_version: JSONValue, kind: JSONValue) -> bool:
    """Return whether the server would write these entries back as they are.

    It drops those of versions it no longer serves, and folds two of the same manager into one (its scale
    subresource writes such a pair).
    """
    seen = {tuple(map(entry.get, ("manager", "operation", "apiVersion", "subresource"))) for entry in entries}
    versions = {entry.get("apiVersion") for entry in entries} - {api_version}
    return len(seen) == len(entries) and all(schema_of({"apiVersion": v, "kind": kind}) for v in versions)


def _tree_of(entry: Body) -> Tree:
    tree = entry.get("fieldsV1")
    # Below fieldsV1 there are only maps; the server refuses anything else.
    return cast("Tree", tree) if isinstance(tree, _MAPPINGS) else _NOTHING


class _Walk:
    """One comparison of a body with a live object."""

    __slots__ = ("_body", "_entries", "_ignoring", "_owned")

    def __init__(self, body: Body, entries: Sequence[Body], owned: Tree, ignoring: frozenset[str]) -> None:
        self._body, self._entries, self._owned, self._ignoring = body, entries, owned, ignoring

    def matches(self, desired: Body, live: Body) -> bool:
        """Compare whole objects."""
        metadata = {k: v for k, v in mapping_at(desired, "metadata").items() if k not in _NOT_OWNED}
        fields = {k: v for k, v in desired.items() if k not in {"apiVersion", "kind", "metadata"}}
        below = self._owned.get("f:metadata", _NOTHING)
        rest = {step: node for step, node in self._owned.items() if step != "f:metadata"}
        return self._map(metadata, mapping_at(live, "metadata"), below, (None, "f:metadata")) and self._map(
            fields, live, rest, None
        )

    def _map(self, desired: Body, live: Body, tree: Tree, trail: Trail) -> bool:
        left = len(tree) - ("." in tree)
        for name, value in desired.items():
            step = "f:" + name
            node = tree.get(step)
            here = (trail, step)
            if self._ignoring and _text(here) in self._ignoring:
                left -= node is not None
                continue
            if node is None:
                if not self._owns_nothing(value, here):
                    return False
                continue
            left -= 1
            if not self._value(value, live.get(name, ABSENT), node, here):
                return False
        if left and self._ignoring:
            gone = [step for step in tree if step != "." and step[2:] not in desired]
            left -= sum(_text((trail, step)) in self._ignoring for step in gone)
        return left == 0

    def _value(self, desired: JSONValue, live: Value, node: Tree, here: Trail) -> bool:
        if type(desired) in _SCALARS:
            if node:
                return False
            return (desired == live and type(desired) is type(live)) or self._leaf(desired, live, here)
        if not node:
            return self._leaf(desired, live, here)
        if isinstance(desired, _MAPPINGS):
            return isinstance(live, _MAPPINGS) and self._map(desired, live, node, here)
        return is_items(desired) and is_items(live) and self._items(desired, live, node, here)

    def _items(self, desired: Sequence[JSONValue], live: Sequence[JSONValue], tree: Tree, here: Trail) -> bool:
        steps = [step for step in tree if step != "."]
        if len(steps) != len(desired):
            return False
        if steps[0][0] == "v":
            return _is_same_set(desired, live, tree)
        names = _key(steps[0])[0]
        by_key = {values: step for step in steps for own, values in [_key(step)] if own == names}
        places = {_values(item, names): place for place, item in enumerate(live)}
        if len(by_key) != len(steps) or len(places) != len(live):
            return False
        last = -1
        for item in desired:
            step = by_key.get(_values(item, names)) or _defaulted(item, names, by_key, tree)
            place = places.get(_key(step)[1], -1) if step else -1
            # The merge brings shared items into the order applied; another order is a change.
            if step is None or place <= last or not self._item(item, live[place], tree[step], (here, step)):
                return False
            last = place
        return True

    def _item(self, desired: JSONValue, live: JSONValue, node: Tree, here: Trail) -> bool:
        if not node:
            return self._leaf(desired, live, here)
        is_pair = isinstance(desired, _MAPPINGS) and isinstance(live, _MAPPINGS)
        return "." in node and is_pair and self._map(mapping_at(desired), mapping_at(live), node, here)

    # --- doubtful values ---------------------------------------------------------------------------------------

    def _leaf(self, desired: JSONValue, live: Value, here: Trail) -> bool:
        """Compare where the manager owns a value as a whole."""
        if same(desired, live):
            return not (isinstance(desired, _MAPPINGS) and desired) or self._is_atomic(here)
        if isinstance(desired, _MAPPINGS) and not desired and isinstance(live, _MAPPINGS):
            schema = self._schema(here)
            return schema is not None and schema.shape == "map" and not schema.is_atomic
        return self._is_stored_as(desired, live, here) and not self._is_shared(here)

    def _is_stored_as(self, desired: JSONValue, live: Value, here: Trail) -> bool:
        """Return whether the server would store ``desired`` as ``live``, although they are spelled differently."""
        schema = self._schema(here)
        if schema is None:
            return False
        if live is ABSENT:
            return not desired and not self._counts_empty() and _is_zero_of(desired, schema)
        full = _with_defaults(desired, [step[2:] for step in _steps(here) if step[0] == "f"])
        if self._counts_empty():
            return same(full, live)
        return same(stored_value(full, schema), live) or same(stored_value(desired, schema), live)

    def _counts_empty(self) -> bool:
        """Return whether this kind's generation moves when an empty list comes in place of none."""
        return (self._body.get("apiVersion"), self._body.get("kind")) in _EMPTY_COUNTS

    def _owns_nothing(self, desired: JSONValue, here: Trail) -> bool:
        """Return whether applying a value would own no field at all: an empty list whose items are owned one by one."""
        schema = self._schema(here) if is_items(desired) and not desired else None
        return schema is not None and schema.shape == "list" and schema.list_type != "atomic"

    def _is_atomic(self, here: Trail) -> bool:
        """Return whether a map is owned as one value, and not just held empty by the manager until now.

        Of a custom kind no one here knows: what the manager held empty may have been filled with defaults.
        """
        schema = self._schema(here)
        return schema is not None and schema.is_atomic

    def _is_shared(self, here: Trail) -> bool:
        """Return whether anybody else owns this very field: then another spelling is a conflict."""
        nodes = [_node_at(_tree_of(entry), here) for entry in self._entries]
        return sum(node is not None for node in nodes) > 1

    def _schema(self, here: Trail) -> SchemaNode | None:
        """Return the schema of a place in a built-in kind, None elsewhere."""
        node = schema_of(self._body)
        for step in _steps(here):
            if node is None:
                return None
            node = node.field(step[2:]) if step[0] == "f" else node.items
        return node


def _is_zero_of(desired: JSONValue, schema: SchemaNode) -> bool:
    """Return whether an empty value is of the type that its place takes: of another, the server would refuse it."""
    match desired:
        case bool():
            return schema.scalar == "boolean"
        case int() | float():
            return schema.scalar in {"integer", "number"}
        case str():
            return schema.scalar == "string"
        case _:
            return schema.shape == ("map" if isinstance(desired, _MAPPINGS) else "list")


# --- paths and keys ----------------------------------------------------------------------------------------------


def _steps(here: Trail) -> tuple[str, ...]:
    steps: list[str] = []
    while here is not None:
        here, step = here
        steps.append(step)
    return tuple(reversed(steps))


def _text(here: Trail) -> str:
    return to_path(_steps(here))


def _node_at(tree: Tree, here: Trail) -> Tree | None:
    """Return the node at a place of a set, None where the set has nothing there."""
    for step in _steps(here):
        below = tree.get(step)
        if below is None:
            return None
        tree = below
    return tree


@lru_cache(maxsize=4096)
def _key(step: str) -> tuple[tuple[str, ...], tuple[JSONValue, ...]]:
    """Return the names and values of a ``k:`` element."""
    fields = json.loads(step[2:])
    names = tuple(sorted(fields))
    return names, tuple(fields[name] for name in names)


def _values(item: JSONValue, names: tuple[str, ...]) -> tuple[JSONValue, ...]:
    values = item if isinstance(item, _MAPPINGS) else _NOTHING
    found = tuple(values.get(name) for name in names)
    # A key is a scalar; anything else is not a key, and would not hash.
    return found if all(value is None or type(value) in _SCALARS for value in found) else ()


def _defaulted(
    item: JSONValue, names: tuple[str, ...], by_key: Mapping[tuple[JSONValue, ...], str], tree: Tree
) -> str | None:
    """Return the element of an item that leaves keys to their defaults, as it did when it was applied before."""
    have = _values(item, names)
    missing = [name for name, value in zip(names, have, strict=False) if value is None]
    fits = [
        step
        for values, step in by_key.items()
        if have
        and all(mine is None or mine == theirs for mine, theirs in zip(have, values, strict=True))
        and not any("f:" + name in tree[step] for name in missing)
    ]
    return fits[0] if missing and len(fits) == 1 else None


def _is_same_set(desired: Sequence[JSONValue], live: Sequence[JSONValue], tree: Tree) -> bool:
    """Return whether a set of scalars is owned as desired, and is in the live list in the same order."""
    places = {dump(value): place for place, value in enumerate(live)}
    spelled = [dump(value) for value in desired]
    order = [places.get(text, -1) for text in spelled]
    is_in_order = -1 not in order and all(a < b for a, b in pairwise(order))
    return len(places) == len(live) and is_in_order and all("v:" + text in tree for text in spelled)


def _with_defaults(value: JSONValue, names: Sequence[str]) -> JSONValue:
    """Return a value of a built-in kind with the constant defaults filled in.

    Args:
        value: what is at the place.
        names: the names of the fields on the way there, from the root.
    """
    if isinstance(value, Mapping):
        defaults = _DEFAULTS.get(("", names[-1])) or _DEFAULTS.get((names[-2] if len(names) > 1 else "", names[-1]), {})
        return {**defaults, **{name: _with_defaults(member, [*names, name]) for name, member in value.items()}}
    if isinstance(value, list | tuple):
        return [_with_defaults(item, names) for item in value]
    return value
