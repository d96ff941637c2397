"""Gather every problem of a bundle, to tell them all at once. Layer: loader, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.bundle import BundleInvalidError
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from bundler.syntax.events import YamlSyntaxError


class Problems:
    """What was found so far; files are named with the component's path before them."""

    def __init__(self) -> None:
        self._found: set[tuple[Source, str]] = set()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, source: Source, message: str) -> None:
        """Take one problem."""
        self._found.add((source, message))

    def add_yaml(self, file: str, error: YamlSyntaxError) -> None:
        """Take what the YAML reader refused."""
        self.add(Source(file, error.line), f"column {error.column}: {error.problem}")

    def lines(self) -> list[str]:
        """Return what was found, sorted by file and line."""
        return [f"{source}: {message}" for source, message in sorted(self._found)]

    def raise_any(self, origin: str) -> None:
        """Raise one error with all problems, sorted by file and line.

        Raises:
            BundleInvalidError: when there is any.
        """
        if self._found:
            raise BundleInvalidError(
                f"loading bundle {origin}",
                context=self.lines(),
                hint=f"correct what is named above; `bundler lint {origin}` checks the bundle again",
            )
