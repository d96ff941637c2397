"""What changed between the values of two revisions, for the first lines of a plan. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from bundler.model.causes import ChangedValue
from bundler.model.json import Body, JSONValue, is_list, is_mapping
from bundler.model.lean import dataclass
from bundler.model.redaction import MASK
from bundler.model.values import LayerKind, MergedValues, Origin, Pointer
from bundler.syntax.written_path import format_path
from bundler.values.flatten import is_shown_whole, is_touching, leaves_of, shown_leaf
from bundler.values.merge import fold_layers
from bundler.values.paths import pointer_as_path

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
    changes: list[ValueChange] = []
    for pointer in old.keys() | new.keys():
        if pointer in old and pointer in new and is_same_to_templates(old[pointer], new[pointer]):
            continue
        change = ValueChange(
            pointer_as_path(pointer),
            _shown(old, pointer, sensitive),
            _shown(new, pointer, sensitive),
            _layer_name(origins.get(pointer)),
            is_touching(pointer, sensitive),
        )
        changes += _spread(change, old.get(pointer), new.get(pointer))
    return tuple(sorted(changes))


def changed_user_values(recorded: Body, after: MergedValues) -> tuple[ValueChange, ...]:
    """Return what the user's values now are compared with those ``recorded`` with an earlier revision."""
    user = after.user
    return changed_values(
        recorded, user.data, origins=fold_layers(user.layers).origins, sensitive=user.sensitive | after.sensitive
    )


def _shown(leaves: Mapping[Pointer, JSONValue], pointer: Pointer, sensitive: Collection[Pointer]) -> str:
    return shown_leaf(leaves[pointer], pointer, sensitive) if pointer in leaves else ""


def _spread(change: ValueChange, old: JSONValue, new: JSONValue) -> list[ValueChange]:
    """Name what differs inside two long lists of one length; a list with a secret in it stays whole."""
    is_told = is_shown_whole(old) and is_shown_whole(new)
    if change.is_sensitive or is_told or not (is_list(old) and is_list(new) and len(old) == len(new)):
        return [change]
    inner = [
        ValueChange(change.path + format_path(steps), _inner(one), _inner(other), change.layer)
        for steps, one, other in _inner_pairs((), old, new)
    ]
    return inner or [change]


def _inner_pairs(
    steps: tuple[str | int, ...], old: JSONValue, new: JSONValue
) -> Iterator[tuple[tuple[str | int, ...], JSONValue, JSONValue]]:
    """Yield where two values differ, and what is there in each; None for nothing."""
    if is_list(old) and is_list(new) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _inner_pairs((*steps, index), one, other)
    elif is_mapping(old) and is_mapping(new):
        for key in sorted(old.keys() | new.keys()):
            yield from _inner_pairs((*steps, key), old.get(key), new.get(key))
    elif not is_same_to_templates(old, new):
        yield steps, old, new


def _inner(value: JSONValue) -> str:
    return "" if value is None else shown_leaf(value, "", ())


def is_same_to_templates(one: JSONValue, other: JSONValue) -> bool:
    """Return whether two values are the same to templates: true is not 1, 1.10 is not 1.1; keys have no order."""
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(map(is_same_to_templates, one, other))
    if is_mapping(one) and is_mapping(other):
        return one.keys() == other.keys() and all(is_same_to_templates(item, other[key]) for key, item in one.items())
    return _kind(one) is _kind(other) and str(one) == str(other)


def is_changed(old: JSONValue, new: JSONValue) -> bool:
    """Return whether a value is another one to templates; of a masked one that is not known, and {} is not set."""
    before, after = (None if side == {} else side for side in (old, new))
    return MASK not in {str(before), str(after)} and not is_same_to_templates(before, after)


def changed_value(
    pointer: Pointer,
    old: JSONValue,
    new: JSONValue,
    *,
    source: str,
    is_sensitive: bool,
    because: Iterable[Pointer] = (),
) -> ChangedValue:
    """Return a changed value as it is shown.

    Args:
        pointer: where it is.
        old: before; None where it was not set.
        new: now; None where it is not set any more.
        source: who sets it now.
        is_sensitive: its texts are left out.
        because: the changed values that it is computed from.
    """
    return ChangedValue(
        path=pointer_as_path(pointer),
        before="" if is_sensitive or old is None else shown_leaf(old, pointer, ()),
        after="" if is_sensitive or new is None else shown_leaf(new, pointer, ()),
        source=source,
        is_sensitive=is_sensitive,
        because=tuple(sorted(map(pointer_as_path, because))),
    )


def _kind(value: JSONValue) -> type:
    return float if isinstance(value, float) else type(value)  # one that keeps its text is a float, too


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
