"""Completion scripts of shells. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.shell_completion import get_completion_class

from bundler.cli.root import bundler
from bundler.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete


def completion_script(shell: str) -> str:
    """Return the script that teaches ``shell`` to complete bundler's command lines.

    Raises:
        UsageError: for a shell that no one taught us.
    """
    kind: type[ShellComplete] | None = get_completion_class(shell)
    if kind is None:
        raise UsageError(
            "writing a completion script", context=[f"the shell {shell} is unknown"], hint="choose bash, zsh or fish"
        )
    made = kind(bundler, {}, "bundler", "_BUNDLER_COMPLETE")
    return made.source_template % made.source_vars()
