"""The template line of any place in a rendered object. Layer: render, pure.

An object knows the line where it begins. The line of an image in it is asked for by few: errors, and the list of
images; what was read for a field, by those who ask why it changes. So nothing is kept for them while objects are
rendered: to answer, the template of the object renders once more, with marks on every line.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bundler.expressions.bounds import Bounds, Meter, metered
from bundler.model.json import escape_token
from bundler.model.lean import dataclass
from bundler.render.lines import offset_of_line
from bundler.render.types import FieldOrigin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bundler.model.manifest import Manifest, Source
    from bundler.model.refs import ObjectRef
    from bundler.render.objects import ObjectPart, TextPart
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
        self._files = {one.ref: (one.component, one.source.file) for one in manifests}
        self._render, self._bounds = cache(render), bounds
        self._details: dict[int, MarkedDocument] = {}

    def find_source(self, ref: ObjectRef, steps: Sequence[str | int]) -> Source | None:
        """Return the template line that printed the value at ``steps``, or what is nearest around it.

        None where no such object is rendered.
        """
        with metered(Meter(self._bounds)):
            found = self._find(ref)
            return None if found is None else self._source(found, steps)

    def find_origin(self, ref: ObjectRef, steps: Sequence[str | int]) -> FieldOrigin | None:
        """Return that line with what it reads; where there are no steps, the line with which the object begins.

        None where no such object is rendered.
        """
        with metered(Meter(self._bounds)):
            found = self._find(ref)
            if found is None:
                return None
            source = self._source(found, steps) if steps else found.part.source
            component, text = self._files[ref][0], found.text
            if text.reads_at is None or text.reads is None:
                return FieldOrigin(source=source, component=component)
            reads = text.reads_at(source)
            return FieldOrigin(
                source=source, component=component, direct=reads.direct, around=reads.around, template=text.reads
            )

    def _find(self, ref: ObjectRef) -> TracedObject | None:
        objects = self._render(*self._files[ref]) if ref in self._files else ()
        return next((one for one in objects if _is_same(one.ref, ref)), None)

    def _source(self, found: TracedObject, steps: Sequence[str | int]) -> Source:
        document = found.part.document
        if id(document) not in self._details:  # the items of a List share theirs
            self._details[id(document)] = document.detail()
        pointer = found.part.pointer + "".join(f"/{escape_token(str(step))}" for step in steps)
        line = self._details[id(document)].line_of(pointer)
        return found.text.source_at(offset_of_line(found.text.text, line))


def _is_same(one: ObjectRef, other: ObjectRef) -> bool:
    """Return whether two objects are one; which scope a kind has, only the whole bundle tells."""
    return (one.group, one.kind, one.name) == (other.group, other.kind, other.name) and (
        one.namespace == other.namespace or "" in {one.namespace, other.namespace}
    )
