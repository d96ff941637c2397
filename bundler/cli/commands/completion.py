"""``bundler completion``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.flows.completion_script import completion_script
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("completion", outputs=("text",))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(app: App, shell: str) -> None:
    """Print a shell's completion script.

    For bash put `source <(bundler completion bash)` into ~/.bashrc; for zsh the same into ~/.zshrc; for fish
    `bundler completion fish | source` into config.fish.
    """
    app.screen.text(completion_script(shell))
