"""Paths on a command line. Layer: cli.

``click.Path`` looks its name up in message catalogues for each option that has it, and looks at the file before the
verb does; the errors of a verb say what it wanted the file for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class FilePath(click.ParamType[Path]):
    """A path of a file or folder, as typed."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        del param, ctx
        return Path(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Let the shell complete it."""
        del ctx, param
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - for the shell's question only

        return [CompletionItem(incomplete, type="file")]
