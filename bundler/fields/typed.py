"""Values read by their schema: which fields they hold, how two differ, merge and lose fields. Layer: fields, pure.

Source: sigs.k8s.io/structured-merge-diff v6, package typed, whose rules these functions follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeGuard

from bundler.fields.field_set import FieldSet, Path, Tree, dump, is_member
from bundler.fields.schema import FREE, SchemaNode
from bundler.model.json import JSONValue


class _Absent:
    """Stands where one side has nothing; JSON's null is a value."""


ABSENT: Final = _Absent()
Value: TypeAlias = "JSONValue | _Absent"
Items: TypeAlias = "Sequence[JSONValue]"


def is_items(value: Value) -> TypeGuard[Items]:
    """Return whether a value is a JSON list."""
    return isinstance(value, list | tuple)


def is_granular_map(value: Value, schema: SchemaNode) -> TypeGuard[Mapping[str, JSONValue]]:
    """Return whether a value is a map whose fields are owned one by one."""
    return isinstance(value, Mapping) and not schema.is_atomic and schema.shape in {"map", "any"}


def is_associative(value: Value, schema: SchemaNode) -> TypeGuard[Items]:
    """Return whether a value is a list whose items are owned one by one."""
    return is_items(value) and schema.list_type != "atomic"


def item_step(item: JSONValue, schema: SchemaNode) -> str:
    """Return the path element of one item of an associative list.

    Raises:
        ValueError: when the item has none of the keys.
    """
    if schema.list_type == "set":
        return "v:" + dump(item)
    known = item if isinstance(item, Mapping) else {}
    keys = {**schema.key_defaults, **{key: known[key] for key in schema.map_keys if key in known}}
    if not keys:
        raise ValueError(f"an item of a list has none of its keys {', '.join(schema.map_keys)}")
    return "k:" + dump(keys)


def same(left: Value, right: Value) -> bool:
    """Compare two JSON values; unlike Python, ``true`` is not 1."""
    if isinstance(left, str):  # first, as most leaves are texts: asking for an abstract type takes long
        return left == right
    if isinstance(left, Mapping):
        return isinstance(right, Mapping) and left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if is_items(left):
        return is_items(right) and len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


# --- which fields ------------------------------------------------------------------------------------------------


def field_set_of(value: JSONValue, schema: SchemaNode) -> FieldSet:
    """Return the fields that applying ``value`` makes its manager own."""
    found: list[Path] = []
    _collect(value, schema, (), found)
    return FieldSet.of(found)


def _collect(value: JSONValue, schema: SchemaNode, path: Path, found: list[Path]) -> None:
    if is_granular_map(value, schema):
        for name, member in value.items():
            here = (*path, "f:" + name)
            _collect(member, schema.field(name) or FREE, here, found)
            if member is None or (isinstance(member, Mapping) and not member) or not schema.knows(name):
                found.append(here)
    elif is_associative(value, schema):
        for step, members in _grouped(value, schema).items():
            if len(members) == 1:
                _collect(members[0], schema.items or FREE, (*path, step), found)
            found.append((*path, step))
    elif path:
        found.append(path)


def _grouped(items: Items, schema: SchemaNode) -> dict[str, list[JSONValue]]:
    grouped: dict[str, list[JSONValue]] = {}
    for item in items:
        grouped.setdefault(item_step(item, schema), []).append(item)
    return grouped


# --- how two differ ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Comparison:
    """Paths that one value has and another has not, or has otherwise."""

    added: list[Path] = field(default_factory=list)
    modified: list[Path] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)


def compare(old: Value, new: Value, schema: SchemaNode) -> Comparison:
    """Return how ``new`` differs from ``old``.

    Args:
        old: the value before.
        new: the value after.
        schema: of the place.
    """
    found = Comparison()
    _compare(old, new, schema, (), found)
    return found


def _compare(old: Value, new: Value, schema: SchemaNode, path: Path, found: Comparison) -> None:
    lefts, rights = _children(old, schema), _children(new, schema)
    is_mixed = (old is not ABSENT and lefts is None) or (new is not ABSENT and rights is None)
    if is_mixed or not (lefts or rights):
        _compare_leaf(old, new, path, found)
        return
    lefts, rights = lefts or {}, rights or {}
    for step in [*lefts, *(step for step in rights if step not in lefts)]:
        inner = (schema.field(step[2:]) if step[0] == "f" else schema.items) or FREE
        _compare_members(lefts.get(step, ()), rights.get(step, ()), inner, (*path, step), found)
    _note_presence(old, new, path, found)


def _compare_members(lefts: Items, rights: Items, schema: SchemaNode, path: Path, found: Comparison) -> None:
    """Compare what is at one step; only a list can hold an item twice there."""
    if len(lefts) <= 1 and len(rights) <= 1:
        _compare(lefts[0] if lefts else ABSENT, rights[0] if rights else ABSENT, schema, path, found)
    elif len(lefts) > 1 and len(rights) > 1:
        if not same(lefts, rights):
            found.modified.append(path)
    elif len(lefts) > 1:
        if rights:
            _compare(ABSENT, rights[0], schema, path, found)
        found.removed.append(path)
    else:
        if lefts:
            _compare(lefts[0], ABSENT, schema, path, found)
        found.added.append(path)


def _children(value: Value, schema: SchemaNode) -> dict[str, list[JSONValue]] | None:
    """Return what is owned one by one below a value, by path element; None for a leaf."""
    if is_granular_map(value, schema):
        return {"f:" + name: [member] for name, member in value.items()}
    if is_associative(value, schema):
        return _grouped(value, schema)
    return {} if value is None and schema.shape in {"map", "list"} and not schema.is_atomic else None


def _compare_leaf(old: Value, new: Value, path: Path, found: Comparison) -> None:
    if old is ABSENT or new is ABSENT:
        _note_presence(old, new, path, found)
    elif path and not same(old, new):
        found.modified.append(path)


def _note_presence(old: Value, new: Value, path: Path, found: Comparison) -> None:
    if path and old is ABSENT:
        found.added.append(path)
    elif path and new is ABSENT:
        found.removed.append(path)


# --- merging -----------------------------------------------------------------------------------------------------


def merge_values(live: Value, applied: Value, schema: SchemaNode) -> JSONValue:
    """Return ``live`` with ``applied`` laid over it.

    Args:
        live: the value as it is.
        applied: fields to lay over it.
        schema: of the value.

    Raises:
        ValueError: when an associative list in ``applied`` holds an item twice, or one without its keys.
    """
    if isinstance(applied, _Absent):
        return None if isinstance(live, _Absent) else live
    if is_granular_map(applied, schema):
        below = live if is_granular_map(live, schema) else {}
        merged = {name: merge_values(member, applied.get(name, ABSENT), schema.field(name) or FREE)
                  for name, member in below.items()}  # fmt: skip
        added = {name: merge_values(ABSENT, member, schema.field(name) or FREE)
                 for name, member in applied.items() if name not in below}  # fmt: skip
        return {**merged, **added}
    if is_associative(applied, schema):
        return _merge_items(live if is_associative(live, schema) else (), applied, schema)
    return applied


def _merge_items(live: Items, applied: Items, schema: SchemaNode) -> list[JSONValue]:
    """Merge two associative lists: shared items in the order applied, the others where they stood among them."""
    mine = [item_step(item, schema) for item in applied]
    if len(set(mine)) < len(mine):
        twice = sorted({step[2:] for step in mine if mine.count(step) > 1})
        raise ValueError(f"a list holds {', '.join(twice)} more than once")
    theirs = [item_step(item, schema) for item in live]
    lefts, rights = dict(zip(theirs, live, strict=True)), dict(zip(mine, applied, strict=True))
    items = schema.items or FREE
    merged: list[JSONValue] = []
    for step, position in _merged_order(theirs, mine):
        if step in rights:
            left = ABSENT if theirs.count(step) > 1 else lefts.get(step, ABSENT)
            merged.append(merge_values(left, rights[step], items))
        else:
            merged.append(live[position])
    return merged


def _merged_order(theirs: Sequence[str], mine: Sequence[str]) -> list[tuple[str, int]]:
    """Return the steps of the merged list, with the position in ``theirs`` of items that are only there."""
    in_mine, in_theirs = set(mine), set(theirs)
    shared = [step for step in mine if step in in_theirs]
    merged: set[str] = set()
    out: list[tuple[str, int]] = []
    left = right = 0
    while left < len(theirs) or right < len(mine):
        step = theirs[left] if left < len(theirs) else None
        other = mine[right] if right < len(mine) else None
        if step is not None and step not in in_mine:
            out.append((step, left))
            left += 1
        elif step not in {None, other} and other is not None and shared and step != shared[0]:
            left += 1
        else:
            left += step in merged or step == other
            if other is not None:
                out.append((other, -1))
                merged.add(other)
                shared = shared[1:] if shared and shared[0] == other else shared
                right += 1
    return out


def value_of(value: Value, path: Path, schema: SchemaNode) -> Value:
    """Return what is at a path, ABSENT where nothing does.

    Args:
        value: to look into.
        path: keys and indexes from the root.
        schema: of the place.
    """
    for step in path:
        members = (_children(value, schema) or {}).get(step) if not isinstance(value, _Absent) else None
        if not members:
            return ABSENT
        value = members[0]
        schema = (schema.field(step[2:]) if step[0] == "f" else schema.items) or FREE
    return value


# --- losing fields -----------------------------------------------------------------------------------------------


def remove_fields(value: JSONValue, tree: Tree, schema: SchemaNode) -> JSONValue:
    """Return ``value`` without the members of ``tree``; what becomes empty stays, as an empty map or list.

    Args:
        value: to take them from.
        tree: fields to remove.
        schema: of the place.
    """
    if not tree:
        return value
    if is_granular_map(value, schema):
        kept: dict[str, JSONValue] = {}
        for name, member in value.items():
            node = tree.get("f:" + name)
            if node is None:
                kept[name] = member
            elif not is_member(node):
                kept[name] = remove_fields(member, node, schema.field(name) or FREE)
        return kept
    if is_associative(value, schema):
        return _remove_items(value, tree, schema)
    return value


def _remove_items(items: Items, tree: Tree, schema: SchemaNode) -> list[JSONValue]:
    kept: list[JSONValue] = []
    for item in items:
        node = tree.get(item_step(item, schema))
        if node is None:
            kept.append(item)
        elif not is_member(node):
            kept.append(remove_fields(item, node, schema.items or FREE))
    return kept


def with_named_parents(tree: Tree, schema: SchemaNode) -> Tree:
    """Return the set with every known field on the way to a member added, as removal needs it.

    A set that holds ``spec.template.spec`` only by its leaves then holds ``spec`` and ``spec.template`` too.
    """
    named: dict[str, Tree] = {}
    for step, node in tree.items():
        if step == ".":
            named["."] = node
            continue
        inner = schema.field(step[2:]) if step[0] == "f" else schema.items
        below = with_named_parents(node, inner or FREE)
        if step[0] == "f" and schema.knows(step[2:]) and not is_member(below):
            below = {".": {}, **below}
        named[step] = below
    return named
