"""Where each scalar of a YAML text begins and ends. Layer: syntax, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from bundler.model.lean import dataclass
from bundler.syntax.events import EventSource, open_events, translating
from bundler.syntax.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Span:
    """One scalar value, or the alias of one; keys of mappings are none."""

    path: tuple[str, ...]
    """The number of the document, then keys and indexes."""
    start: int
    end: int
    """Characters of the text, line breaks and blanks after the value left out."""
    value: str


def scalar_spans(text: str, *, limits: Limits = DEFAULT_LIMITS) -> list[Span]:
    """Return all scalar values of all documents, in their order.

    A scalar that an alias repeats comes once more with the alias's path and its own place.

    Raises:
        YamlSyntaxError: for broken YAML.
    """
    with translating(text):
        return list(_Walk(text, open_events(text, limits), limits).spans())


class _Walk:
    """Walks the events of one text, recursively; depth is bounded by the limits."""

    def __init__(self, text: str, source: EventSource, limits: Limits) -> None:
        self._text, self._next, self._limits = text, source.get_event, limits
        self._anchors: dict[str, Span] = {}

    def spans(self) -> Iterator[Span]:
        """Yield the scalars of all documents."""
        number = 0
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                yield from self._value(self._next(), (str(number),))
                number += 1

    def _value(self, event: Any, path: tuple[str, ...]) -> Iterator[Span]:
        if len(path) > self._limits.max_depth:
            return
        if isinstance(event, yaml.ScalarEvent):
            yield self._scalar(event, path)
        elif isinstance(event, yaml.AliasEvent):
            if (known := self._anchors.get(str(event.anchor))) is not None:
                yield Span(path, known.start, known.end, known.value)
        elif isinstance(event, yaml.MappingStartEvent):
            while not isinstance(key := self._next(), yaml.MappingEndEvent):
                name = key.value if isinstance(key, yaml.ScalarEvent) else ""
                if not isinstance(key, yaml.ScalarEvent | yaml.AliasEvent):
                    list(self._value(key, path))  # a mapping as a key is refused elsewhere
                yield from self._value(self._next(), (*path, name))
        elif isinstance(event, yaml.SequenceStartEvent):
            index = 0
            while not isinstance(item := self._next(), yaml.SequenceEndEvent):
                yield from self._value(item, (*path, str(index)))
                index += 1

    def _scalar(self, event: Any, path: tuple[str, ...]) -> Span:
        start, end = event.start_mark.index, event.end_mark.index
        end = start + len(self._text[start:end].rstrip())
        span = Span(path, start, end, event.value)
        if event.anchor is not None:
            self._anchors[str(event.anchor)] = span
        return span
