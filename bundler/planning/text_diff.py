"""A unified diff whose cost is bounded, however alike its lines are. Layer: planning, pure.

Lines that both texts begin and end with are set aside. What is left is compared by the greedy algorithm, which finds
the shortest difference and costs as much as there is to change. Where that is a lot, lines that occur once in each
text hold the two together, and what differs between them is shown as replaced.

Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986, section 4; B. Cohen's patience diff.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_MAX_EDITS = 500
"""More lines than these, put in and taken out, are not searched for the shortest difference."""
_MAX_STEPS = 1_000_000
"""Nor are more comparisons than these made for it."""


class Run(NamedTuple):
    """Lines that are the same: where they begin in the old and in the new text, and how many they are."""

    old: int
    new: int
    size: int


def unified_diff(old: Sequence[str], new: Sequence[str], *, context: int) -> Iterator[str]:
    """Yield the hunks of a unified diff, with ``context`` lines around each change; nothing where both are the same.

    Args:
        old: before.
        new: after.
        context: lines around each change.
    """
    for hunk in _hunks(_changes(common_runs(old, new), len(old), len(new)), context):
        first, last = hunk[0], hunk[-1]
        lead = min(context, first.old, first.new)
        tail = min(context, len(old) - last.old_end)
        begin, begin_new = first.old - lead, first.new - lead
        yield f"@@ -{_span(begin, last.old_end + tail)} +{_span(begin_new, last.new_end + tail)} @@"
        at = begin
        for change in hunk:
            yield from (f" {line}" for line in old[at : change.old])
            yield from (f"-{line}" for line in old[change.old : change.old_end])
            yield from (f"+{line}" for line in new[change.new : change.new_end])
            at = change.old_end
        yield from (f" {line}" for line in old[at : at + tail])


class _Change(NamedTuple):
    """Lines of the old text that make way for lines of the new one."""

    old: int
    old_end: int
    new: int
    new_end: int


def _span(begin: int, end: int) -> str:
    """Return lines as a hunk's head counts them: an empty span is named by the line before it."""
    size = end - begin
    return f"{begin + (size > 0)}" if size == 1 else f"{begin + (size > 0)},{size}"


def _changes(runs: Sequence[Run], old_size: int, new_size: int) -> Iterator[_Change]:
    old = new = 0
    for run in [*runs, Run(old_size, new_size, 0)]:
        if old < run.old or new < run.new:
            yield _Change(old, run.old, new, run.new)
        old, new = run.old + run.size, run.new + run.size


def _hunks(changes: Iterator[_Change], context: int) -> Iterator[list[_Change]]:
    hunk: list[_Change] = []
    for change in changes:
        if hunk and change.old - hunk[-1].old_end > 2 * context:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def common_runs(old: Sequence[str], new: Sequence[str]) -> list[Run]:
    """Return what both texts have in common, in order."""
    shortest = min(len(old), len(new))
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    rest = shortest - head
    tail = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
    inner_old, inner_new = old[head : len(old) - tail], new[head : len(new) - tail]
    pairs = _shortest(inner_old, inner_new) if inner_old and inner_new else []
    if pairs is None:
        pairs = _anchored(inner_old, inner_new)
    inner = [Run(run.old + head, run.new + head, run.size) for run in pairs]
    ends = [Run(0, 0, head), *inner, Run(len(old) - tail, len(new) - tail, tail)]
    return _slid([run for run in ends if run.size], old, new)


def _slid(runs: Sequence[Run], old: Sequence[str], new: Sequence[str]) -> list[Run]:
    """Join changes that only lines in between keep apart which could as well stand after both."""
    found: list[Run] = []
    for run in runs:
        joined = run
        while found and _may_slide(found[-1], joined, old, new):
            size = found.pop().size
            joined = Run(joined.old - size, joined.new - size, joined.size + size)
        found.append(joined)
    return found


def _may_slide(last: Run, run: Run, old: Sequence[str], new: Sequence[str]) -> bool:
    is_deletion, is_insertion = last.new + last.size == run.new, last.old + last.size == run.old
    if is_deletion == is_insertion or not (last.old or last.new):
        return False
    text, end, begin = (old, last.old + last.size, run.old) if is_deletion else (new, last.new + last.size, run.new)
    return all(text[end - 1 - at] == text[begin - 1 - at] for at in range(last.size))


def _shortest(old: Sequence[str], new: Sequence[str]) -> list[Run] | None:
    """Return the runs of the shortest difference; None where it would cost too much to find."""
    reach = {1: 0}
    """Diagonal (old minus new) -> how far into the old text it is reached."""
    trail: list[dict[int, int]] = []
    steps = 0
    for edits in range(_MAX_EDITS + 1):
        trail.append(dict(reach))
        for diagonal in range(-edits, edits + 1, 2):
            goes_down = diagonal == -edits or (diagonal != edits and reach[diagonal - 1] < reach[diagonal + 1])
            begin = at = reach[diagonal + 1] if goes_down else reach[diagonal - 1] + 1
            while at < len(old) and at - diagonal < len(new) and old[at] == new[at - diagonal]:
                at += 1
            reach[diagonal] = at
            steps += 1 + at - begin
            if at >= len(old) and at - diagonal >= len(new):
                return _walked_back(trail, len(old), len(new))
        if steps > _MAX_STEPS:
            break
    return None


def _walked_back(trail: Sequence[dict[int, int]], old: int, new: int) -> list[Run]:
    runs: list[Run] = []
    for edits in range(len(trail) - 1, -1, -1):
        reach, diagonal = trail[edits], old - new
        goes_down = diagonal == -edits or (diagonal != edits and reach[diagonal - 1] < reach[diagonal + 1])
        before = diagonal + 1 if goes_down else diagonal - 1
        old_before = reach[before] if edits else 0
        begin = (old_before if goes_down else old_before + 1) if edits else 0
        runs.append(Run(begin, begin - diagonal, old - begin))
        old, new = old_before, old_before - before
    return [run for run in reversed(runs) if run.size]


def _anchored(old: Sequence[str], new: Sequence[str]) -> list[Run]:
    """Return the lines that occur once in each text, as far as their order is the same."""
    counts = Counter(old), Counter(new)
    place = {line: at for at, line in enumerate(new) if counts[1][line] == 1}
    unique = [(at, place[line]) for at, line in enumerate(old) if counts[0][line] == 1 and line in place]
    runs: list[Run] = []
    for old_at, new_at in _longest_rising(unique):
        last = runs[-1] if runs else Run(0, 0, 0)
        if (last.old + last.size, last.new + last.size) == (old_at, new_at):
            runs[-1:] = [last._replace(size=last.size + 1)]
        else:
            runs.append(Run(old_at, new_at, 1))
    return runs


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of ``pairs`` in which the second numbers rise, too."""
    ends: list[int] = []
    """Smallest last number of a rising part, by its length."""
    owners: list[int] = []
    before: list[int] = []
    for at, (_, number) in enumerate(pairs):
        length = bisect_left(ends, number)
        before.append(owners[length - 1] if length else -1)
        ends[length : length + 1] = [number]
        owners[length : length + 1] = [at]
    chosen = []
    at = owners[-1] if owners else -1
    while at >= 0:
        chosen.append(pairs[at])
        at = before[at]
    return chosen[::-1]
