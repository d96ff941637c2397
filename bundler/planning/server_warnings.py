"""What the API server warned of in dry-runs, said once each. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.change import Change


def warning_lines(changes: Iterable[Change]) -> list[str]:
    """Return each warning once, sorted, with the first object that it is about and how many more there are.

    A version that is deprecated is warned of for each object that is written in it, in the same words.
    """
    about: dict[str, list[ObjectRef]] = {}
    for change in changes:
        for text in dict.fromkeys(change.warnings):
            about.setdefault(text, []).append(change.ref)
    return sorted(f"{_named(refs)}: {text}" for text, refs in about.items())


def _named(refs: list[ObjectRef]) -> str:
    first = min(refs).short
    return first if len(refs) == 1 else f"{first} and {len(refs) - 1} more"
