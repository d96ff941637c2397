"""``bundler approve``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.flows.orders import carry_out_approve
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.order_options import order_flags

if TYPE_CHECKING:
    from bundler.cli.parsing.order_options import OrderFlags
    from bundler.cli.session.app import App


@verb("approve")
@release_argument
@order_flags
def approve_command(app: App, release: str, flags: OrderFlags) -> int:
    """Approve the plan of RELEASE that its controller does not carry out unasked: this plan and no other.

    A plan waits where it loses data, reaches further than before, or deletes much; `.status.plan` of the order has it.
    """
    return carry_out_approve(app, release, flags)
