"""Whether a saved plan shows what would be done: its steps are compared elsewhere, readers sign this. Layer: planning.

What a plan does is made again from its request, so that a file which someone edited cannot make it do anything else. It
could show something else, though, and be signed for that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bundler.model.causes import OF_BUNDLE, ChangedValue
from bundler.model.json import mapping_at
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.planning.conflicts import change_notes
from bundler.planning.diff import object_diff, shown_sides
from bundler.planning.live_facts import ROLLOUT_COUNT
from bundler.syntax.writer import dump_yaml

if TYPE_CHECKING:
    from bundler.model.causes import Cause
    from bundler.model.change import Change
    from bundler.model.saved_plan import SavedChange

    Redact = Callable[[str], str]

_TIME: Final = re.compile(r" at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""When someone set a field; a status that its owner writes moves it too."""
_COUNTED: Final = "checked"
"""A note that counts live objects: how many fit is no one's concern, and those that do not are named."""


def unlike_shown(
    saved: Sequence[SavedChange], now: Sequence[Change], redact: Redact, *, compares_text: bool
) -> list[str]:
    """Return which changes a saved plan does not show as they would be made, a line each.

    Args:
        saved: the changes that it shows.
        now: the changes that would be made, as they are shown; unchanged objects are left out.
        redact: masks what is sensitive in a text.
        compares_text: compare each difference too, which takes as long as making it.
    """
    shown, made = {one.ref: one for one in saved}, {one.ref: one for one in now}
    return [*_others(shown, made), *_unlike(shown, made, redact, compares_text=compares_text)]


def _others(shown: Mapping[ObjectRef, SavedChange], made: Mapping[ObjectRef, Change]) -> Iterator[str]:
    for ref in sorted(shown.keys() ^ made.keys()):
        if ref in made:
            yield f"{ref.short}: the plan does not show it, and would {made[ref].action} it"
        else:
            yield f"{ref.short}: the plan shows {shown[ref].action}, and would not do it"


def _unlike(
    shown: Mapping[ObjectRef, SavedChange], made: Mapping[ObjectRef, Change], redact: Redact, *, compares_text: bool
) -> Iterator[str]:
    for ref in sorted(shown.keys() & made.keys()):
        before, change = shown[ref], made[ref]
        if before.action is not change.action:
            yield f"{ref.short}: the plan shows {before.action}, and would {change.action} it"
        elif redact(before.reason) != redact(change.reason):
            yield f"{ref.short}: {redact(change.reason) or 'no reason'}: the plan does not show that"
        elif before.component != change.component:
            yield f"{ref.short}: it is of component {change.component or 'none'}: the plan does not show that"
        else:
            if before.is_verified and not change.is_verified:
                yield f"{ref.short}: the server cannot check it: the plan does not show that"
            if compares_text and _said(before.causes, change, redact) != _said(change.causes, change, redact):
                yield f"{ref.short}: why it changes is not what the plan shows"
            yield from _unlike_notes(before, change, redact)
            if compares_text and not _has_lines(before, change, redact):
                yield f"{ref.short}: the difference that the plan shows is not the one that would be made"


def _said(causes: Iterable[Cause], change: Change, redact: Redact) -> Counter[tuple[object, ...]]:
    """Return what is said of why an object changes, but for fields that move by themselves."""
    ends = tuple(f".{key}" for key in _moving(change))
    said: Counter[tuple[object, ...]] = Counter()
    for one in causes:
        fields = {(redact(field.field), field.source) for field in one.fields if not field.field.endswith(ends)}
        if fields or not one.fields:
            note = untimed(redact(one.note))
            said[one.kind, note, one.is_certain, frozenset(map(redact, one.values)), frozenset(fields)] += 1
    return said


def unlike_values(saved: Iterable[ChangedValue], now: Iterable[ChangedValue], redact: Redact) -> Iterator[str]:
    """Yield the values that a plan shows otherwise than they change; who sets those of the user is not known any more.

    Args:
        saved: the values that it shows, each with those that it is computed from.
        now: the same, as the plan made again has them.
        redact: masks what is sensitive in a text.
    """
    shown, made = ({_comparable(one, redact) for one in values} for values in (saved, now))
    for one in sorted(shown ^ made, key=lambda value: value.path):
        yield f"{one}: {'the plan shows it, and it is not so' if one in shown else 'the plan does not show it'}"


def _comparable(value: ChangedValue, redact: Redact) -> ChangedValue:
    source = redact(value.source) if value.because or value.source.startswith(OF_BUNDLE) else ""
    texts = ("", "") if value.is_sensitive else (redact(value.before), redact(value.after))
    because = tuple(sorted(map(redact, value.because)))
    return replace(value, path=redact(value.path), before=texts[0], after=texts[1], source=source, because=because)


def _unlike_notes(before: SavedChange, change: Change, redact: Redact) -> Iterator[str]:
    """Yield what is to be known of a change and was not, or is no longer so: objects that would break, say."""
    old, new = (
        [(word, untimed(redact(said))) for word, said in notes] for notes in (before.notes, change_notes(change))
    )
    for word, said in sorted({*old} ^ {*new}):
        if word != _COUNTED:
            yield f"{change.ref.short}: {word}: {said}: {'no longer so' if (word, said) in old else 'new'}"


def _has_lines(before: SavedChange, change: Change, redact: Redact) -> bool:
    """Return whether a difference is the one shown; where controllers write beside us, as far as it is not theirs."""
    old, new = (redact("\n".join(lines)).split("\n") for lines in (before.lines, object_diff(change).lines))
    if old == new:
        return True
    moving = _moving(change)
    if Counter(_lines(old, "+-", moving)) != Counter(_lines(new, "+-", moving)):
        return False
    live, _ = shown_sides(change)
    around = {line[1:] for line in _lines(old, " ", moving)}
    return around <= {*redact(dump_yaml(live)).split("\n")}


def untimed(text: str) -> str:
    """Return a text without the times at which someone set a field."""
    return _TIME.sub("", text)


def _moving(change: Change) -> frozenset[str]:
    """Return keys whose values may be others in each answer of the server: webhooks stamp annotations."""
    desired = change.desired.body if change.desired is not None else {}
    after, ours = (mapping_at(body, "metadata", "annotations") for body in (change.after or {}, desired))
    replicas = {"replicas"} if change.is_autoscaled else set()
    return frozenset({ROLLOUT_COUNT, *(after.keys() - ours.keys()), *replicas})


def _lines(lines: Sequence[str], signs: str, moving: frozenset[str]) -> Iterator[str]:
    for line in lines:
        if line[:1] and line[0] in signs and line[1:].strip().partition(":")[0].strip("\"'") not in moving:
            yield line
