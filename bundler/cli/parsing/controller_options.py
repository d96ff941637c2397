"""Options of `bundler controller run`. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.parsing.command import gathered
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.cli.parsing.command import Decorator


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerWish:
    """What is typed of a controller."""

    namespaces: str
    """Names with commas between them; empty: every one."""
    all_namespaces: bool
    shard: str
    """``1/4``: the first of four."""
    changes: int
    """How many may be under way at once."""
    metrics: str
    """``HOST:PORT``; empty: nowhere."""
    health: str
    """``HOST:PORT``; empty: nowhere."""
    default_service_account: str
    log_format: str | None = None
    """``json`` or ``text``; None: text at a terminal."""
    log_level: str


controller_options: Decorator = gathered(
    "wish",
    ControllerWish,
    [
        click.option("--namespaces", default="", metavar="NAME,…", help="Keep the releases of these namespaces."),
        click.option("--all-namespaces", "-A", is_flag=True, help="Keep those of every namespace.  [default]"),
        click.option("--shard", default="1/1", metavar="N/OF", help="Keep one of several equal shares, such as 1/4."),
        click.option(
            "--changes", type=click.IntRange(1, 64), default=8, metavar="N", help="Changes at once.  [default: 8]"
        ),
        click.option("--metrics", default="", metavar="HOST:PORT", help="Answer Prometheus here, at /metrics."),
        click.option("--health", default="", metavar="HOST:PORT", help="Answer probes here, at /livez and /readyz."),
        click.option(
            "--default-service-account",
            default="",
            metavar="NAME",
            help="ServiceAccount of orders that name no serviceAccountName.",
        ),
        click.option(
            "--log-format",
            type=click.Choice(["json", "text"]),
            help="How the log is written.  [default: text at a terminal, else json]",
        ),
        click.option(
            "--log-level",
            type=click.Choice(["debug", "info", "warning"]),
            default="info",
            help="Leave out of the log what matters less.  [default: info]",
        ),
    ],
)
