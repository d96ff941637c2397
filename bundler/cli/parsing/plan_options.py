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
