"""Options of the verbs that show plans. Layer: cli."""

from __future__ import annotations

import click

max_bytes_option = click.option(
    "--max-bytes",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Shorten -o markdown to N bytes; merge requests take about 65000.",
)


def require_markdown(output: str, max_bytes: int) -> None:
    """Refuse a limit of Markdown where something else is printed.

    Raises:
        click.UsageError: with what to add.
    """
    if max_bytes and output != "markdown":
        raise click.UsageError(f"--max-bytes shortens -o markdown, and this prints {output}")
