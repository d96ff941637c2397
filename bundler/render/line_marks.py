"""Line marks in the text of templates, put there before it is compiled. Layer: render, pure.

A module of its own, because a rendering whose templates are all compiled already needs none of Jinja's extensions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2.ext import Extension
from jinja2.lexer import Token

from bundler.expressions.markers import mark_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2.lexer import TokenStream

    from bundler.render.templates import MarkedLanguage

_OBJECT_LINE = re.compile(r"(?m)^(?=[ -]*(?:apiVersion|kind)[ ]*:)")
_DOCUMENT_LINE = re.compile(r"(?m)^---[^\n]*\n")
_NEWLINE = re.compile(r"(?<=\n)")


class LineMarks(Extension):
    """Puts line marks into the text between the tags."""

    environment: MarkedLanguage

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """Yield the tokens of a template with marks in its text."""
        file_index = self.environment.index_of(stream.name)
        before = "block_end"
        for token in stream:
            if token.type == "data":
                starts_line = before != "variable_end"
                yield Token(token.lineno, "data", self._marked(token.value, token.lineno, file_index, starts_line))
            else:
                yield token
            before = token.type

    def _marked(self, data: str, line: int, file_index: int, starts_line: bool) -> str:  # noqa: FBT001 - private
        pieces = []
        end = 0
        for position, shift in self._places(data, starts_line=starts_line):
            line += data.count("\n", end, position)
            pieces += [data[end:position], mark_line(file_index, line + shift)]
            end = position
        return "".join([*pieces, data[end:]])

    def _places(self, data: str, *, starts_line: bool) -> list[tuple[int, int]]:
        if self.environment.marks_every_line:
            found = [(match.start(), 0) for match in _NEWLINE.finditer(data)]
            return [(0, 0), *found] if starts_line and (not found or found[0][0]) else found
        # the line after `---` stands for objects that have no line of their own: {{ object | to_yaml }}
        found = [(match.start(), 0) for match in _OBJECT_LINE.finditer(data)]
        found += [(match.start(), 1) for match in _DOCUMENT_LINE.finditer(data)]
        return sorted(place for place in found if place[0] or starts_line)
