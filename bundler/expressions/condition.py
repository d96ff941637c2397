"""Conditions: what `when` says of a component or a generated secret. Layer: expressions, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.errors.bundle import ExpressionError
from bundler.expressions.expression import compile_expression
from bundler.model.json import type_name
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from bundler.expressions.compiled import CompiledCodes


def holds(
    condition: str, names: Mapping[str, object], *, of: str, source: Source, codes: CompiledCodes | None = None
) -> bool:
    """Return whether a condition holds; an empty one always does.

    Args:
        condition: a bare expression.
        names: what it sees.
        of: what it decides about, for errors: ``component db``.
        source: where it is written.
        codes: what is compiled of its bundle already.

    Raises:
        RenderError: when it cannot be computed, or is neither true nor false.
    """
    if not condition:
        return True
    answer = compile_expression(condition, source=source, codes=codes).evaluate(names)
    if isinstance(answer, bool):
        return answer
    raise ExpressionError(
        f"deciding whether {of} is switched on",
        context=[source.found(f"`{condition}` is of type {type_name(answer)}, neither true nor false")],
        hint="make `when` a comparison, or a value that is true or false",
    )
