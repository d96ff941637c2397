"""The template line of any place in a rendered object. Layer: render, pure.

An object knows the line where it begins. The line of an image in it is asked for by few: errors, and the list of
images. So nothing is kept for them while objects are rendered; who asks renders once more, with marks on every line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.expressions.bounds import Bounds, Meter, metered
from bundler.model.json import escape_token
from bundler.model.lean import dataclass
from bundler.render.lines import offset_of_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bundler.model.manifest import Source
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
    """Finds template lines in one rendering."""

    def __init__(self, render: Callable[[], Iterable[TracedObject]], bounds: Bounds) -> None:
        """Know nothing yet; ``render`` is called at the first question."""
        self._render, self._bounds = render, bounds
        self._found: dict[ObjectRef, TracedObject] | None = None
        self._details: dict[int, MarkedDocument] = {}

    def find_source(self, ref: ObjectRef, steps: Sequence[str | int]) -> Source | None:
        """Return the template line that printed the value at ``steps``, or what is nearest around it.

        None where no such object is rendered.
        """
        with metered(Meter(self._bounds)):
            if self._found is None:
                self._found = {}
                for one in self._render():
                    self._found.setdefault(one.ref, one)
            found = self._found.get(ref)
            return None if found is None else self._source(found, steps)

    def _source(self, found: TracedObject, steps: Sequence[str | int]) -> Source:
        document = found.part.document
        if id(document) not in self._details:  # the items of a List share theirs
            self._details[id(document)] = document.detail()
        pointer = found.part.pointer + "".join(f"/{escape_token(str(step))}" for step in steps)
        line = self._details[id(document)].line_of(pointer)
        return found.text.source_at(offset_of_line(found.text.text, line))
