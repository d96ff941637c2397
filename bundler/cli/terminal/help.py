"""``--help`` and ``--version``, in our own words. Layer: cli.

Click's own options look their words up in message catalogues when they are made, in every run: 1.4 ms for
words that hardly any run prints, and there are no catalogues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler._version import __version__
from bundler.cli.terminal.streams import unwritable_stdout

if TYPE_CHECKING:
    from collections.abc import Callable


class HelpfulCommand(click.Command):
    """A command whose ``--help`` is made without a look for translations."""

    _own_help: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option, the same one each time: click compares it by identity."""
        names = self.get_help_option_names(ctx)
        if not names or not self.add_help_option:
            return None
        if self._own_help is None:
            self._own_help = _eager_flag(names, "Show this message and exit.", click.Context.get_help)
        return self._own_help


def version_option() -> click.Option:
    """Return ``--version``."""
    return _eager_flag(["--version"], "Show the version and exit.", lambda _: f"bundler {__version__}")


def _eager_flag(names: list[str], text: str, answer: Callable[[click.Context], str]) -> click.Option:
    def reply(ctx: click.Context, param: click.Parameter, value: object) -> None:
        del param
        if value and not ctx.resilient_parsing:
            _print(answer(ctx), ctx)
            ctx.exit()

    return click.Option(names, is_flag=True, expose_value=False, is_eager=True, help=text, callback=reply)


def _print(text: str, ctx: click.Context) -> None:
    try:
        click.echo(text, color=ctx.color)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable_stdout(error) from error
