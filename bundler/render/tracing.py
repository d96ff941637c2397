"""The template line of any place in a rendered object. Layer: render, pure.

An object knows the line where it begins. The line of an image in it is asked for by few: errors, and the list of
images; what was read for a field, by those who ask why it changes. So nothing is kept for them while objects are
rendered: to answer, the template of the object renders once more, with marks on every line and around every tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from bundler.expressions.bounds import Bounds, Meter, metered
from bundler.model.json import escape_token, value_at_steps
from bundler.model.lean import dataclass, replace
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.render.kept_lines import first_letter
from bundler.render.lines import offset_of_line
from bundler.render.types import FieldOrigin

if TYPE_CHECKING:
    from bundler.render.objects import ObjectPart, TextPart
    from bundler.render.templates import PrintedPart
    from bundler.syntax.reader import MarkedDocument


@dataclass(frozen=True, slots=True)
class TracedObject:
    """One object, where it is in its text, and how that text maps to template lines."""

    ref: ObjectRef
    part: ObjectPart
    text: TextPart


class Tracer:
    """Finds template lines, and what they read, in one rendering."""

    def __init__(
        self, manifests: Iterable[Manifest], render: Callable[[str, str], Sequence[TracedObject]], bounds: Bounds
    ) -> None:
        """Know nothing yet.

        Args:
            manifests: what was rendered.
            render: renders one file of a component once more; called when something of it is asked for.
            bounds: of that.
        """
        # of one that is rendered twice, the first
        self._files = {one.ref: (one.component, one.source.file) for one in reversed([*manifests])}
        self._objects = cache(lambda component, file: _by_name(render(component, file)))
        self._bounds = bounds
        self._details: dict[int, MarkedDocument] = {}

    def find_source(self, ref: ObjectRef, steps: Sequence[str | int]) -> Source | None:
        """Return the template line that printed the value at ``steps``, or what is nearest around it.

        None where no such object is rendered.
        """
        with metered(Meter(self._bounds)):
            found = self._find(ref)
            return None if found is None else self._source(found, steps)

    def find_origin(self, ref: ObjectRef, steps: Sequence[str | int]) -> FieldOrigin | None:
        """Return that line with what is read for all that the text has of the field: its key, and its value.

        Without steps it is the line with which the object begins. None where no such object is rendered.
        """
        with metered(Meter(self._bounds)):
            found = self._find(ref)
            if found is None:
                return None
            source = self._source(found, steps) if steps else found.part.source
            value = value_at_steps(found.part.body, steps)
            origin = FieldOrigin(source=source, component=self._files[ref][0], value=value)
            if found.text.parts_of is None or found.text.reads is None:
                return origin
            parts = list(found.text.parts_of(*self._span(found, steps)))
            return replace(
                origin,
                direct=frozenset(path for one in parts for path in one.reads.direct),
                around=frozenset(path for one in parts for path in one.reads.around),
                is_certain=all(self._is_read_for(found, steps, one) for one in parts),
                template=found.text.reads,
            )

    def _find(self, ref: ObjectRef) -> TracedObject | None:
        objects = self._objects(*self._files[ref]) if ref in self._files else {}
        named = objects.get((ref.group, ref.kind, ref.name), ())
        # which scope a kind has, only the whole bundle tells
        return next((one for one in named if one.ref.namespace == ref.namespace or not ref.namespace), None)

    def _source(self, found: TracedObject, steps: Sequence[str | int]) -> Source:
        line = self._detail(found).line_of(_pointer(found, steps))
        return found.text.source_at(offset_of_line(found.text.text, line))

    def _span(self, found: TracedObject, steps: Sequence[str | int]) -> tuple[int, int]:
        """Return where a field begins and ends in the text; of one that is missing, the beginning of what is around."""
        detail, pointer, text = self._detail(found), _pointer(found, steps), found.text.text
        if steps and pointer in detail.spans:
            start, end = detail.spans[pointer]
            return start, first_letter(text, start + len(text[start:end].rstrip()))
        while pointer and pointer not in detail.spans:
            pointer = pointer.rpartition("/")[0]
        start = detail.spans[pointer][0] if pointer else detail.marks[""].offset
        return start, start + 1

    def _is_read_for(self, found: TracedObject, steps: Sequence[str | int], part: PrintedPart) -> bool:
        """Return whether all that is read for a part of the text is read for this field: it prints no other one."""
        if len(part.reads.direct) <= int(part.is_exact):
            return True
        own = _pointer(found, steps)
        return not any(
            start < part.end and end > part.start and not _is_around(own, other) and not _is_around(other, own)
            for other, (start, end) in self._detail(found).spans.items()
        )

    def _detail(self, found: TracedObject) -> MarkedDocument:
        document = found.part.document
        if id(document) not in self._details:  # the items of a List share theirs
            self._details[id(document)] = document.detail()
        return self._details[id(document)]


def _pointer(found: TracedObject, steps: Sequence[str | int]) -> str:
    return found.part.pointer + "".join(f"/{escape_token(str(step))}" for step in steps)


def _is_around(pointer: str, other: str) -> bool:
    return f"{other}/".startswith(f"{pointer}/")


def _by_name(objects: Iterable[TracedObject]) -> Mapping[tuple[str, str, str], Sequence[TracedObject]]:
    found: dict[tuple[str, str, str], list[TracedObject]] = {}
    for one in objects:
        found.setdefault((one.ref.group, one.ref.kind, one.ref.name), []).append(one)
    return found
