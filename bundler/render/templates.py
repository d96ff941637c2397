"""Compile and run the templates of one bundle. Layer: render, pure.

Printed text carries line marks (see ``expressions.markers``). In the fast mode only lines that begin an object carry
one; when something is wrong with the text, the template is run again with a mark on every line.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from jinja2.ext import Extension
from jinja2.lexer import Token
from jinja2.loaders import FunctionLoader

from bundler.expressions.bounds import current_meter
from bundler.expressions.failures import FAILURES, explain, template_frames
from bundler.expressions.language import Language
from bundler.expressions.markers import finish_text, mark_line
from bundler.model.lean import dataclass
from bundler.model.manifest import Source
from bundler.render.compiled import code_key
from bundler.render.problems import Problem, problem_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jinja2.lexer import TokenStream

    from bundler.render.compiled import CompiledTemplates

# Kept as text: a template that was compiled before needs none of them.
_OBJECT_LINE = r"(?m)^(?=[ -]*(?:apiVersion|kind)[ ]*:)"
_DOCUMENT_LINE = r"(?m)^---[^\n]*\n"
_NEWLINE = r"(?<=\n)"
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class RenderedText:
    """What one template printed."""

    name: str
    text: str
    notes: tuple[tuple[int, int, int], ...]
    """(offset in the text, index of the file, line in it), in order."""


class RenderFailedError(Exception):
    """A template failed; ``problem`` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


class _LineMarks(Extension):
    """Puts line marks into the text between the tags."""

    environment: _MarkedLanguage

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
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
            pieces += [data[end:position], mark_line(file_index, line + data.count("\n", 0, position) + shift)]
            end = position
        return "".join([*pieces, data[end:]])

    def _places(self, data: str, *, starts_line: bool) -> list[tuple[int, int]]:
        if self.environment.marks_every_line:
            found = [(match.start(), 0) for match in re.finditer(_NEWLINE, data)]
            return [(0, 0), *found] if starts_line and (not found or found[0][0]) else found
        # the line after `---` stands for objects that have no line of their own: {{ object | to_yaml }}
        found = [(match.start(), 0) for match in re.finditer(_OBJECT_LINE, data)]
        found += [(match.start(), 1) for match in re.finditer(_DOCUMENT_LINE, data)]
        return sorted(place for place in found if place[0] or starts_line)


class _MarkedLanguage(Language):
    """The language with line marks switched on."""

    def __init__(self, files: Mapping[str, str], compiled: CompiledTemplates, *, marks_every_line: bool) -> None:
        self._indexes: dict[str, int] = {}
        self._compiled = compiled
        self.marks_every_line = marks_every_line
        super().__init__(FunctionLoader(lambda name: files.get(name) if is_partial(name) else None))
        self.add_extension(_LineMarks)

    def compile(self, source: Any, name: str | None = None, filename: str | None = None, *rest: Any) -> Any:
        """Compile a template once, however often its bundle is rendered."""
        if rest or not isinstance(source, str):
            return super().compile(source, name, filename, *rest)
        key = code_key(source, name, filename, self.index_of(name), self.marks_every_line)
        code = self._compiled.find(key)
        if code is None:
            code = super().compile(source, name, filename)
            self._compiled.add(key, code)
        return code

    def index_of(self, name: str | None) -> int:
        """Return the number by which marks name a file."""
        return self._indexes.setdefault(name or "", len(self._indexes))

    @property
    def file_names(self) -> list[str]:
        """File names by their number."""
        return list(self._indexes)


def is_partial(path: str) -> bool:
    """Tell whether a template is only included or imported."""
    return path.rpartition("/")[2].startswith("_")


class TemplateSet:
    """The templates of one bundle, with the names they see."""

    def __init__(
        self, files: Mapping[str, str], names: Mapping[str, object], *, folder: str, compiled: CompiledTemplates
    ) -> None:
        self._files = files
        self._compiled = compiled
        self._names = dict(names)
        self._folder = folder
        self._language = self._make_language(marks_every_line=False)
        self._traced: dict[str, tuple[RenderedText, _MarkedLanguage]] = {}

    def render(self, name: str) -> RenderedText:
        """Render one template within the current meter.

        Raises:
            RenderFailedError: with the problem and its place.
        """
        try:
            return self._run(name, self._language)
        except FAILURES as error:
            raise RenderFailedError(self._problem_of(error, name)) from error

    def source_at(self, rendered: RenderedText, offset: int) -> Source:
        """Return the template line that printed the line at ``offset``; the template runs again to find it."""
        if rendered.name not in self._traced:
            self._traced[rendered.name] = self._trace(rendered)
        traced, language = self._traced[rendered.name]
        line_start = rendered.text.rfind("\n", 0, offset) + 1
        before = [note for note in traced.notes if note[0] <= line_start]
        chosen = before[-1] if before else traced.notes[0] if traced.notes else None
        return self._source(language, chosen, rendered.name)

    def _trace(self, rendered: RenderedText) -> tuple[RenderedText, _MarkedLanguage]:
        language = self._make_language(marks_every_line=True)
        try:
            traced = self._run(rendered.name, language)
        except FAILURES:
            return rendered, self._language
        # a template that looks at its own text (a set block compared with something) saw the marks
        return (traced, language) if traced.text == rendered.text else (rendered, self._language)

    def object_source(self, rendered: RenderedText, note: tuple[int, int, int] | None) -> Source:
        """Return the template line of a note of the fast mode."""
        return self._source(self._language, note, rendered.name)

    def text_of(self, source: Source) -> str:
        """Return the text of the template that ``source`` names."""
        return self._files.get(source.file.removeprefix(self._folder), "")

    def _source(self, language: _MarkedLanguage, note: tuple[int, int, int] | None, name: str) -> Source:
        if note is None:
            return Source(self._folder + name, 1)
        return Source(self._folder + language.file_names[note[1]], note[2])

    def _make_language(self, *, marks_every_line: bool) -> _MarkedLanguage:
        language = _MarkedLanguage(self._files, self._compiled, marks_every_line=marks_every_line)
        # globals, because imported files see no others
        language.globals.update(self._names)
        return language

    def _run(self, name: str, language: _MarkedLanguage) -> RenderedText:
        code = language.compile(self._files[name], name, name)
        template = language.template_class.from_code(language, code, language.make_globals(None))
        notes: list[tuple[int, int, int]] = []
        pieces = template.root_render_func(template.new_context())
        printed = "".join(_bounded(pieces)).replace("\r\n", "\n")
        text = finish_text(printed, lambda offset, file_index, line: notes.append((offset, file_index, line)))
        return RenderedText(name, text, tuple(notes))

    def _problem_of(self, error: BaseException, name: str) -> Problem:
        failure = explain(error, self._names)
        frames = [Source(self._folder + file, line) for file, line in template_frames(error)]
        frames = frames or [Source(self._folder + name, 1)]
        return problem_at(failure, frames, self.text_of(frames[-1]))


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    meter = current_meter()
    while chunk := list(islice(pieces, _CHUNK)):
        meter.charge_output(sum(map(len, chunk)))
        yield from chunk
