"""Readiness by the author's own expressions. Layer: rules, pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from bundler import expressions
from bundler.errors import BundlerError
from bundler.health.generic import current, failed, in_progress
from bundler.model.json import Body
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from bundler.expressions.expression import Expression
    from bundler.model.bundle import ReadinessRule
    from bundler.model.health import Health


def author_health(rule: ReadinessRule, body: Body) -> Health:
    """Judge by ``failed``, then ``ready``. An expression that cannot be computed yet means: on its way, and why."""
    if rule.failed and _is_failed(rule, body):
        return failed(f"failed by its rule: {rule.failed}")
    try:
        if _holds(rule, rule.ready, body):
            return current("ready by its rule")
    except BundlerError as error:
        return in_progress(f"its rule cannot be computed yet ({'; '.join(error.context[:1]) or error})")
    return in_progress(f"not yet: {rule.ready}")


def _is_failed(rule: ReadinessRule, body: Body) -> bool:
    """Return whether ``failed`` holds; a field that only a failure writes is missing as long as all is well."""
    try:
        return _holds(rule, rule.failed, body)
    except BundlerError:
        return False


def _holds(rule: ReadinessRule, text: str, body: Body) -> bool:
    return bool(_compiled(text, rule.source).evaluate({rule.sees: body} if rule.sees else body))


@lru_cache(maxsize=256)
def _compiled(text: str, source: Source) -> Expression:
    return expressions.expression.compile_expression(text, source=source)
