"""Line marks in the text of templates, put there before it is compiled. Layer: render, pure.

A module of its own, because a rendering whose templates are all compiled already needs none of Jinja's extensions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from bundler.expressions.markers import is_part, line_of, mark_line, place_of

if TYPE_CHECKING:
    from bundler.render.templates import MarkedLanguage

_OBJECT_LINE = re.compile(r"(?m)^(?=[ -]*(?:apiVersion|kind)[ ]*:)")
_DOCUMENT_LINE = re.compile(r"(?m)^---[^\n]*\n")
_LINE_ENDS = re.compile(r"(?<=\n)")
_LINE_MARK = re.compile(r"\0L\d+:(?P<place>\d+)\0")
_CAPTURING = (nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock)


class LineMarks(Extension):
    """Puts line marks into the text between the tags."""

    environment: MarkedLanguage

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """Yield the tokens of a template with marks in its text."""
        file_index = self.environment.index_of(stream.name)
        if self.environment.marks_every_line:
            return _Places(file_index).tokens(stream)
        return self._with_objects_marked(stream, file_index)

    def _with_objects_marked(self, stream: TokenStream, file_index: int) -> Iterator[Token]:
        before = "block_end"
        for token in stream:
            if token.type == "data":
                starts_line = before != "variable_end"
                yield Token(token.lineno, "data", _marked(token.value, token.lineno, file_index, starts_line))
            else:
                yield token
            before = token.type


def _marked(data: str, line: int, file_index: int, starts_line: bool) -> str:  # noqa: FBT001 - private
    # the line after `---` stands for objects that have no line of their own: {{ object | to_yaml }}
    found = [(match.start(), 0) for match in _OBJECT_LINE.finditer(data)]
    found += [(match.start(), 1) for match in _DOCUMENT_LINE.finditer(data)]
    pieces = []
    end = 0
    for position, shift in sorted(place for place in found if place[0] or starts_line):
        line += data.count("\n", end, position)
        pieces += [data[end:position], mark_line(file_index, place_of(line + shift))]
        end = position
    return "".join([*pieces, data[end:]])


class _Places:
    """Gives each tag, and each piece of text of one line, a place of its own, which its tokens have in place of a line.

    Lines are marked as wholes, too: of a text that goes through macros, variables and filters no more is known.
    """

    def __init__(self, file_index: int) -> None:
        self._file_index = file_index
        self._place = 0

    def tokens(self, stream: TokenStream) -> Iterator[Token]:
        """Yield the tokens with their places, and with marks where something is printed."""
        before = "block_end"
        for token in stream:
            if token.type == "data":
                yield self._text(token, starts_line=before != "variable_end")
            else:
                if token.type in {"variable_begin", "block_begin"}:
                    self._next(token.lineno)
                if token.type == "variable_begin":
                    yield Token(self._place, "data", self._mark(self._place))
                yield Token(self._place, token.type, token.value)
            before = token.type

    def _text(self, token: Token, *, starts_line: bool) -> Token:
        """Return a text with its marks, as one token: a node for each line made long templates slow to compile."""
        pieces = []
        for line, text in enumerate(_LINE_ENDS.split(token.value), token.lineno):
            self._next(line)
            if starts_line:
                pieces.append(self._mark(place_of(line)))
            pieces += [self._mark(self._place), text]
            starts_line = True
        return Token(self._place, "data", "".join(pieces))

    def _next(self, line: int) -> None:
        self._place = self._place + 1 if line_of(self._place) == line else place_of(line, 1)

    def _mark(self, place: int) -> str:
        return mark_line(self._file_index, place)


def mark_whole_lines(parsed: nodes.Template) -> None:
    """Leave marks of whole lines alone in texts that are captured: templates look into those, and filters go over them.

    Args:
        parsed: a template with places; it is changed.
    """
    for capture in parsed.find_all(_CAPTURING):
        for text in capture.find_all(nodes.TemplateData):
            text.data = _LINE_MARK.sub(lambda mark: "" if is_part(int(mark["place"])) else mark[0], text.data)
