"""What there is of an order and its release, and how what runs is: read, and nothing written. Layer: controller."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bundler.controller.carry_out import Place, recorded
from bundler.controller.conditions import conditions_in
from bundler.controller.decide import Decision, Obstacle, Seen
from bundler.controller.inputs import SeenSource, inputs_digest
from bundler.controller.lacking import missing_account, missing_rights, who_lacks
from bundler.controller.materials import MissingSourceError, scratch, seen_sources
from bundler.controller.order import Keep, Order, Update, depends_on
from bundler.controller.report import Looked, Remembered, lost_data
from bundler.controller.status import AttemptResult, Choice, ConditionType, Reason
from bundler.controller.times import read_time
from bundler.controller.verdicts import verdict_of, words_of
from bundler.errors import BundlerError
from bundler.errors.change import ReleaseNotFoundError
from bundler.errors.cluster import ForbiddenError
from bundler.model.json import Body, int_at, mapping_at, text_at
from bundler.model.lean import dataclass, field, replace
from bundler.model.orders import ORDERS_DEFINITION, SUSPEND
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler import ClusterClient, DriftedObject, ReleaseState
    from bundler.controller.changes import Work
    from bundler.controller.contest import Contest

    Choose = Callable[[Order, str, Place], Choice]

_LEASE: Final = "coordination.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What this controller is doing to a release now, and since when the order is looked at."""

    now: datetime
    under_way: Work | None
    begun: str = ""
    """Digest of the inputs that it is done with."""
    choose: Choose = field(default=lambda order, running, place: Choice(version=order.bundle.version))  # noqa: ARG005
    """Says which version an order takes; see bundler.controller.versions."""


def observe(order: Order, place: Place, remembered: Remembered, doing: Doing) -> Seen:
    """Return what there is of an order and its release.

    What cannot be read is an obstacle: the order is held until it can.

    Args:
        order: as it is now.
        place: the cluster, and as whom it is asked.
        remembered: what no record holds.
        doing: what is being done to the release now.

    Raises:
        ClusterError: when the cluster does not answer.
    """
    namespace = _namespace(order, place.own.cluster)
    seen = Seen(
        now=doing.now,
        under_way=doing.under_way,
        begun=doing.begun,
        attempt=remembered.attempt,
        matched=remembered.matched,
        waiting_plan=remembered.plan.digest if remembered.plan else "",
        is_namespace_terminating=bool(text_at(namespace, "metadata", "deletionTimestamp")),
        is_namespace_suspended=text_at(namespace, "metadata", "annotations", SUSPEND) == "true",
    )
    seen = _with_record(seen, order, place)
    if not order.is_deleted and (message := missing_account(order, place.own.cluster)):
        missing = Obstacle(reason=Reason.RIGHTS_MISSING, message=message, lacks_account=True)
        return replace(seen, obstacle=missing)
    if order.is_deleted or (seen.obstacle is not None and seen.obstacle.reason is not Reason.RIGHTS_MISSING):
        return seen
    return _with_inputs(seen, order, place, doing)


def _with_record(seen: Seen, order: Order, place: Place) -> Seen:
    """Return what is seen with the release's record, or why that cannot be read."""
    try:
        seen = replace(seen, revisions=recorded(place.tenant, order))
        newest = seen.newest
        if newest is not None and order.is_deleted:
            seen = replace(seen, holds_controller=_holds_controller(order, place))
        if newest is not None and newest.status.is_pending:
            return replace(seen, locked_by=_holder(order, place.tenant.cluster, seen.now))
    except ForbiddenError as error:
        missing = missing_rights(order, place.tenant)
        message = f"{who_lacks(order)}: {'; '.join(missing)}" if missing else words_of(error)
        return replace(seen, obstacle=Obstacle(reason=Reason.RIGHTS_MISSING, message=message))
    except BundlerError as error:
        return replace(seen, obstacle=_obstacle(error))
    return seen


def _holds_controller(order: Order, place: Place) -> bool:
    held = place.tenant.revision(order.name, namespace=order.namespace).inventory
    return any(entry.ref == ORDERS_DEFINITION for entry in held)


def _with_choice(
    seen: Seen, order: Order, place: Place, sources: tuple[SeenSource, ...], doing: Doing
) -> tuple[Seen, str]:
    """Return what is seen with the version that an order takes, or why that is not known; and the version."""
    if order.bundle.update is not Update.WITHIN:
        return seen, ""
    deployed = seen.deployed
    running = deployed.bundle.version if deployed is not None else ""
    is_of_it = deployed is not None and inputs_digest(order, sources, version=running) == deployed.inputs
    choice = doing.choose(order, running if is_of_it else "", place)
    if choice.version:
        return replace(seen, choice=choice), choice.version
    message = choice.message or f"looking for the newest version within {order.bundle.version}"
    obstacle = Obstacle(reason=choice.reason, message=message, is_passing=choice.result is AttemptResult.PASSING)
    return replace(seen, choice=choice, obstacle=seen.obstacle or obstacle), ""


def _with_inputs(seen: Seen, order: Order, place: Place, doing: Doing) -> Seen:
    """Return what is seen with what the order comes to, or why that is not known; what is known already stays."""
    try:
        sources = seen_sources(order, place.reader)
        seen, version = _with_choice(seen, order, place, sources, doing)
        if seen.obstacle is not None and not version and order.bundle.update is Update.WITHIN:
            return seen
        inputs = inputs_digest(order, sources, version=version)
        waits_for = tuple(_not_ready(order, place.own.cluster))
        circle = _circle(order, place.own.cluster) if waits_for else ()
        return replace(seen, inputs=inputs, waits_for=waits_for, circle=circle)
    except MissingSourceError as error:
        obstacle = Obstacle(reason=error.reason, message=words_of(error))
    except BundlerError as error:
        obstacle = _obstacle(error)
    return replace(seen, obstacle=seen.obstacle or obstacle)


def _obstacle(error: BundlerError) -> Obstacle:
    result, reason = verdict_of(error)
    return Obstacle(reason=reason, message=words_of(error), is_passing=result is AttemptResult.PASSING)


def _namespace(order: Order, cluster: ClusterClient) -> Body:
    try:
        return cluster.get(ObjectRef("", "Namespace", "", order.namespace), metadata_only=True) or {}
    except ForbiddenError:
        return {}  # the order is there, and so is its namespace


def _holder(order: Order, cluster: ClusterClient, now: datetime) -> str:
    """Return who holds the lock of a release, as far as its Lease says; a change that is tried finds out for sure."""
    body = cluster.get(ObjectRef(_LEASE, "Lease", order.namespace, f"bundler.{order.name}")) or {}
    holder, beat = text_at(body, "spec", "holderIdentity"), read_time(text_at(body, "spec", "renewTime"))
    lives = timedelta(seconds=2 * int_at(body, "spec", "leaseDurationSeconds", default=30))
    return holder if holder and beat is not None and beat + lives > now else ""


def _not_ready(order: Order, cluster: ClusterClient) -> list[str]:
    """Return the orders that have to be ready first, and are not."""
    found = [(ref, cluster.get(ref)) for ref in dependencies(order)]
    return [
        ref.short if body is not None else f"{ref.short} (which does not exist)"
        for ref, body in found
        if body is None or not _is_ready(body)
    ]


def _circle(order: Order, cluster: ClusterClient) -> tuple[str, ...]:
    """Return the shortest chain of dependencies from an order back to itself; empty if there is none."""
    ways: list[tuple[ObjectRef, ...]] = [(order.ref, ref) for ref in dependencies(order)]
    seen = {order.ref}
    for way in ways:  # which grows
        last = way[-1]
        if last == order.ref:
            return tuple(ref.short for ref in way)
        if last not in seen:
            seen.add(last)
            ways += [(*way, replace(last, name=name)) for name in depends_on(cluster.get(last) or {})]
    return ()


def dependencies(order: Order) -> list[ObjectRef]:
    """Return the orders that have to be ready first."""
    return [ObjectRef(order.ref.group, order.ref.kind, order.namespace, name) for name in order.depends_on]


def _is_ready(body: Body) -> bool:
    is_observed = int_at(body, "status", "observedGeneration") == int_at(body, "metadata", "generation", default=-1)
    conditions = conditions_in(mapping_at(body, "status"))
    is_stalled = conditions.get(ConditionType.STALLED) == "True"
    return is_observed and not is_stalled and conditions.get(ConditionType.READY) == "True"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What is looked at, and why."""

    order: Order
    seen: Seen
    decision: Decision
    place: Place
    is_brief: bool = False
    """Only the health of objects may have changed."""

    @property
    def compares(self) -> bool:
        """Whether live objects are compared with the deployed revision."""
        seen = self.seen
        is_whole = seen.deployed is not None and seen.deployed is seen.newest
        is_left_alone = self.order.keep is Keep.ONCE or seen.under_way is not None or seen.is_namespace_terminating
        return is_whole and not self.is_brief and not is_left_alone


def look(looking: Looking, contest: Contest, now_s: float) -> Looked:
    """Return how what runs is.

    Args:
        looking: at what.
        contest: what was put back before.
        now_s: on the clock of the contest.

    Raises:
        ClusterError: when the cluster does not answer.
    """
    if looking.seen.newest is None:
        return Looked()
    state = _state(looking)
    if not looking.compares:
        return Looked(state=state)
    try:
        drift = _drift(looking)
    except BundlerError as error:
        return Looked(state=state, contested=contest.left_alone(now_s), unclear=words_of(error))
    return Looked(
        state=state, drift=drift, contested=contest.contested(drift, now_s), missing_data=lost_data(drift, state)
    )


def _state(looking: Looking) -> ReleaseState | None:
    try:
        return looking.place.tenant.status(looking.order.name, namespace=looking.order.namespace)
    except ReleaseNotFoundError:
        return None  # it was uninstalled while we looked


def _drift(looking: Looking) -> tuple[DriftedObject, ...]:
    order, place = looking.order, looking.place
    with scratch("bundler-site-") as folder:
        site = place.site(order, folder)
        return place.tenant.drift(order.name, namespace=order.namespace, ignored=order.ignored, site=site).objects
