"""The template line of any place in a rendered object. Layer: render, pure.

An object knows the line where it begins. The line of an image in it is asked for by few: errors, and the list of
images; what was read for a field, by those who ask why it changes. So nothing is kept for them while objects are
rendered: to answer, the template of the object renders once more, with marks on every line.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bundler.expressions.bounds import Bounds, Meter, metered
from bundler.model.json import escape_token, value_at_steps
from bundler.model.lean import dataclass, replace
from bundler.render.lines import offset_of_line
from bundler.render.types import FieldOrigin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bundler.model.json import JSONValue
    from bundler.model.manifest import Manifest, Source
    from bundler.model.refs import ObjectRef
    from bundler.render.objects import ObjectPart, TextPart
    from bundler.syntax.reader import MarkedDocument

_MAX_LINES = 500
"""Of one value are looked at."""


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
        """Return that line with what it reads, and what the lines below it read that print parts of the value.

        Without steps it is the line with which the object begins. None where no such object is rendered.
        """
        with metered(Meter(self._bounds)):
            found = self._find(ref)
            if found is None:
                return None
            value = value_at_steps(found.part.body, steps)
            lines = self._lines(found, steps, value) if steps else [found.part.source]
            origin = FieldOrigin(source=lines[0], component=self._files[ref][0], value=value)
            if found.text.reads_at is None or found.text.reads is None:
                return origin
            reads = list(map(found.text.reads_at, dict.fromkeys(lines)))
            return replace(
                origin,
                direct=frozenset(path for one in reads for path in one.direct),
                around=frozenset(path for one in reads for path in one.around),
                template=found.text.reads,
            )

    def _find(self, ref: ObjectRef) -> TracedObject | None:
        objects = self._objects(*self._files[ref]) if ref in self._files else {}
        named = objects.get((ref.group, ref.kind, ref.name), ())
        # which scope a kind has, only the whole bundle tells
        return next((one for one in named if one.ref.namespace == ref.namespace or not ref.namespace), None)

    def _source(self, found: TracedObject, steps: Sequence[str | int]) -> Source:
        return self._source_of(found, self._detail(found).line_of(_pointer(found, steps)))

    def _lines(self, found: TracedObject, steps: Sequence[str | int], value: JSONValue) -> list[Source]:
        """Return the template line of a value, then those of its parts, of a text of several lines each of them."""
        detail, pointer = self._detail(found), _pointer(found, steps)
        first = detail.line_of(pointer)
        if isinstance(value, str):
            rest: Iterable[int] = range(first + 1, first + min(value.count("\n"), _MAX_LINES) + 1)
        else:
            below = f"{pointer}/"
            rest = sorted({line for inner, line in detail.lines.items() if inner.startswith(below)})[:_MAX_LINES]
        return [self._source_of(found, line) for line in (first, *rest)]

    def _source_of(self, found: TracedObject, line: int) -> Source:
        return found.text.source_at(offset_of_line(found.text.text, line))

    def _detail(self, found: TracedObject) -> MarkedDocument:
        document = found.part.document
        if id(document) not in self._details:  # the items of a List share theirs
            self._details[id(document)] = document.detail()
        return self._details[id(document)]


def _pointer(found: TracedObject, steps: Sequence[str | int]) -> str:
    return found.part.pointer + "".join(f"/{escape_token(str(step))}" for step in steps)


def _by_name(objects: Iterable[TracedObject]) -> Mapping[tuple[str, str, str], Sequence[TracedObject]]:
    found: dict[tuple[str, str, str], list[TracedObject]] = {}
    for one in objects:
        found.setdefault((one.ref.group, one.ref.kind, one.ref.name), []).append(one)
    return found
