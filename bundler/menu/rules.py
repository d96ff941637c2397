"""Rules that are written in the Common Expression Language. Layer: menu, pure.

Source: Kubernetes documentation, "Validation rules"; https://github.com/google/cel-spec (reserved words).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.model.names import NAME_MAX_CHARS
from bundler.model.pattern import LazyPattern

if TYPE_CHECKING:
    from bundler.model.json import JSONValue

_NAME: Final = LazyPattern(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
_RESERVED: Final = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
    "loop", "package", "namespace", "return", "var", "void", "while",
})  # fmt: skip


def is_plain_name(name: str) -> bool:
    """Return whether an expression can name a field as it is."""
    return _NAME.fullmatch(name) is not None and name not in _RESERVED


def requires(name: str, others: list[str]) -> dict[str, JSONValue]:
    """Return the rule that a field asks for others.

    Args:
        name: of the field.
        others: what has to be there with it.
    """
    has = " && ".join(f"has(self.{other})" for other in others)
    return {"rule": f"!has(self.{name}) || ({has})", "message": f"{name} needs {', '.join(others)}"}


def release_name() -> list[JSONValue]:
    """Return the rules for the name of an order, which is the release's own."""
    return [
        {
            "rule": f"self.metadata.name.size() <= {NAME_MAX_CHARS}",
            "message": f"the name of a release has at most {NAME_MAX_CHARS} characters",
        },
        {
            "rule": "!self.metadata.name.contains('.')",
            "message": "the name of a release has letters, digits and hyphens only",
        },
    ]
