"""Write labels and the namespace into rendered text, touching nothing else. Layer: render, pure.

Every mapping that gets keys gets them before its first one, where its indentation and style are known; comments and
formatting stay as the author's template made them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bundler.model.json import Body, JSONValue, mapping_at
from bundler.model.pattern import LazyPattern
from bundler.syntax.writer import dump_yaml

if TYPE_CHECKING:
    from bundler.syntax.events import Mark

Pairs: TypeAlias = "tuple[tuple[str, str], ...]"
Additions: TypeAlias = "tuple[tuple[str, str | Pairs], ...]"
FindMark: TypeAlias = "Callable[[str], Mark | None]"
"""Path inside metadata (empty for metadata itself, ``labels``) -> where that value starts."""

_NULL_SCALAR = LazyPattern(r"(?:~|null|Null|NULL)?(?![^\s,}#])")


class Insertion(NamedTuple):
    """Text that takes the place of ``length`` characters at ``offset``."""

    offset: int
    text: str
    length: int = 0


class Stamps(NamedTuple):
    """What one object gets; keys that the author wrote are not in it."""

    namespace: str
    """Empty where the object is cluster-scoped or names one itself."""
    labels: Pairs


class UnspliceableError(Exception):
    """The metadata is written in a way that cannot take keys without changing something else."""


def stamped_body(body: Body, stamps: Stamps) -> Body:
    """Return ``body`` with the stamps; what is not touched is shared."""
    stamped = dict(mapping_at(body, "metadata"))
    if stamps.namespace:
        stamped["namespace"] = stamps.namespace
    if stamps.labels:
        stamped["labels"] = {**mapping_at(stamped, "labels"), **dict(stamps.labels)}
    return {**body, "metadata": stamped}


def insertions(metadata: Body, stamps: Stamps, find_mark: FindMark, text: str) -> list[Insertion]:
    """Return what to insert into ``text`` so that it reads as :func:`stamped_body` does.

    Args:
        metadata: the object's metadata as it was read.
        stamps: what it gets.
        find_mark: where metadata and labels start.
        text: the text that the marks count in.

    Raises:
        UnspliceableError: when metadata or labels are an alias of something else.
    """
    top: list[tuple[str, str | Pairs]] = []
    if stamps.namespace:
        if "namespace" in metadata:
            raise UnspliceableError("metadata.namespace is empty")
        top.append(("namespace", stamps.namespace))
    found: list[Insertion] = []
    if stamps.labels and "labels" in metadata:
        found.append(_into(metadata["labels"], stamps.labels, find_mark("labels"), text))
    elif stamps.labels:
        top.append(("labels", stamps.labels))
    if top:
        found.append(_into(metadata, tuple(top), find_mark(""), text))
    return found


def _into(present: JSONValue, additions: Additions, mark: Mark | None, text: str) -> Insertion:
    if mark is None:
        raise UnspliceableError("it is an alias (*name) of another part of the document")
    if present is None:
        scalar = _NULL_SCALAR.match(text, mark.offset)
        if scalar is None:
            raise UnspliceableError("it is null in a spelling of its own")
        lead = "" if text[mark.offset - 1 : mark.offset] in {" ", "\t"} else " "
        return Insertion(offset=mark.offset, text=f"{lead}{{{_flow(additions)}}}", length=scalar.end() - mark.offset)
    if mark.is_flow:
        separator = ", " if present else ""
        return Insertion(offset=mark.offset + 1, text=_flow(additions) + separator)
    return _before_first_key(additions, mark, text)


@lru_cache(maxsize=256)
def _flow(additions: Additions) -> str:
    return json.dumps(_mapping_of(additions), ensure_ascii=False)[1:-1]


def _mapping_of(additions: Additions) -> dict[str, JSONValue]:
    return {key: value if isinstance(value, str) else dict(value) for key, value in additions}


@lru_cache(maxsize=256)
def _block(additions: Additions, margin: str) -> str:
    """Return the lines of a block mapping; the same few for thousands of objects."""
    return dump_yaml(_mapping_of(additions)).replace("\n", "\n" + margin)


def _before_first_key(additions: Additions, mark: Mark, text: str) -> Insertion:
    margin = " " * mark.column
    block = _block(additions, margin)
    line_start = text.rfind("\n", 0, mark.offset) + 1
    if text[line_start : mark.offset].strip(" "):
        return Insertion(offset=mark.offset, text=block)
    # a comment above the first key belongs to it
    while (above := text.rfind("\n", 0, line_start - 1) + 1) < line_start and text[above:line_start].lstrip(" ")[
        :1
    ] == "#":
        line_start = above
    return Insertion(offset=line_start, text=margin + block.removesuffix(margin))


def apply_insertions(text: str, found: list[Insertion]) -> str:
    """Return ``text`` with all insertions made."""
    pieces = []
    end = 0
    for insertion in sorted(found, key=lambda one: one.offset):
        pieces += [text[end : insertion.offset], insertion.text]
        end = insertion.offset + insertion.length
    return "".join([*pieces, text[end:]])
