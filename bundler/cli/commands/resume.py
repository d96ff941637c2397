"""``bundler resume``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.flows.orders import carry_out_resume
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.order_options import order_flags
from bundler.cli.parsing.registry_options import registry_options

if TYPE_CHECKING:
    from bundler.cli.parsing.order_options import OrderFlags
    from bundler.cli.session.app import App


@verb("resume")
@release_argument
@order_flags
@registry_options
def resume_command(app: App, release: str, flags: OrderFlags) -> int:
    """Resume the order of RELEASE, after it was shown what that would change.

    The plan is made as you; the controller makes its own, as the ServiceAccount of the order, and carries that out.
    """
    return carry_out_resume(app, release, flags)
