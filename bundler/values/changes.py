"""What changed between the values of two revisions, for the first lines of a plan. Layer: values, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass
from bundler.model.values import LayerKind
from bundler.values.flatten import flatten, is_touching, leaves_of, shown_leaf
from bundler.values.merge import fold_layers
from bundler.values.paths import pointer_as_path

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bundler.model.json import Body, JSONValue
    from bundler.model.values import MergedValues, Origin, Pointer


_DELETED = "null"


@dataclass(frozen=True, slots=True, order=True)
class ValueChange:
    """One leaf that differs, fit to be shown."""

    path: str
    before: str
    """Empty where it was not set."""
    after: str
    """Empty where it is no longer set; ``null`` where a layer deletes it."""
    layer: str
    """Who sets it now: ``--set``, a file, ``derived``."""
    is_sensitive: bool = False

    def __str__(self) -> str:
        layer = f" ({self.layer})" if self.layer else ""
        if self.after == _DELETED:
            return f"{self.path} deleted{layer}"
        if self.is_sensitive:
            word = "changed" if self.before and self.after else "set" if self.after else "removed"
            return f"{self.path} {word}{layer}"
        if self.before and self.after:
            return f"{self.path} {self.before}→{self.after}{layer}"
        return f"{self.path}={self.after} is new{layer}" if self.after else f"{self.path}={self.before} is gone{layer}"


def changed_values(
    before: Body, after: Body, *, origins: Mapping[Pointer, Origin], sensitive: Collection[Pointer]
) -> tuple[ValueChange, ...]:
    """Return what differs between two mappings of values, sorted by path; nulls are deletions and shown as such.

    Args:
        before: the older values.
        after: the newer ones.
        origins: who set the leaves of ``after``.
        sensitive: pointers, in either mapping, whose values must not be shown.
    """
    old, new = leaves_of(before), leaves_of(after)
    changes = [
        ValueChange(
            pointer_as_path(pointer),
            _shown(old, pointer, sensitive),
            _shown(new, pointer, sensitive),
            _layer_name(origins.get(pointer)),
            is_touching(pointer, sensitive),
        )
        for pointer in old.keys() | new.keys()
        if pointer not in old or pointer not in new or not _is_equal(old[pointer], new[pointer])
    ]
    return tuple(sorted(changes))


def changed_user_values(recorded: Body, after: MergedValues) -> tuple[ValueChange, ...]:
    """Return what the user's values now are compared with those ``recorded`` with an earlier revision."""
    user = after.user
    return changed_values(
        recorded, user.data, origins=fold_layers(user.layers).origins, sensitive=user.sensitive | after.sensitive
    )


def describe_changes(before: MergedValues, after: MergedValues) -> tuple[str, ...]:
    """Say what differs between two computed sets of values, components included, one line per leaf."""
    old, new = flatten(before), flatten(after)
    changes = []
    for pointer in old.keys() | new.keys():
        was, now = old.get(pointer), new.get(pointer)
        old_value, new_value = was.value if was else None, now.value if now else None
        if not _is_equal(old_value, new_value):
            is_sensitive = any(leaf.is_sensitive for leaf in (was, now) if leaf)
            change = ValueChange(
                pointer_as_path(pointer),
                was.shown if was and old_value is not None else "",
                now.shown if now and new_value is not None else "",
                _layer_name(now.origin if now else None),
                is_sensitive,
            )
            changes.append(change)
    return tuple(str(change) for change in sorted(changes))


def _shown(leaves: Mapping[Pointer, JSONValue], pointer: Pointer, sensitive: Collection[Pointer]) -> str:
    return shown_leaf(leaves[pointer], pointer, sensitive) if pointer in leaves else ""


def _is_equal(one: JSONValue, other: JSONValue) -> bool:
    """Tell whether two leaves are the same to templates: true is not 1, and 1.10 is not 1.1."""
    return type(one) is type(other) and one == other and str(one) == str(other)


def _layer_name(origin: Origin | None) -> str:
    if origin is None:
        return ""
    match origin.kind:
        case LayerKind.SET:
            return origin.source.partition(" ")[0]
        case LayerKind.DERIVED:
            return "derived"
        case LayerKind.SCHEMA | LayerKind.DEFAULTS | LayerKind.PARENT | LayerKind.COMPONENT:
            return f"bundle, {origin}"
        case _:
            return str(origin)
