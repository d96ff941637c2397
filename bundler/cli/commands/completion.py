"""``bundler completion``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from bundler.cli.parsing.command import verb
from bundler.cli.root import bundler

if TYPE_CHECKING:
    from bundler.cli.session.app import App


_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@verb("completion", outputs=("text",))
@click.argument("shell", type=click.Choice([*_SHELLS]))
def completion_command(app: App, shell: str) -> None:
    """Print a shell's completion script.

    For bash put `source <(bundler completion bash)` into ~/.bashrc; for zsh the same into ~/.zshrc; for fish
    `bundler completion fish | source` into config.fish.
    """
    made = _SHELLS[shell](bundler, {}, "bundler", "_BUNDLER_COMPLETE")
    app.screen.text(made.source_template % made.source_vars())
