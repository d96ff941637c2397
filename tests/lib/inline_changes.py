"""Changes of a controller that end where they are begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.controller.changes import CarryOut, Outcome, WantedChange, Work
    from bundler.model.refs import ObjectRef


class InlineChanges:
    """Carries changes out where they are begun."""

    def __init__(self, carry_out: CarryOut, ring: Callable[[ObjectRef], None]) -> None:
        """Take what does the work.

        Args:
            carry_out: does one change, and never raises a BundlerError.
            ring: wakes the key whose change is over.
        """
        self._carry_out, self._ring = carry_out, ring
        self._outcomes: dict[ObjectRef, Outcome] = {}

    def begin(self, key: ObjectRef, wanted: WantedChange) -> bool:
        """Carry a change out to its end."""
        self._outcomes[key] = self._carry_out(wanted)
        self._ring(key)
        return True

    def under_way(self, key: ObjectRef) -> Work | None:
        """Return that nothing is."""
        del key
        return None

    def interrupt(self, key: ObjectRef) -> None:
        """Do nothing: each change has ended."""

    def take_outcome(self, key: ObjectRef) -> Outcome | None:
        """Return what came of the last change of a key, once."""
        return self._outcomes.pop(key, None)

    def close(self) -> None:
        """Do nothing: each change has ended."""
