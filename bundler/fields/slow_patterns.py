"""Tell patterns whose search can take exponential time. Layer: fields, pure.

Python's matcher tries every way in which a text can fit. Inside a repetition, two ways for one text are 2, 4, 8 ways
for as many such texts in a row: ``(a+)+$`` takes minutes to refuse forty letters. So a pattern is read as an automaton
whose states are its characters (Glushkov's), and a repetition is refused where one text can lead from a state back to
it by two ways.

Source: Weber and Seidl, On the degree of ambiguity of finite automata (1991), criterion EDA.
"""

from __future__ import annotations

import re
from itertools import product
from typing import NamedTuple

from bundler.model.size import shortened

_GROUP = re.compile(
    r"\((?:\?(?:(?P<nothing>[aiLmsux]+\)|P=\w+\)|#[^)]*\))|(?P<look><?[=!])|:|>|P<\w+>|\(\w+\)|[\w-]+:))?"
)
_ATOM = re.compile(
    r"\[\^?\]?(?:\\.|[^\\\]])*\]|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|[0-9]+|.)|.", re.DOTALL
)
_COUNT = re.compile(r"(?:(?P<sign>[*+?])|\{(?=[0-9,]*[0-9])(?P<low>[0-9]*)(?P<comma>,?)(?P<high>[0-9]*)\})[?+]?")
_BETWEEN = re.compile(r"[\^$]|\\(?:[bBAZ]|[1-9][0-9]*)")
"""What takes no character; a reference back is taken for such."""
_LETTERS = frozenset(map(chr, range(128))) | {"é", "中"}
_MANY = 10
"""A repetition that may come so often is taken for one without end."""
_SHOWN_CHARS = 100
_MAX_COPIES = 64
_MAX_STEPS = 200_000


class _AmbiguousError(Exception):
    """The text says what is wrong."""


class _Part(NamedTuple):
    """A part of a pattern, and the states where it begins and ends."""

    empty_ways: int
    """In how many ways it can be empty: 0, 1, or 2 for several."""
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()


def find_ambiguity(pattern: str) -> str:
    """Say which repetition of a pattern can take exponential time; empty where none can, or it cannot be read."""
    try:
        flags = re.compile(pattern).flags
        if flags & re.VERBOSE:
            return "it has the flag x"
        _Automaton(pattern, flags).choice()
    except _AmbiguousError as error:
        return str(error)
    except (re.error, RecursionError, OverflowError):
        return ""
    return ""


class _Automaton:
    def __init__(self, pattern: str, flags: int) -> None:
        self._pattern, self._at, self._steps = pattern, 0, 0
        self._times = 1
        """How often what is being read is repeated by what is around it."""
        self._flags = flags & (re.IGNORECASE | re.DOTALL | re.ASCII)
        self._alphabet = _LETTERS | set(pattern)
        self._known: dict[str, frozenset[str]] = {}
        self._letters: list[frozenset[str]] = []
        self._next: list[list[int]] = []
        """The states behind each; one that is reached in two ways appears twice."""

    def choice(self) -> _Part:
        """Read alternatives, up to the end or a closing parenthesis."""
        start = self._at
        parts = [self._sequence()]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            parts.append(self._sequence())
        branches = self._pattern[start : self._at].split("|")
        if len(set(branches)) > 1 and all(map(_is_in_class, branches)):
            return self._class_of(parts)
        return _Part(
            min(sum(part.empty_ways for part in parts), 2),
            tuple(state for part in parts for state in part.first),
            tuple(state for part in parts for state in part.last),
        )

    def _class_of(self, parts: list[_Part]) -> _Part:
        """Python makes one class of alternatives like ``a|[b-d]``, and tries it once."""
        state = parts[0].first[0]
        self._letters[state] = frozenset().union(*(self._letters[part.first[0]] for part in parts))
        return parts[0]

    def _sequence(self) -> _Part:
        whole = _Part(1)
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            whole = self._joined(whole, self._repeated())
        return whole

    def _repeated(self) -> _Part:
        start, begin = self._at, len(self._next)
        part = self._single()
        found = _COUNT.match(self._pattern, self._at)
        if found is None:
            return part
        low, high = _bounds(found)
        if high is None or high * self._times >= _MANY:
            self._joined(part, part)
            if self._is_ambiguous(range(begin, len(self._next))):
                repetition = shortened(self._pattern[start : found.end()], _SHOWN_CHARS)
                raise _AmbiguousError(f"{repetition} can take the same text in many ways")
        if high is not None and high > 1:
            part = self._copies(start, low, min(high, _MAX_COPIES))
        elif low == 0:
            part = _or_nothing(part)
        self._at = found.end()
        return part

    def _copies(self, start: int, low: int, high: int) -> _Part:
        whole = _Part(1)
        self._times *= high
        for number in range(high, 0, -1):
            self._at = start
            whole = self._joined(self._single(), whole)
            whole = _or_nothing(whole) if low < number else whole
        self._times //= high
        return whole

    def _single(self) -> _Part:
        self._spend(10)
        if group := _GROUP.match(self._pattern, self._at):
            self._at = group.end()
            if group["nothing"]:
                return _Part(1)
            part = self.choice()
            self._at += 1
            return _Part(1) if group["look"] else part
        atom = _ATOM.match(self._pattern, self._at)
        text = atom.group() if atom else self._pattern[self._at]
        self._at += len(text)
        if _BETWEEN.fullmatch(text):
            return _Part(1)
        self._letters.append(self._letters_of(text))
        self._next.append([])
        state = len(self._next) - 1
        return _Part(0, (state,), (state,))

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MAX_STEPS:
            raise _AmbiguousError("it repeats more than can be judged")

    def _letters_of(self, atom: str) -> frozenset[str]:
        if atom not in self._known:
            try:
                matches = re.compile(atom, self._flags).fullmatch
                self._known[atom] = frozenset(letter for letter in self._alphabet if matches(letter))
            except re.error:  # whatever it is, it is only taken for more than it is
                self._known[atom] = frozenset(self._alphabet)
        return self._known[atom]

    def _joined(self, one: _Part, other: _Part) -> _Part:
        self._spend(len(one.last) * len(other.first))
        for state in one.last:
            self._next[state] += other.first
        return _Part(
            min(one.empty_ways * other.empty_ways, 2),
            one.first + other.first * one.empty_ways,
            other.last + one.last * other.empty_ways,
        )

    def _is_ambiguous(self, states: range) -> bool:
        """Return whether two walks over one text can part within a repetition, and meet again."""
        if any(len(set(self._next[state])) < len(self._next[state]) for state in states):
            return True
        pending, seen = [(state, state) for state in states], set[tuple[int, int]]()
        while pending:
            one, other = pending.pop()
            self._spend(1 + len(self._next[one]) * len(self._next[other]))
            for pair in product(self._next[one], self._next[other]):
                if pair[0] == pair[1]:
                    if one != other:
                        return True
                elif pair not in seen and self._letters[pair[0]] & self._letters[pair[1]]:
                    seen.add(pair)
                    pending.append(pair)
        return False


def _or_nothing(part: _Part) -> _Part:
    return part._replace(empty_ways=min(part.empty_ways + 1, 2))


def _is_in_class(atom: str) -> bool:
    is_other = atom == "." or atom.startswith("[^") or _BETWEEN.fullmatch(atom)
    return not is_other and _ATOM.fullmatch(atom) is not None


def _bounds(count: re.Match[str]) -> tuple[int, int | None]:
    """Return how often something may come; None for without end."""
    if count["sign"]:
        return int(count["sign"] == "+"), 1 if count["sign"] == "?" else None
    low, high = int(count["low"] or 0), int(count["high"]) if count["high"] else None
    return low, high if count["comma"] else low
