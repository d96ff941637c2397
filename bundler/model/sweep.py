"""One value set to many, and what follows from it. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.json import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is set, and to what."""

    path: str
    points: tuple[str, ...]
    """As typed with ``--set``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPoint:
    """A point that the schema, or the bundle, does not accept."""

    point: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptValue:
    """A value that is not the same at every point."""

    path: str
    values: tuple[JSONValue, ...]
    """One for each point, sensitive parts masked; None where it is not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What follows from each point."""

    path: str
    points: tuple[str, ...]
    """Those that were accepted."""
    rows: Sequence[SweptValue]
    """By path, the value that was set left out."""
    refused: tuple[RefusedPoint, ...]
