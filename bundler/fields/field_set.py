"""Sets of fields in the fieldsV1 form of managedFields. Layer: fields, pure.

Source: sigs.k8s.io/structured-merge-diff, fieldpath; https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, cast

from bundler.model.json import Body, JSONValue, items_at
from bundler.model.lean import dataclass

Tree: TypeAlias = "Mapping[str, Tree]"
"""fieldsV1: path element -> what is below it. ``{}`` is a member with nothing below; ``.`` marks a member that has."""
Path: TypeAlias = tuple[str, ...]
"""``f:name``, ``k:{"name":"web"}``, ``v:"x"`` or ``i:0`` for each step."""

_MEMBER: Tree = {}


@dataclass(frozen=True, slots=True)
class FieldSet:
    """A set of field paths."""

    tree: Tree
    """In fieldsV1 form, spelled canonically; never modified. The root itself is not a member."""

    @classmethod
    def parse(cls, fields_v1: JSONValue) -> FieldSet:
        """Read ``fieldsV1``; anything that is none is the empty set."""
        return cls(_read(fields_v1, is_root=True)) if isinstance(fields_v1, Mapping) else EMPTY

    @classmethod
    def of(cls, paths: Iterable[Path]) -> FieldSet:
        """Return the set of these paths."""
        root = _Branch()
        for path in paths:
            root.add(path)
        return cls(root.tree() if root.below else _MEMBER)

    def serialise(self) -> Body:
        """Return the ``fieldsV1`` value."""
        return cast("Body", self.tree)

    def union(self, other: FieldSet) -> FieldSet:
        """Return the fields in either."""
        return FieldSet(_union(self.tree, other.tree))

    def difference(self, other: FieldSet) -> FieldSet:
        """Return the fields of this set that are not in the other."""
        return FieldSet(dict(_selected(self.tree, other.tree, shared=False)))

    def intersection(self, other: FieldSet) -> FieldSet:
        """Return the fields in both."""
        return FieldSet(dict(_selected(self.tree, other.tree, shared=True)))

    def without_subtree(self, *names: str) -> FieldSet:
        """Return this set without these top-level fields and all below them."""
        return FieldSet({step: below for step, below in self.tree.items() if step[2:] not in names})

    def leaves(self) -> FieldSet:
        """Return the members that have no member below them."""
        return FieldSet(_leaves(self.tree))

    def paths(self) -> Iterator[Path]:
        """Yield the members, parents first, in order."""
        return _paths(self.tree, ())

    def __contains__(self, path: Path) -> bool:
        """Return whether exactly this path is a member."""
        node = self.tree
        for step in path:
            below = node.get(step)
            if below is None:
                return False
            node = below
        return bool(path) and is_member(node)

    @property
    def is_empty(self) -> bool:
        """Return whether there is no field in it."""
        return not self.tree


EMPTY = FieldSet({})


def is_member(node: Tree) -> bool:
    """Return whether the place of this node is in the set itself."""
    return not node or "." in node


def _read(node: Mapping[str, JSONValue], *, is_root: bool = False) -> Tree:
    read: dict[str, Tree] = {}
    for step, below in node.items():
        if step == ".":
            if not is_root:
                read["."] = _MEMBER
        elif isinstance(below, Mapping):
            read[_spelled(step)] = _read(below) if below else _MEMBER
    return _MEMBER if len(read) == 1 and "." in read else read


def _spelled(step: str) -> str:
    """Spell a key or value as we would, whatever JSON encoder wrote it."""
    if "\\" not in step or step[0] not in "kv":
        return step
    return step[:2] + dump(json.loads(step[2:]))


def dump(value: JSONValue) -> str:
    """Write the JSON of a key or value, keys sorted, no spaces."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _joined(*, member: bool, below: dict[str, Tree]) -> Tree | None:
    """Build a node; None where nothing is left of it."""
    if not below:
        return _MEMBER if member else None
    return {".": _MEMBER, **below} if member else below


class _Branch:
    """A node while a set is being built."""

    __slots__ = ("below", "member")

    def __init__(self) -> None:
        self.below: dict[str, _Branch] = {}
        self.member = False

    def add(self, path: Path) -> None:
        here = self
        for step in path:
            found = here.below.get(step)
            if found is None:
                found = here.below[step] = _Branch()
            here = found
        here.member = True

    def tree(self) -> Tree:
        below = {step: branch.tree() for step, branch in self.below.items()}
        return _joined(member=self.member, below=below) or _MEMBER


def _union(left: Tree, right: Tree, *, is_root: bool = True) -> Tree:
    below = {step: node for step, node in left.items() if step != "."}
    for step, node in right.items():
        if step != ".":
            mine = below.get(step)
            below[step] = node if mine is None else _union(mine, node, is_root=False)
    member = not is_root and (is_member(left) or is_member(right))
    return _joined(member=member, below=below) or _MEMBER


def _selected(left: Tree, right: Tree, *, shared: bool) -> Iterator[tuple[str, Tree]]:
    """Yield what is in ``left``, and in ``right`` too where ``shared`` is true, or not where it is false."""
    for step, node in left.items():
        other = right.get(step)
        if step == "." or (other is None and shared):
            continue
        if other is None:
            yield step, node
            continue
        member = is_member(node) and is_member(other) is shared
        kept = _joined(member=member, below=dict(_selected(node, other, shared=shared)))
        if kept is not None:
            yield step, kept


def _leaves(node: Tree) -> Tree:
    return {step: _leaves(below) for step, below in node.items() if step != "."}


def _paths(node: Tree, prefix: Path) -> Iterator[Path]:
    for step in sorted(node):
        if step != ".":
            here, below = (*prefix, step), node[step]
            if is_member(below):
                yield here
            yield from _paths(below, here)


def to_path(path: Path) -> str:
    """Write a path as the server does in conflicts: ``.spec.template.spec.containers[name="web"].image``."""
    return "".join(map(_step_text, path))


def _step_text(step: str) -> str:
    kind, text = step[0], step[2:]
    match kind:
        case "f":
            return "." + text
        case "k":
            fields = json.loads(text)
            return "[" + ",".join(f"{name}={dump(fields[name])}" for name in sorted(fields)) + "]"
        case "v":
            return f"[={dump(json.loads(text))}]"
        case _:
            return f"[{text}]"


def owned_fields(body: Body, manager: str, *, operation: str = "Apply") -> FieldSet:
    """Return what ``manager`` owns in ``body`` by its managedFields, entries of subresources left out.

    Args:
        body: the object as the API returns it.
        manager: name of the field manager.
        operation: ``Apply`` or ``Update``.
    """
    owned = EMPTY
    for entry in items_at(body, "metadata", "managedFields"):
        if (entry.get("manager"), entry.get("operation"), entry.get("subresource", "")) == (manager, operation, ""):
            owned = owned.union(FieldSet.parse(entry.get("fieldsV1")))
    return owned
