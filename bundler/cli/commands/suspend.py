"""``bundler suspend``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.flows.orders import carry_out_suspend
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("suspend")
@release_argument
def suspend_command(app: App, release: str) -> int:
    """Suspend the order of RELEASE: its controller writes nothing of it until `bundler resume RELEASE`.

    Readiness and drift are still reported. Meanwhile the other verbs change the release, as they do any other.
    """
    return carry_out_suspend(app, release)
