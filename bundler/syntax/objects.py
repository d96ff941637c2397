"""Read many Kubernetes objects fast, with what splicing needs. Layer: syntax, pure.

One pass over the event stream builds plain values and notes where each document, its metadata, labels and annotations
start. Lines of anything else are found by reading that document again, which only errors ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from bundler.model.json import JSONValue, value_at
from bundler.model.lean import dataclass
from bundler.syntax.events import EventSource, Mark, mark_of, open_events, translating
from bundler.syntax.limits import DEFAULT_LIMITS, Limits
from bundler.syntax.reader import MarkedDocument, read_document, read_documents
from bundler.syntax.scalars import resolve_plain

MarkPath = tuple[str, ...]

ROOT: MarkPath = ()
METADATA: MarkPath = ("metadata",)
LABELS: MarkPath = ("metadata", "labels")
ANNOTATIONS: MarkPath = ("metadata", "annotations")

_MARKED_DEPTH = 3


@dataclass(frozen=True, slots=True)
class ObjectDocument:
    """One document of a rendered text; documents without a value are left out."""

    value: JSONValue
    text: str
    """The whole text that was read; indexes count in it."""
    start_offset: int
    end_offset: int
    start_line: int
    """Line of ``---``, or of the first value where there is none; from 1."""
    marks: Mapping[MarkPath, Mark]
    """Starts of the mappings at ROOT, METADATA, LABELS and ANNOTATIONS; none where there is no mapping, or where an
    alias stands. The mark of a block mapping is at its first key, of a flow mapping at its ``{``."""
    limits: Limits = DEFAULT_LIMITS

    def detail(self) -> MarkedDocument:
        """Read this document again, with the line and mark of every value, counted in the whole text."""
        begin = self.text.rfind("\n", 0, self.start_offset) + 1
        document = read_document(self.text[begin : self.end_offset], limits=self.limits)
        lines_before = self.start_line - document.start_line
        return MarkedDocument(
            value=document.value,
            lines={pointer: line + lines_before for pointer, line in document.lines.items()},
            marks={
                pointer: mark._replace(offset=mark.offset + begin, line=mark.line + lines_before)
                for pointer, mark in document.marks.items()
            },
            spans={pointer: (start + begin, end + begin) for pointer, (start, end) in document.spans.items()},
            start_line=self.start_line,
            start_offset=self.start_offset,
            end_offset=self.end_offset,
        )


def read_objects(text: str, *, limits: Limits = DEFAULT_LIMITS) -> list[ObjectDocument]:
    """Read all documents of a rendered text that have a value.

    Raises:
        YamlSyntaxError: as :func:`bundler.syntax.reader.read_documents`.
    """
    text = text.removeprefix("\ufeff")
    try:
        with translating(text):
            return _FastReader(open_events(text, limits), text, limits).documents()
    except _NeedsCareError:
        return _read_with_care(text, limits)


def _read_with_care(text: str, limits: Limits) -> list[ObjectDocument]:
    return [
        ObjectDocument(
            document.value,
            text,
            document.start_offset,
            document.end_offset,
            document.start_line,
            _marks_of(document),
            limits,
        )
        for document in read_documents(text, limits=limits)
        if document.value is not None
    ]


def _marks_of(document: MarkedDocument) -> dict[MarkPath, Mark]:
    marks = {}
    for path in (ROOT, METADATA, LABELS, ANNOTATIONS):
        value = value_at(document.value, *path)
        pointer = "".join(f"/{step}" for step in path)
        if isinstance(value, dict) and pointer in document.marks:
            marks[path] = document.marks[pointer]
    return marks


class _NeedsCareError(Exception):
    """Something rare (anchor, tag, odd key) or wrong: the careful reader handles or explains it."""


class _FastReader:
    """Builds values without noting lines; gives up, by exception, on everything unusual."""

    def __init__(self, source: EventSource, text: str, limits: Limits) -> None:
        self._next = source.get_event
        self._text = text
        self._limits = limits
        self._starts: dict[int, Any] = {}
        self._memo: dict[str, JSONValue] = {}

    def documents(self) -> list[ObjectDocument]:
        """Build all documents."""
        documents = []
        self._next()
        while type(start := self._next()) is not yaml.StreamEndEvent:
            self._starts.clear()
            value = self._value(self._next(), 0)
            end = self._next()
            if value is not None:
                begin = start.start_mark
                documents.append(
                    ObjectDocument(
                        value,
                        self._text,
                        begin.index,
                        end.end_mark.index,
                        begin.line + 1,
                        self._marks(value),
                        self._limits,
                    )
                )
        return documents

    def _marks(self, root: JSONValue) -> dict[MarkPath, Mark]:
        if not isinstance(root, dict):
            return {}
        marks = {ROOT: self._mark(root)}
        metadata = root.get("metadata")
        if isinstance(metadata, dict):
            marks[METADATA] = self._mark(metadata)
            if isinstance(labels := metadata.get("labels"), dict):
                marks[LABELS] = self._mark(labels)
            if isinstance(annotations := metadata.get("annotations"), dict):
                marks[ANNOTATIONS] = self._mark(annotations)
        return marks

    def _mark(self, mapping: dict[str, JSONValue]) -> Mark:
        start = self._starts[id(mapping)]
        return mark_of(start, is_flow=bool(start.flow_style))

    def _value(self, event: Any, depth: int) -> JSONValue:
        kind = type(event)
        if kind is yaml.AliasEvent or event.anchor or event.tag or depth > self._limits.max_depth:
            raise _NeedsCareError
        if kind is yaml.ScalarEvent:
            return resolve_plain(event.value) if event.implicit[0] else event.value
        return self._mapping(event, depth) if kind is yaml.MappingStartEvent else self._sequence(depth)

    def _mapping(self, start: Any, depth: int) -> JSONValue:
        following, memo = self._next, self._memo
        result: dict[str, JSONValue] = {}
        if depth < _MARKED_DEPTH:
            self._starts[id(result)] = start
        while type(event := following()) is not yaml.MappingEndEvent:
            key = self._key(event)
            if key in result:
                raise _NeedsCareError
            event = following()
            if type(event) is yaml.ScalarEvent and not (event.anchor or event.tag):
                text = event.value
                if not event.implicit[0]:
                    result[key] = text
                elif text in memo:
                    result[key] = memo[text]
                else:
                    result[key] = memo[text] = resolve_plain(text)
            else:
                result[key] = self._value(event, depth + 1)
        return result

    def _sequence(self, depth: int) -> JSONValue:
        result: list[JSONValue] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            result.append(self._value(event, depth + 1))
        return result

    def _key(self, event: Any) -> str:
        if type(event) is not yaml.ScalarEvent or event.anchor or event.tag:
            raise _NeedsCareError
        key: str = event.value
        if event.implicit[0] and key in {"", "<<"}:
            raise _NeedsCareError
        return key
