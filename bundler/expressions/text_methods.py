"""What may be called on a text. Layer: expressions, pure.

Each is charged by the length of the text before it runs, and those that make lists by the items they will make.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bundler.expressions.bounds import current_meter
from bundler.expressions.text_functions import join, refuse_many_chars, replace

_PLAIN: Final = (
    "capitalize count endswith find isalnum isalpha isdigit islower isnumeric isupper lower partition removeprefix "
    "removesuffix rpartition startswith title upper"
)
_STRIPPING: Final = ("strip", "lstrip", "rstrip")
_SPLITTING: Final = ("split", "rsplit", "splitlines")


def _charged(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(text: str, *args: Any) -> Any:
        current_meter().charge_text(len(text))
        return method(text, *args)

    return call


def _stripping(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(text: str, chars: str | None = None) -> Any:
        refuse_many_chars(chars)
        current_meter().charge_text(len(text))
        return method(text, chars)

    return call


def _splitting(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(text: str, *args: Any) -> Any:
        separator = args[0] if args and isinstance(args[0], str) and args[0] else None
        meter = current_meter()
        meter.charge_text(len(text))
        meter.charge(text.count(separator) + 1 if separator else len(text) // 4 + 1)
        return method(text, *args)

    return call


TEXT_METHODS: Final[dict[str, Callable[..., Any]]] = {
    **{name: _charged(getattr(str, name)) for name in _PLAIN.split()},
    **{name: _stripping(getattr(str, name)) for name in _STRIPPING},
    **{name: _splitting(getattr(str, name)) for name in _SPLITTING},
    "replace": replace,
    "join": lambda separator, values: join(values, separator),
}
