"""What an order would change, planned as the user. Layer: cli."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bundler import Values
from bundler.cli.output.plan import PlanView, plan_lines
from bundler.cli.terminal.text import Line
from bundler.controller.materials import Reader, request_for
from bundler.controller.order import Update, parse_order, pinned
from bundler.model.json import mapping_at
from bundler.model.lean import dataclass, replace
from bundler.model.orders import is_suspended
from bundler.model.refs import ref_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler import ClusterClient, ObjectRef, Proposal, ReleaseRequest, Session
    from bundler.cli.session.app import App
    from bundler.model.json import Body

_AS_WHOM = "planned as you; the controller plans as the ServiceAccount of the order, by the policy of its own site file"


@dataclass(frozen=True, slots=True, kw_only=True)
class _AsIfWritten:
    """The cluster with an object that is not written yet."""

    cluster: ClusterClient
    body: Body

    def get(self, ref: ObjectRef, *, version: str = "", metadata_only: bool = False) -> Body | None:
        """Return an object as it is, or as it is to be."""
        if ref == ref_of(self.body):
            return self.body
        return self.cluster.get(ref, version=version, metadata_only=metadata_only)


@contextmanager
def what_is_ordered(session: Session, body: Body, beside: Body | None = None) -> Iterator[tuple[Body, ReleaseRequest]]:
    """Lend an order and what it comes to: its bundle and the values that it refers to, all read as the user.

    What is only asked about before it is done is accepted: nothing is carried out here.

    Args:
        session: acts as the user.
        body: the order, written or not.
        beside: a Secret that it names, and that is not written yet.

    Raises:
        OrderInvalidError: when it says something that cannot be carried out.
        BundlerError: when something that it refers to cannot be read.
    """
    order = parse_order(body)
    if order.bundle.update is Update.WITHIN:
        order = pinned(order, session.newest_version(order.bundle.source, order.bundle.version))
    seen = session.cluster if beside is None else _AsIfWritten(cluster=session.cluster, body=beside)
    reader = Reader(tenant=seen, own=session.cluster, namespace="")
    with TemporaryDirectory(prefix="bundler-order-") as folder:
        asked = request_for(order, "", session, reader, Path(folder))
        mark = None if is_suspended(body) or not order.uid else asked.accepted.order
        accepted = replace(
            asked.accepted, order=mark, losses=True, downgrade=True, other_bundle=True, crd_risk=True, fewer_steps=True
        )
        yield body, replace(asked, accepted=accepted)


def with_values_of(body: Body, request: ReleaseRequest) -> ReleaseRequest:
    """Return what an order comes to once its own values are others.

    Args:
        body: the order with these.
        request: what it came to before.
    """
    assert isinstance(request.values, Values)  # noqa: S101 - those of an order are not read yet
    return replace(request, values=replace(request.values, data=mapping_at(body, "spec", "values")))


def plan_of_order(session: Session, body: Body) -> Proposal:
    """Plan what an order comes to; nothing is written.

    Args:
        session: acts as the user.
        body: the order, written or not.

    Raises:
        OrderInvalidError: when it says something that cannot be carried out.
        BundlerError: whatever would stop it.
    """
    with what_is_ordered(session, body) as (_, request):
        return session.plan(request)


def show_order_plan(app: App, proposal: Proposal) -> None:
    """Show what an order would change."""
    plan = proposal.shown
    view = PlanView(namespace=proposal.drafted.namespace, has_bodies=app.settings.is_verbose)
    app.screen.say_lines([Line(_AS_WHOM, "dim"), *plan_lines(plan, view)])
