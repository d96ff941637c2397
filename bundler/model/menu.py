"""What can be chosen of a bundle. Layer: model, pure."""

from __future__ import annotations

from bundler.model.lean import dataclass


@dataclass(frozen=True, slots=True, order=True)
class MenuItem:
    """One value that a guest can choose."""

    path: str
    type: str
    """``integer``, ``string or null``; empty where the schema does not say."""
    default: str
    """As it may be shown; empty where there is none."""
    choices: str
    """What is allowed beyond the type: ``≥ 1, ≤ 20000``, ``one of a, b``."""
    description: str
    is_derived: bool = False
    is_required: bool = False
