"""The sandboxed expression language. Layer: expressions, pure."""

from __future__ import annotations

from bundler.expressions.bounds import DEFAULT_BOUNDS, Bounds
from bundler.expressions.expression import Expression, ValuePath, compile_expression, compile_text, evaluate_text

__all__ = [
    "DEFAULT_BOUNDS",
    "Bounds",
    "Expression",
    "ValuePath",
    "compile_expression",
    "compile_text",
    "evaluate_text",
]
