"""Render NOTES.md, for people to read after an install. Layer: render, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.expressions.bounds import Meter, metered
from bundler.model.bundle import NOTES_FILE, Bundle
from bundler.render.names import GeneratedAddresses, base_names, generated_secrets
from bundler.render.problems import raise_problems
from bundler.render.sensitive import redactor_of
from bundler.render.templates import RenderFailedError, TemplateSet

if TYPE_CHECKING:
    from bundler.model.values import MergedValues
    from bundler.render.types import RenderContext


def render_notes(bundle: Bundle, values: MergedValues, context: RenderContext, *, revision: int, operation: str) -> str:
    """Render the notes of the top bundle; empty where it has none.

    Args:
        bundle: whose notes.
        values: its merged values.
        context: as for the templates.
        revision: the number that is being made.
        operation: ``install``, ``upgrade`` or ``rollback``.

    Raises:
        RenderError: when they cannot be rendered.
    """
    if not bundle.notes:
        return ""
    site = {**bundle.site_defaults, **context.site}
    names = base_names(bundle, values, context, component="", site=site)
    names["generated"] = GeneratedAddresses(generated_secrets(bundle, names, context, component=""))
    names |= {"revision": revision, "operation": operation}
    files = {**bundle.templates, NOTES_FILE: bundle.notes}
    templates = TemplateSet(files, names, folder="", codes=context.codes)
    try:
        with context.codes, metered(Meter(context.bounds)):
            return templates.render(NOTES_FILE).text
    except RenderFailedError as failed:
        raise_problems([failed.problem], f"rendering the notes of {bundle.metadata.name}", redactor_of(values))
        raise
