"""How it is said why an object changes: one line for what changed, and what that changed in turn. Layer: cli, pure."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from bundler.model.causes import CauseKind, chain_of, roots_of
from bundler.model.size import first_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bundler.model.causes import Cause, ChangedValue

_ARROW = " → "
_SHOWN = 3
_ENDS_WITH_PLACES = 2
"""Where more values lead to an object, the line would be too long to be read with the fields that follow them."""


class Caused(Protocol):
    """A change, in a plan or in a saved one."""

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why it is made."""
        ...


AnyCaused = TypeVar("AnyCaused", bound=Caused)


def by_path(values: Iterable[ChangedValue]) -> Mapping[str, ChangedValue]:
    """Return changed values by their paths."""
    return {value.path: value for value in values}


def with_reasons(
    changes: Iterable[AnyCaused], values: Mapping[str, ChangedValue]
) -> Iterator[tuple[AnyCaused, tuple[str, ...]]]:
    """Yield each change with the lines that say why; of several with the same reasons, the first alone says them.

    Args:
        changes: in the order in which they are shown.
        values: the changed values of the plan by their paths.
    """
    told = [(change, because(change.causes, values)) for change in changes]
    kinds = {cause.kind for change, _ in told for cause in change.causes}
    if kinds <= {CauseKind.BUNDLE, CauseKind.REVISION}:  # the head of the plan says it
        told = [(change, ()) for change, _ in told]
    for lines, group in groupby(told, key=lambda one: one[1]):
        first, *rest = group
        also = f" (the next {len(rest)} too)" if len(rest) > 1 else " (the next one too)" if rest else ""
        yield first[0], tuple(line + also for line in lines)
        yield from ((change, ()) for change, _ in rest)


def because(causes: Sequence[Cause], values: Mapping[str, ChangedValue]) -> tuple[str, ...]:
    """Return why an object changes, a line for each kind of reason.

    Args:
        causes: of its fields.
        values: the changed values of the plan by their paths.
    """
    lines: list[str] = []
    for note in dict.fromkeys(cause.note for cause in causes if cause.kind is CauseKind.VALUES):
        own = [cause for cause in causes if cause.kind is CauseKind.VALUES and cause.note == note]
        said = _values_text(own, values)
        lines.append(f"{note}: {said}" if note else f"because {said}")
    others = [cause for cause in causes if cause.kind is not CauseKind.VALUES]
    return (*lines, *(f"because {_other_text(cause)}" for cause in others))


def _other_text(cause: Cause) -> str:
    fields = ", ".join(first_of([one.field for one in cause.fields if one.field], _SHOWN))
    match cause.kind:
        case CauseKind.BUNDLE:
            return f"the bundle changed: {cause.note}"
        case CauseKind.PATCH if fields:
            return f"{fields} is {cause.note}"
        case CauseKind.CLUSTER if fields:
            return f"{fields} was {cause.note}"
        case CauseKind.UNKNOWN:
            said = cause.note or "the site, the cluster or bundler is another one than before"
            return f"{fields}: no value that it reads changed; {said}" if fields else said
        case _:
            return cause.note


def _values_text(causes: Sequence[Cause], values: Mapping[str, ChangedValue]) -> str:
    named = [path for path in dict.fromkeys(path for cause in causes for path in cause.values) if path in values]
    fields = [one.field for cause in causes for one in cause.fields if one.field]
    if len(named) == 1:
        ways = list(islice(chain_of(values, named[0]), 2))
        if len(ways) == 1:
            place = f"{_ARROW}{fields[0]}" if len(fields) == 1 else ""
            return _ARROW.join(map(str, ways[0])) + place
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in named:
        roots = tuple(root.path for root in roots_of(values, path))
        groups.setdefault(roots, []).append(path)
    places = _places(causes) if len(named) <= _ENDS_WITH_PLACES else {}
    texts = [_group_text(roots, paths, values, places) for roots, paths in sorted(groups.items())]
    return "; ".join(texts if fields else first_of(texts, _SHOWN))


def _places(causes: Sequence[Cause]) -> Mapping[str, str]:
    """Return the one field that follows each value; nothing of a value that several fields follow."""
    alone = [cause for cause in causes if len(cause.values) == 1 and len(cause.fields) == 1 and cause.is_certain]
    seen = Counter(path for cause in causes for path in cause.values)
    return {one.values[0]: one.fields[0].field for one in alone if seen[one.values[0]] == 1 and one.fields[0].field}


def _group_text(
    roots: Sequence[str], paths: Sequence[str], values: Mapping[str, ChangedValue], places: Mapping[str, str]
) -> str:
    led_to = [_placed(path, values, places) for path in paths if path not in roots]
    shown = {} if led_to else places
    begun = ", ".join(first_of([_placed(root, values, shown) for root in roots], _SHOWN))
    return f"{begun}{_ARROW}{', '.join(first_of(led_to, _SHOWN))}" if led_to else begun


def _placed(path: str, values: Mapping[str, ChangedValue], places: Mapping[str, str]) -> str:
    return f"{values[path]}{_ARROW}{places[path]}" if path in places else str(values[path])
