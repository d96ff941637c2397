"""One way in which a rendered object is not as it should be. Layer: actions, pure."""

from __future__ import annotations

from bundler.model.lean import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One way in which an object is not as it should be."""

    rule: str
    message: str
    hint: str
    is_error: bool = False
    field: str = ""
    """What begins with the path of the field that it is about; empty: the whole object."""
