"""Options of the verbs that speak to a controller. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.parsing.change_options import yes_option
from bundler.cli.parsing.command import gathered
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.cli.parsing.command import Decorator


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFlags:
    """How something is said to a controller."""

    yes: bool = False
    no_wait: bool = False


order_wait_option = click.option("--no-wait", is_flag=True, help="Write it, and do not wait for the controller.")

order_flags: Decorator = gathered("flags", OrderFlags, [yes_option, order_wait_option])
