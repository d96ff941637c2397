"""Read documents that are alike, as loops print them, by what was learned from one of them. Layer: syntax, pure.

What YAML makes of a text hangs on its punctuation, its line breaks and where its words begin, not on the letters of a
word: replacing one run of ASCII letters, digits and underscores by another leaves every token where it was. So a
document is split into words and what stands between them; for each distinct sequence of the latter, one document goes
through the parser, and a function is written that builds the value of any document of that sequence from its words.
What is not that simple (block scalars, escapes, texts over several lines) is left to the parser each time.

The parser takes 57 µs for a document of ten lines, the function 10 µs.
"""

from __future__ import annotations

from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from bundler.model.pattern import LazyPattern
from bundler.syntax.events import Mark
from bundler.syntax.scalars import resolve_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bundler.model.json import JSONValue
    from bundler.syntax.events import EventSource

MarkPath = tuple[str, ...]

_WORDS: Final = LazyPattern("([A-Za-z0-9_]+)")
_UNSPLITTABLE: Final = ("\n%", "\n...", "\r", "\x85", "\u2028", "\u2029", "\ufeff")
"""Directives and document ends; line breaks other than LF, which the parser counts and we do not."""
_MAX_LEARNED: Final = 64
_MAX_LINE_CHARS: Final = 1000
"""The parser takes no key longer than 1024 characters; in a longer line a word could make one too long."""
MAX_NESTING: Final = 30
_QUOTES: Final = frozenset({"'", '"'})
_MARKED_PATHS: Final = frozenset({(), ("metadata",), ("metadata", "labels"), ("metadata", "annotations")})


class UnlikeError(Exception):
    """A document that must go through the parser."""


class Built(NamedTuple):
    """One document, read without the parser; its marks count in the whole text."""

    value: JSONValue
    marks: dict[MarkPath, Mark]


def split_documents(text: str) -> list[tuple[int, int]]:
    """Return where each of several documents begins and ends; nothing where no eye could split them."""
    if text.startswith(("%", "...")) or any(s in text for s in _UNSPLITTABLE):
        return []
    begins, at = [0], 0
    while (at := text.find("\n---", at) + 1) > 0:
        if text[at + 3 : at + 4] in {"\n", " ", "\t", ""}:
            begins.append(at)
    if len(begins) > 1 and not text[: begins[1]].strip():
        del begins[0]
    return list(zip(begins, [*begins[1:], len(text)], strict=True))


class AlikeReader:
    """Builds documents whose like was learned."""

    def __init__(self, open_events: Callable[[str], EventSource]) -> None:
        """Learn by ``open_events``, which parses one document."""
        self._open_events = open_events
        self._met: set[tuple[str, ...]] = set()
        self._recipes: dict[tuple[str, ...], _Recipe | None] = {}
        self._memo = _Resolved()

    def build(self, document: str, *, offset: int, line: int) -> Built:
        """Return the value of a document.

        Args:
            document: it may begin with its ``---``.
            offset: where it begins in the whole text.
            line: the same, from 1.

        Raises:
            UnlikeError: when it has to be parsed.
        """
        pieces = _WORDS.split(document)
        shape, words = tuple(pieces[::2]), pieces[1::2]
        if not words or (len(document) > _MAX_LINE_CHARS and max(map(len, document.split("\n"))) > _MAX_LINE_CHARS):
            raise UnlikeError
        if shape not in self._recipes:
            if shape not in self._met:
                self._met.add(shape)
                raise UnlikeError
            self._recipes[shape] = self._learn(document, pieces)
        recipe = self._recipes[shape]
        if recipe is None:
            raise UnlikeError
        return Built(recipe.value(words, self._memo), recipe.marks(words, offset=offset, line=line))

    def _learn(self, document: str, pieces: Sequence[str]) -> _Recipe | None:
        if len(self._recipes) >= _MAX_LEARNED:
            return None
        try:
            return _Learner(document, pieces, self._open_events(document)).recipe()
        except UnlikeError:
            return None


class _Resolved(dict[str, Any]):
    """Plain scalars by their text."""

    def __missing__(self, text: str) -> JSONValue:
        value = self[text] = resolve_plain(text)
        return value


class _Place(NamedTuple):
    """A place in a document: so many words and so many other characters stand before it."""

    words: int
    others: int


class _MarkPlace(NamedTuple):
    path: MarkPath
    place: _Place
    line: int
    line_start: _Place
    is_flow: bool


class _Recipe:
    """How documents of one shape are built."""

    def __init__(self, code: str, guard: Sequence[tuple[int, str]], marks: Sequence[_MarkPlace]) -> None:
        known: dict[str, Any] = {"whole": _whole}
        exec(f"def build(w, m):\n    return {code}", known)  # noqa: S102 - places of words, and the repr of punctuation
        self._build: Callable[[Sequence[str], _Resolved], JSONValue] = known["build"]
        # itemgetter of one place returns no tuple
        self._named = itemgetter(*[place for place, _ in guard], 0, 0)
        self._names = [name for _, name in guard]
        self._marked = marks
        self._counted = max((one.place.words for one in marks), default=0)

    def value(self, words: Sequence[str], memo: _Resolved) -> JSONValue:
        """Return what a document of these words is.

        Raises:
            UnlikeError: when keys that are marked have other names, or two keys of a mapping are the same.
        """
        if list(self._named(words)[:-2]) != self._names:
            raise UnlikeError
        return self._build(words, memo)

    def marks(self, words: Sequence[str], *, offset: int, line: int) -> dict[MarkPath, Mark]:
        """Return where the marked mappings of a document of these words begin."""
        lengths = list(accumulate(map(len, words[: self._counted]), initial=0))
        found = {}
        for path, place, lines, line_start, is_flow in self._marked:
            index = place.others + lengths[place.words]
            column = index - line_start.others - lengths[line_start.words]
            found[path] = Mark(offset + index, line + lines, column, is_flow)
        return found


def _whole(count: int, mapping: dict[str, JSONValue]) -> dict[str, JSONValue]:
    if len(mapping) != count:
        raise UnlikeError
    return mapping


def _end_of(event: Any) -> int:
    index: int = event.end_mark.index
    return index


class _Learner:
    """Turns the events of one document into a recipe."""

    def __init__(self, document: str, pieces: Sequence[str], source: EventSource) -> None:
        self._document, self._next = document, source.get_event
        self._pieces = pieces
        self._starts: list[int] = []
        offset = 0
        for number, piece in enumerate(pieces):
            if number % 2:
                self._starts.append(offset)
            offset += len(piece)
        self._guard: list[tuple[int, str]] = []
        self._marks: list[_MarkPlace] = []

    def recipe(self) -> _Recipe:
        """Walk all events.

        Raises:
            UnlikeError: when something is not simple.
        """
        self._next()
        if type(self._next()) is not yaml.DocumentStartEvent:
            raise UnlikeError
        code = self._code(self._next(), (), 0)
        end = self._next()
        if type(end) is not yaml.DocumentEndEvent or _end_of(end) != len(self._document):
            raise UnlikeError
        return _Recipe(code, self._guard, self._marks)

    def _code(self, event: Any, path: MarkPath | None, depth: int) -> str:
        if type(event) is yaml.AliasEvent or event.anchor or event.tag or depth > MAX_NESTING:
            raise UnlikeError
        if type(event) is yaml.ScalarEvent:
            text = self._text(event)
            return f"m[{text}]" if event.implicit[0] else text
        if type(event) is yaml.SequenceStartEvent:
            return self._sequence(depth)
        return self._mapping(event, path, depth)

    def _sequence(self, depth: int) -> str:
        items = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._code(event, None, depth + 1))
        return f"[{', '.join(items)}]"

    def _mapping(self, start: Any, path: MarkPath | None, depth: int) -> str:
        if path in _MARKED_PATHS:
            self._mark(start, path)
        members = []
        while type(event := self._next()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent or event.anchor or event.tag or event.value in {"", "<<"}:
                raise UnlikeError
            name = self._text(event)
            if path in {(), ("metadata",)}:
                self._guard += self._words_of(event)
            below = (*path, event.value) if path is not None and len(path) < 2 else None
            members.append(f"{name}: {self._code(self._next(), below, depth + 1)}")
        made = f"{{{', '.join(members)}}}"
        return f"whole({len(members)}, {made})" if len(members) > 1 else made

    def _mark(self, start: Any, path: MarkPath) -> None:
        mark: Any = start.start_mark
        line_start = self._place(mark.index - mark.column)
        self._marks.append(_MarkPlace(path, self._place(mark.index), mark.line, line_start, bool(start.flow_style)))

    def _place(self, offset: int) -> _Place:
        before = [(start, word) for start, word in zip(self._starts, self._pieces[1::2], strict=True) if start < offset]
        if before and before[-1][0] + len(before[-1][1]) > offset:
            raise UnlikeError
        return _Place(len(before), offset - sum(len(word) for _, word in before))

    def _span(self, event: Any) -> tuple[int, int]:
        begin, end = event.start_mark.index, _end_of(event)
        if event.style in _QUOTES:
            begin, end = begin + 1, end - 1
        elif event.style:
            raise UnlikeError
        raw = self._document[begin:end]
        if raw != event.value or "\n" in raw:
            raise UnlikeError
        return begin, end

    def _words_of(self, event: Any) -> list[tuple[int, str]]:
        first, last = (self._place(offset).words for offset in self._span(event))
        return [(place, self._pieces[2 * place + 1]) for place in range(first, last)]

    def _text(self, event: Any) -> str:
        """Return the code of a scalar's text: its words by place, and what stands between them."""
        begin, end = self._span(event)
        first, last = self._place(begin).words, self._place(end).words
        parts, at = [], begin
        for place in range(first, last):
            start = self._starts[place]
            if start > at:
                parts.append(repr(self._document[at:start]))
            parts.append(f"w[{place}]")
            at = start + len(self._pieces[2 * place + 1])
        if at < end or not parts:
            parts.append(repr(self._document[at:end]))
        return parts[0] if len(parts) == 1 else f"''.join(({', '.join(parts)}))"
