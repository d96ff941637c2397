"""Which values templates read, as far as their text tells. Layer: expressions, pure.

What is computed while rendering cannot be seen here, so all that may be read counts as read: ``values[key]`` and
``values.web | to_yaml`` read everything below, and a variable is what any template of the bundle sets it to.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from bundler.errors.bundle import TemplateSyntaxError
from bundler.expressions.failures import explain
from bundler.expressions.language import FAILURES, Language
from bundler.expressions.template_facts import Facts, facts_in
from bundler.expressions.template_reads import VALUES, TemplateReads

if TYPE_CHECKING:
    from bundler.expressions.expression import ValuePath


def read_paths(templates: Mapping[str, str]) -> frozenset[ValuePath]:
    """Return the keys below ``values`` of all that ``templates`` (name -> text) read; the empty path is everything.

    What is below a path that is returned counts as read too.

    Raises:
        TemplateSyntaxError: when one is not valid.
    """
    language = Language()

    @cache
    def facts(name: str) -> Facts:
        return _facts(language, name, templates.get(name, ""))

    found = {path for name in templates for path in TemplateReads(name, facts, templates).all()}
    return frozenset(path[1:] for path in found if path[0] == VALUES)


def _facts(language: Language, name: str, text: str) -> Facts:
    try:
        return facts_in(language.parse(text, name))
    except FAILURES as error:
        failure = explain(error, {})
        raise TemplateSyntaxError(
            "finding which values are read",
            context=[f"{name}: {failure.sentence}"],
            hint=failure.hint or "correct the template",
        ) from error
