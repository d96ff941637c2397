"""Gather every problem of a bundle, to tell them all at once. Layer: loader, pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from bundler.errors.bundle import BundleInvalidError
from bundler.model.manifest import Source
from bundler.model.orders import IN_AN_OBJECT

if TYPE_CHECKING:
    from bundler.errors import Found
    from bundler.syntax.events import YamlSyntaxError


class Problems:
    """What was found so far; files are named with the component's path before them."""

    def __init__(self) -> None:
        self._found: dict[tuple[Source, str], Found] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, source: Source, message: str, *, field: str = "") -> None:
        """Take one problem; ``field`` is its place in the document.

        Args:
            source: file and line that the text comes from, for errors.
            message: what is wrong.
            field: place in the document.
        """
        self._found.setdefault((source, message), source.found(message, field=field))

    def add_yaml(self, file: str, error: YamlSyntaxError) -> None:
        """Take what the YAML reader refused."""
        self.add(Source(file, error.line), f"column {error.column}: {error.problem}")

    def lines(self) -> list[Found]:
        """Return what was found, sorted by file and line."""
        return [found for _, found in sorted(self._found.items())]

    def raise_any(self, origin: str) -> None:
        """Raise one error with all problems, sorted by file and line.

        Raises:
            BundleInvalidError: when there is any.
        """
        if self._found:
            raise BundleInvalidError(
                f"loading bundle {origin}",
                context=self.lines(),
                hint=f"correct what is named above; {_again(origin)}",
            )


def _again(origin: str) -> str:
    if origin.startswith(IN_AN_OBJECT):  # lint does not reach into a cluster
        return "`bundler lint` checks the bundle before it goes into its Secret"
    return f"`bundler lint {shlex.quote(origin)}` checks the bundle again"
