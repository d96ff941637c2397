"""How far a run has come. Layer: actions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bundler.model.change import Action, Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run wrote; filled while it runs, so that a failed run can say how far it came."""

    written: list[Change] = field(default_factory=list)
    failed: list[Change] = field(default_factory=list)
    unclear: list[Change] = field(default_factory=list)
    """Failed too, but the answer was lost: the object may have been written."""

    held: list[Change] = field(default_factory=list)
    """Written as a step of a rollout holds it; its own write comes in the finish."""

    def summary(self, changes: Iterable[Change]) -> tuple[str, ...]:
        """Return lines that say what was written, what failed, what is unclear and what was not attempted."""
        begun = {id(change) for change in (*self.written, *self.failed, *self.unclear)}
        held = list({change.ref: change for change in self.held if id(change) not in begun}.values())
        begun |= {id(change) for change in held}
        open_ones = [c for c in changes if c.action is not Action.NONE and id(c) not in begun]
        groups = (
            ("written", self.written),
            ("written, and held back until the finish", held),
            ("failed", self.failed),
            ("unclear, because the answer was lost", self.unclear),
            ("not attempted", open_ones),
        )
        return tuple(f"{name}: {_named(group)}" for name, group in groups if group)


def _named(changes: Sequence[Change], limit: int = 12) -> str:
    """Name each object once: what a hook has left is written, and deleted again."""
    names = [ref.short for ref in dict.fromkeys(change.ref for change in changes)]
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
