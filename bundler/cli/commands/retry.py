"""``bundler retry``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.flows.orders import carry_out_retry
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.order_options import order_flags

if TYPE_CHECKING:
    from bundler.cli.parsing.order_options import OrderFlags
    from bundler.cli.session.app import App


@verb("retry")
@release_argument
@order_flags
def retry_command(app: App, release: str, flags: OrderFlags) -> int:
    """Let the controller of RELEASE try once more what failed.

    What failed is not tried again by itself, unless its cause was in passing: change the order, or say this.
    """
    return carry_out_retry(app, release, flags)
