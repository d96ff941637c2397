"""What of a schema is left to the controller, gathered while it is translated. Layer: menu, pure."""

from __future__ import annotations

from bundler.model.kind import ControllerCheck

EVERYTHING = "*"


class Notes:
    """What the API server does not check, or not wholly, and why."""

    def __init__(self) -> None:
        self._checks: dict[tuple[str, str], ControllerCheck] = {}
        self.secrets: dict[str, bool] = {}
        """Path of each field that names a Secret, and whether its text is the value as it is."""

    def leave(self, path: str, keyword: str, reason: str) -> None:
        """Leave a rule to the controller.

        Args:
            path: of the value.
            keyword: of the schema.
            reason: why the API server cannot hold it.
        """
        self._checks.setdefault((path, keyword), ControllerCheck(path, keyword, reason))

    def checks(self) -> tuple[ControllerCheck, ...]:
        """Return all of them, sorted."""
        return tuple(sorted(self._checks.values()))
