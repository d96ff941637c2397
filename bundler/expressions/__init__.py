"""The sandboxed expression language. Layer: expressions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.expressions.bounds import DEFAULT_BOUNDS, Bounds
from bundler.expressions.expression import (
    Expression,
    ValuePath,
    compile_expression,
    compile_text,
    evaluate_text,
    evaluate_texts,
)
from bundler.late import late_modules

__all__ = [
    "DEFAULT_BOUNDS",
    "Bounds",
    "Expression",
    "ValuePath",
    "compile_expression",
    "compile_text",
    "evaluate_text",
    "evaluate_texts",
]

if TYPE_CHECKING:
    from bundler.expressions import compiled as compiled, failures as failures

__getattr__ = late_modules(__name__)
