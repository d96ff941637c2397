"""What cannot be compiled in the templates and notes of a bundle, whatever its values are. Layer: render, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.bundle import NOTES_FILE
from bundler.render.templates import RenderFailedError, TemplateSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import Bundle
    from bundler.render.problems import Problem


def syntax_problems(bundle: Bundle, codes: CompiledCodes, component: str = "") -> Iterator[Problem]:
    """Yield the problem of each template that cannot be compiled; components count whether or not they are on.

    Args:
        bundle: the bundle, components included.
        codes: takes what is compiled.
        component: path of the component that it is, ``/`` between levels.
    """
    prefix = f"{component}/" if component else ""
    yield from _problems(TemplateSet(bundle.templates, {}, folder=f"{prefix}templates/", codes=codes))
    if bundle.notes:
        yield from _problems(TemplateSet({NOTES_FILE: bundle.notes}, {}, folder=prefix, codes=codes))
    for name, inner in bundle.component_bundles.items():
        yield from syntax_problems(inner, codes, prefix + name)


def _problems(templates: TemplateSet) -> Iterator[Problem]:
    for name in templates.names:
        try:
            templates.compile(name)
        except RenderFailedError as failed:
            yield failed.problem
