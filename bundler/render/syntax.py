"""What cannot be compiled in the templates and notes of a bundle, whatever its values are. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jinja2.exceptions import TemplateSyntaxError

from bundler.expressions.language import Language
from bundler.model.bundle import NOTES_FILE, Bundle, below, template_place
from bundler.model.manifest import Source
from bundler.render.templates import RenderFailedError, TemplateSet

if TYPE_CHECKING:
    from bundler.expressions.compiled import CompiledCodes
    from bundler.render.problems import Problem

_SHELL_COUNT = "${#"


def syntax_problems(bundle: Bundle, codes: CompiledCodes) -> Iterator[Problem]:
    """Yield the problem of each template that cannot be compiled; components count whether or not they are on.

    Args:
        bundle: the bundle, components included.
        codes: takes what is compiled.
    """
    for component, one in bundle.placed():
        yield from _problems(TemplateSet(one.templates, {}, folder=below(component, "templates/"), codes=codes))
        if one.notes:
            folder = f"{component}/" if component else ""
            yield from _problems(TemplateSet({NOTES_FILE: one.notes}, {}, folder=folder, codes=codes))


def stray_comments(bundle: Bundle) -> Iterator[tuple[Source, int]]:
    """Yield where ``${#``, which a shell counts with, starts a comment, and the line where that comment ends."""
    for component, one in bundle.placed():
        texts = {template_place(name): text for name, text in one.templates.items()}
        for file, text in {**texts, NOTES_FILE: one.notes}.items():
            if _SHELL_COUNT in text:
                yield from _comments(below(component, file), text)


def _comments(file: str, text: str) -> Iterator[tuple[Source, int]]:
    before, begin = "", 0
    try:
        for line, kind, value in Language(None).lex(text):
            if kind == "comment_begin":
                begin = line if before.endswith("$") else 0
            elif kind == "comment_end" and begin:
                yield Source(file, begin), line
            before = value
    except TemplateSyntaxError:
        return  # compiling it says what is wrong


def _problems(templates: TemplateSet) -> Iterator[Problem]:
    for name in templates.names:
        try:
            templates.compile(name)
        except RenderFailedError as failed:
            yield failed.problem
