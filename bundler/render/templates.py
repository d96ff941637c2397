"""Compile and run the templates of one bundle. Layer: render, pure.

Printed text carries line marks (see ``expressions.markers``). In the fast mode only lines that begin an object carry
one; when something is wrong with the text, or someone asks what was read for a part of it, the template is run again
with a mark on every line, and around every tag.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from jinja2.loaders import FunctionLoader

import bundler.render
from bundler import expressions
from bundler.expressions.bounds import current_meter
from bundler.expressions.compiled import CompiledCodes, code_key
from bundler.expressions.language import FAILURES, Language
from bundler.expressions.markers import finish_text, is_part, line_of
from bundler.model.bundle import BESIDE_TEMPLATES
from bundler.model.lean import dataclass
from bundler.model.manifest import Source
from bundler.render.problems import Problem, problem_at

if TYPE_CHECKING:
    from bundler.expressions.template_facts import Facts
    from bundler.expressions.template_reads import LineReads, TemplateReads

_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class RenderedText:
    """What one template printed."""

    name: str
    text: str
    notes: tuple[tuple[int, int, int], ...]
    """(offset in the text, index of the file, place in it), in order."""


@dataclass(frozen=True, slots=True)
class PrintedPart:
    """A part of a printed text that is all of one place of a template, and what is read for it."""

    start: int
    end: int
    is_exact: bool
    """False: the place is a whole line."""
    reads: LineReads


@cache
def _keeping_lines(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter for texts with line marks; it is the same in each language."""
    return bundler.render.kept_lines.keeping_lines(function)


class RenderFailedError(Exception):
    """A template failed; ``problem`` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


class MarkedLanguage(Language):
    """The language whose templates carry line marks; a template that was compiled before has them in its code."""

    def __init__(self, files: Mapping[str, str], codes: CompiledCodes, *, marks_every_line: bool) -> None:
        self._indexes: dict[str, int] = {}
        self._codes = codes
        self.marks_every_line = marks_every_line
        super().__init__(FunctionLoader(lambda name: files.get(name) if is_partial(name) else None))
        if marks_every_line:
            self.filters = {name: _keeping_lines(function) for name, function in self.filters.items()}

    def find_method(self, obj: Any, name: str, existing: str, line: int) -> Any:
        """Return what ``obj.name(…)`` calls; a method of a text keeps the marks of its lines."""
        if not self.marks_every_line or type(obj) is not str:
            return super().find_method(obj, name, existing, line)
        method = super().find_method

        def call(text: str, *args: Any) -> Any:
            return method(text, name, existing, line)(*args)

        return partial(bundler.render.kept_lines.keeping_lines(call), obj)

    def compare(self, values: tuple[Any, ...], operators: tuple[str, ...]) -> bool:
        """Compare texts by what they say, without marks."""
        if self.marks_every_line:
            values = tuple(map(bundler.render.kept_lines.without_marks, values))
        return super().compare(values, operators)

    def compile(self, source: Any, name: str | None = None, filename: str | None = None, *rest: Any) -> Any:
        """Compile a template once, however often its bundle is rendered."""
        if rest or not isinstance(source, str):
            return super().compile(source, name, filename, *rest)
        key = self._key(source, name, filename)
        found = self._codes.find(key)
        if found is not None:
            return found[0]
        self._load_marks()
        facts: Facts = frozenset()
        parsed: Any = source
        if self.marks_every_line:
            parsed = self.parse(source, name, filename)
            bundler.render.line_marks.mark_whole_lines(parsed)
            facts = expressions.template_facts.facts_in(parsed)
        code = super().compile(parsed, name, filename)
        self._codes.add(key, (code, True, facts))
        return code

    def facts_of(self, source: str, name: str) -> Facts:
        """Return what a file says of what it reads; known where lines are marked, for those who ask what made them."""
        self.compile(source, name, name)
        found = self._codes.find(self._key(source, name, name))
        return found[2] if found is not None else frozenset()

    def _key(self, source: str, name: str | None, filename: str | None) -> str:
        return code_key("template", source, name, filename, self.index_of(name), self.marks_every_line)

    def _load_marks(self) -> None:
        if bundler.render.line_marks.LineMarks.identifier not in self.extensions:
            self.add_extension(bundler.render.line_marks.LineMarks)

    def index_of(self, name: str | None) -> int:
        """Return the number by which marks name a file."""
        return self._indexes.setdefault(name or "", len(self._indexes))

    @property
    def file_names(self) -> list[str]:
        """File names by their number."""
        return list(self._indexes)


def is_partial(path: str) -> bool:
    """Return whether a template is only included or imported."""
    return path.rpartition("/")[2].startswith("_")


class TemplateSet:
    """The templates of one bundle, with the names they see."""

    def __init__(
        self, files: Mapping[str, str], names: Mapping[str, object], *, folder: str, codes: CompiledCodes
    ) -> None:
        self._files = files
        self._codes = codes
        self._names = dict(names)
        self._folder = folder
        self._language = self._make_language(marks_every_line=False)
        self._traced: dict[str, tuple[RenderedText, MarkedLanguage]] = {}
        self._reads: dict[str, TemplateReads] = {}
        self._sources: dict[tuple[str, tuple[int, int] | None], Source] = {}

    @property
    def names(self) -> list[str]:
        """Every template, sorted; those that are only included too."""
        return sorted(self._files)

    def compile(self, name: str) -> None:
        """Compile one template, to see whether that can be done.

        Raises:
            RenderFailedError: with the problem and its place.
        """
        try:
            self._language.compile(self._files[name], name, name)
        except FAILURES as error:
            raise RenderFailedError(self._problem_of(error, name)) from error

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
        traced, language = self._traced_of(rendered)
        line_start = rendered.text.rfind("\n", 0, offset) + 1
        # what is printed behind an indentation brings its own mark
        begins = bundler.render.kept_lines.first_letter(rendered.text, line_start)
        before = bisect_right(traced.notes, begins, key=itemgetter(0))
        chosen = traced.notes[max(0, before - 1)] if traced.notes else None
        return self._source(language, chosen, rendered.name)

    def _traced_of(self, rendered: RenderedText) -> tuple[RenderedText, MarkedLanguage]:
        if rendered.name not in self._traced:
            self._traced[rendered.name] = self._trace(rendered)
        return self._traced[rendered.name]

    def _trace(self, rendered: RenderedText) -> tuple[RenderedText, MarkedLanguage]:
        language = self._make_language(marks_every_line=True)
        try:
            traced = self._run(rendered.name, language)
        except FAILURES:
            return rendered, self._language
        # a template that looks at its own text (whether a set block is empty) saw the marks
        return (traced, language) if traced.text == rendered.text else (rendered, self._language)

    def object_source(self, rendered: RenderedText, note: tuple[int, int, int] | None) -> Source:
        """Return the template line of a note of the fast mode; the lines of a loop print many objects each."""
        place = (rendered.name, note[1:] if note else None)
        if place not in self._sources:
            self._sources[place] = self._source(self._language, note, rendered.name)
        return self._sources[place]

    def reads_of(self, name: str) -> TemplateReads:
        """Return which values the lines of a template, and of the files that it uses, read."""
        if name not in self._reads:
            language = self._make_language(marks_every_line=True)
            partials = [file for file in self._files if is_partial(file)]

            def facts(file: str) -> Facts:
                return language.facts_of(self._files[file], file) if file in self._files else frozenset()

            self._reads[name] = expressions.template_reads.TemplateReads(name, facts, partials)
        return self._reads[name]

    def parts_of(self, rendered: RenderedText, start: int, end: int) -> Iterator[PrintedPart]:
        """Yield the parts of a printed text that cover some of it, with what the template reads for each.

        Args:
            rendered: the text.
            start: of what is asked about.
            end: of it.
        """
        traced, language = self._traced_of(rendered)
        notes, reads = traced.notes, self.reads_of(rendered.name)
        first = max(0, bisect_right(notes, start, key=itemgetter(0)) - 1)
        site = next((one for one in reversed(notes[: first + 1]) if is_part(one[2])), (0, 0, 0))
        for index in range(first, len(notes)):
            at, file, place = notes[index]
            site = notes[index] if is_part(place) else site
            to, _, following = notes[index + 1] if index + 1 < len(notes) else (len(traced.text), 0, 0)
            if at > end:
                return
            # an expression that printed nothing counts where it is; a whole line does not that has parts
            is_empty = start < at == to and is_part(place) and is_part(following)
            if is_empty or (to > start and at < min(to, end)):
                names = language.file_names
                printed_by = (names[site[1]], site[2])
                yield PrintedPart(at, to, is_part(place), reads.printed_at(names[file], place, printed_by))

    def text_of(self, source: Source) -> str:
        """Return the text of the template that ``source`` names."""
        return self._files.get(self._named(source.file), "")

    def _named(self, file: str) -> str:
        """Return the template that is in a file, as the user knows it."""
        return next((name for name in self._files if self._place(name) == file), "")

    def _place(self, name: str) -> str:
        """Return how the user knows a template: those of hooks/ and checks/ are beside the folder."""
        if name.startswith(BESIDE_TEMPLATES):
            return self._folder.removesuffix("templates/") + name.removeprefix(BESIDE_TEMPLATES)
        return self._folder + name

    def _source(self, language: MarkedLanguage, note: tuple[int, int, int] | None, name: str) -> Source:
        if note is None:
            return Source(self._place(name), 1)
        return Source(self._place(language.file_names[note[1]]), line_of(note[2]))

    def _make_language(self, *, marks_every_line: bool) -> MarkedLanguage:
        language = MarkedLanguage(self._files, self._codes, marks_every_line=marks_every_line)
        # globals, because imported files see no others
        language.globals.update(self._names)
        return language

    def _run(self, name: str, language: MarkedLanguage) -> RenderedText:
        code = language.compile(self._files[name], name, name)
        template = language.template_class.from_code(language, code, language.make_globals(None))
        notes: list[tuple[int, int, int]] = []
        pieces = template.root_render_func(template.new_context())
        printed = "".join(_bounded(pieces)).replace("\r\n", "\n")
        text = finish_text(printed, notes)
        return RenderedText(name, text, tuple(notes))

    def _problem_of(self, error: BaseException, name: str) -> Problem:
        failure = expressions.failures.explain(error, self._names)
        frames = [Source(self._place(file), line) for file, line in expressions.failures.template_frames(error)]
        frames = frames or [Source(self._place(name), 1)]
        return problem_at(failure, frames, self.text_of(frames[-1]))


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    meter = current_meter()
    while chunk := list(islice(pieces, _CHUNK)):
        meter.charge_output(sum(map(len, chunk)))
        yield from chunk
