"""Read YAML 1.2 documents with the line of every value. Layer: syntax, pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import yaml

from bundler.model.json import JSONValue, escape_token
from bundler.model.lean import dataclass
from bundler.syntax.events import (
    EventSource,
    Mark,
    YamlSyntaxError,
    error_at,
    mark_of,
    open_events,
    translating,
)
from bundler.syntax.limits import DEFAULT_LIMITS, Limits
from bundler.syntax.scalars import resolve_plain

__all__ = ["Limits", "Mark", "MarkedDocument", "YamlSyntaxError", "read_document", "read_documents"]

_CORE = "tag:yaml.org,2002:"
_BINARY = f"{_CORE}binary"
_MERGE_KEY = "<<"
_MERGE_HINT = "quote << where it is an ordinary key; as a merge key it takes a mapping, or a list of mappings"
_TAGS_HINT = "quote a text that begins with !; only the tags of the core schema are read"
_BRACES_HINT = "quote a value that starts with {{; a mapping or list cannot be a key"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedDocument:
    """One YAML document and where its parts stand."""

    value: JSONValue
    lines: Mapping[str, int]
    """JSON pointer -> line (from 1) of the key or list item; the root is the empty string."""
    marks: Mapping[str, Mark]
    """JSON pointer -> start of the value itself; none for what an alias repeats."""
    spans: Mapping[str, tuple[int, int]]
    """JSON pointer -> where the key or list item begins, and where the value ends; none for what an alias repeats."""
    start_line: int
    """Line of ``---``, or of the first value where there is none; from 1."""
    start_offset: int
    end_offset: int

    def line_of(self, pointer: str) -> int:
        """Return the line of the value at a JSON pointer, or of its nearest parent."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines[pointer]


def read_documents(text: str, *, limits: Limits = DEFAULT_LIMITS) -> list[MarkedDocument]:
    """Read all documents of ``text``; CRLF and a byte order mark are accepted.

    Mapping keys are strings: other scalar keys become their text (``8080: x`` has the key ``"8080"``). Merge keys are
    read, although YAML 1.2 has none: a key of the mapping itself wins, then the first mapping of a list.

    Raises:
        YamlSyntaxError: for broken YAML, duplicate keys (both lines are named), tags outside the core schema, and what
            exceeds ``limits``.

    Source: yaml.org/type/merge.
    """
    text = text.removeprefix("\ufeff")
    with translating(text):
        source = open_events(text, limits)
        source.get_event()
        documents = []
        while not isinstance(start := source.get_event(), yaml.StreamEndEvent):
            documents.append(_Builder(source, text, limits).document(start))
        return documents


def read_document(text: str, *, limits: Limits = DEFAULT_LIMITS) -> MarkedDocument:
    """Read the only document of ``text``; an empty text is a document without value.

    Raises:
        YamlSyntaxError: as :func:`read_documents`, and when there are several documents.
    """
    documents = read_documents(text, limits=limits)
    if len(documents) > 1:
        raise YamlSyntaxError("a second document (---) in a file of one", line=documents[1].start_line, column=1)
    if documents:
        return documents[0]
    return MarkedDocument(
        value=None, lines={"": 1}, marks={}, spans={}, start_line=1, start_offset=0, end_offset=len(text)
    )


def read_first(text: str, *, limits: Limits = DEFAULT_LIMITS) -> JSONValue:
    """Read the first document of ``text``, as Go's YAML does: others are passed over, ``!!binary`` becomes its text.

    Raises:
        YamlSyntaxError: as :func:`read_documents`.
    """
    text = text.removeprefix("\ufeff")
    with translating(text):
        source = open_events(text, limits)
        source.get_event()
        start = source.get_event()
        if isinstance(start, yaml.StreamEndEvent):
            return None
        return _Builder(source, text, limits, reads_binary=True).document(start).value


class _Builder:
    """Builds one document, recursively; depth is bounded by the limits."""

    def __init__(self, source: EventSource, text: str, limits: Limits, *, reads_binary: bool = False) -> None:
        self._next = source.get_event
        self._text = text
        self._limits = limits
        self._reads_binary = reads_binary
        self._lines: dict[str, int] = {}
        self._marks: dict[str, Mark] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        self._end = 0
        """Of the scalar, alias or empty collection that was read last."""
        self._anchors: dict[str, tuple[JSONValue, int]] = {}
        self._nodes = 0
        self._alias_nodes = 0

    def document(self, start: Any) -> MarkedDocument:
        """Build the document that begins with ``start``."""
        first = self._next()
        self._lines[""] = mark_of(first).line
        value = self._value(first, "", depth=0)
        end = self._next()
        begin = mark_of(start)
        return MarkedDocument(
            value=value,
            lines=self._lines,
            marks=self._marks,
            spans=self._spans,
            start_line=begin.line,
            start_offset=begin.offset,
            end_offset=end.end_mark.index,
        )

    def _value(self, event: Any, pointer: str, *, depth: int) -> JSONValue:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > self._limits.max_depth:
            raise error_at(event, f"nested deeper than the limit of {self._limits.max_depth}")
        before = self._nodes
        self._nodes += 1
        self._marks[pointer] = self._mark(event)
        value = self._node(event, pointer, depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _node(self, event: Any, pointer: str, depth: int) -> JSONValue:
        match event:
            case yaml.ScalarEvent():
                return _binary(event) if self._reads_binary and event.tag == _BINARY else _scalar(event)
            case yaml.MappingStartEvent():
                _require_tag(event, "map")
                return self._mapping(pointer, depth)
            case yaml.SequenceStartEvent():
                _require_tag(event, "seq")
                return self._sequence(pointer, depth)
            case _:  # pragma: no cover - the grammar of events allows nothing else here
                raise error_at(event, "a value was expected")

    def _mapping(self, pointer: str, depth: int) -> JSONValue:
        result: dict[str, JSONValue] = {}
        merged: dict[str, JSONValue] = {}
        is_first = True
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            is_merge = _is_merge(event)
            key = _MERGE_KEY if is_merge else self._key(event)
            child = f"{pointer}/{escape_token(key)}"
            if key in result or (is_merge and child in self._lines):
                raise error_at(event, f'duplicate key "{key}"; first set in line {self._lines[child]}')
            if is_first and not self._marks[pointer].is_flow:
                # an anchor or tag stands before the mapping; its first key is where the block really begins
                self._marks[pointer] = mark_of(event)
            is_first = False
            self._lines[child] = event.start_mark.line + 1
            if is_merge:
                merged = self._merged(self._next(), child, depth)
            else:
                result[key] = self._value(self._next(), child, depth=depth + 1)
            self._spans[child] = (event.start_mark.index, self._end)
        for key in merged.keys() - result.keys():
            child, merge = f"{pointer}/{escape_token(key)}", f"{pointer}/{_MERGE_KEY}"
            self._lines[child], self._spans[child] = self._lines[merge], self._spans[merge]
        return {**merged, **result} if merged else result

    def _merged(self, event: Any, pointer: str, depth: int) -> dict[str, JSONValue]:
        """Return what a merge key brings: the first mapping that has a key wins."""
        value = self._value(event, pointer, depth=depth + 1)
        merged: dict[str, JSONValue] = {}
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise error_at(event, _MERGE_HINT)
            merged = {**one, **merged}
        return merged

    def _sequence(self, pointer: str, depth: int) -> JSONValue:
        result: list[JSONValue] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            child = f"{pointer}/{len(result)}"
            self._lines[child] = event.start_mark.line + 1
            result.append(self._value(event, child, depth=depth + 1))
            self._spans[child] = (event.start_mark.index, self._end)
        return result

    def _key(self, event: Any) -> str:
        if isinstance(event, yaml.AliasEvent):
            value = self._alias(event)
            if not isinstance(value, str):
                raise error_at(event, "an alias as a key must stand for a string")
            return value
        if not isinstance(event, yaml.ScalarEvent):
            raise error_at(event, _BRACES_HINT)
        text: str = event.value
        if event.implicit[0] and not text:
            raise error_at(event, "a key is missing")
        if event.anchor:
            self._anchors[event.anchor] = (text, 1)
        return text

    def _alias(self, event: Any) -> JSONValue:
        if event.anchor not in self._anchors:
            raise error_at(event, "the alias has no anchor before it; a text that begins with * needs quotes")
        self._end = event.end_mark.index
        value, nodes = self._anchors[event.anchor]
        self._nodes += nodes
        self._alias_nodes += nodes
        if self._alias_nodes > self._limits.max_alias_nodes:
            raise error_at(event, f"aliases stand for more than {self._limits.max_alias_nodes} values")
        return value

    def _mark(self, event: Any) -> Mark:
        is_flow = bool(getattr(event, "flow_style", False))
        mark = mark_of(event, is_flow=is_flow)
        self._end = event.end_mark.index
        if not is_flow or not (event.anchor or event.tag):
            return mark
        bracket = self._text.find("{" if isinstance(event, yaml.MappingStartEvent) else "[", mark.offset)
        line_start = self._text.rfind("\n", 0, bracket) + 1
        line = mark.line + self._text.count("\n", mark.offset, bracket)
        return Mark(bracket, line, bracket - line_start, is_flow)


def _is_merge(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == _MERGE_KEY and event.implicit[0] and not event.tag


def _binary(event: Any) -> str:
    try:
        return base64.b64decode("".join(event.value.split()), validate=True).decode()
    except ValueError as error:
        raise error_at(event, "!!binary holds no base64 of a text") from error


def _scalar(event: Any) -> JSONValue:
    text: str = event.value
    if event.tag is None:
        return resolve_plain(text) if event.implicit[0] else text
    if event.tag in {"!", f"{_CORE}str"}:
        return text
    value = resolve_plain(text)
    kind = {type(None): "null", bool: "bool", int: "int", str: "str"}.get(type(value), "float")
    if event.tag == f"{_CORE}{kind}":
        return value
    raise error_at(event, f"{_shown(event.tag)} does not fit here; {_TAGS_HINT}")


def _require_tag(event: Any, kind: str) -> None:
    if event.tag not in {None, "!", f"{_CORE}{kind}"}:
        raise error_at(event, f"{_shown(event.tag)} is not allowed; {_TAGS_HINT}")


def _shown(tag: str) -> str:
    """Name a tag; one that no one knows may be a password without its quotes."""
    return f"the tag !!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else "the tag"
