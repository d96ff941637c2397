"""What is happening in a run, as the display sees it. Layer: cli."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bundler.model.health import Health
    from bundler.model.refs import ObjectRef


@dataclass(slots=True)
class Row:
    """One object that is waited for."""

    health: Health
    detail: str
    since_s: float
    """Monotonic."""


@dataclass(slots=True)
class Scene:
    """What is happening now."""

    phase: str = ""
    total: int = 0
    done: int = 0
    waiting: dict[ObjectRef, Row] = field(default_factory=dict)
