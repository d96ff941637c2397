"""What an order would change, planned as the user. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bundler import Accepted
from bundler.cli.output.plan import PlanView, plan_lines
from bundler.cli.terminal.text import Line
from bundler.controller.materials import Reader, request_for
from bundler.controller.order import parse_order
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler import Proposal, ReleaseRequest, Session
    from bundler.cli.session.app import App
    from bundler.model.json import Body

_UNSEEN = "planned as you: the controller plans it as the order's ServiceAccount, by the policy of its own site file"


def plan_of_order(session: Session, body: Body) -> tuple[ReleaseRequest, Proposal]:
    """Plan what an order comes to; nothing is written.

    Args:
        session: acts as the user.
        body: the order, written or not.

    Raises:
        OrderInvalidError: when it says something that cannot be carried out.
        BundlerError: whatever would stop it.
    """
    order = parse_order(body)
    reader = Reader(tenant=session.cluster, own=session.cluster, namespace="")
    with TemporaryDirectory(prefix="bundler-order-") as folder:
        asked = request_for(order, "", session, reader, Path(folder))
        accepted = Accepted(losses=True, downgrade=True, other_bundle=True, crd_risk=True, fewer_steps=True)
        request = session.read(replace(asked, accepted=accepted))
        return request, session.plan(request)


def show_order_plan(app: App, proposal: Proposal) -> None:
    """Show what an order would change."""
    plan = proposal.shown
    view = PlanView(namespace=proposal.drafted.namespace, has_bodies=app.settings.is_verbose)
    app.screen.say_lines([Line(_UNSEEN, "dim"), *plan_lines(plan, view)])
