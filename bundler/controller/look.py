"""How what runs is: the health of its objects, and what differs from the record. Layer: controller; writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.controller.materials import scratch, site_file
from bundler.controller.order import Keep
from bundler.controller.report import Looked, lost_data
from bundler.controller.verdicts import words_of
from bundler.errors import BundlerError
from bundler.errors.change import ReleaseNotFoundError
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler import DriftedObject, ReleaseState
    from bundler.controller.carry_out import Place
    from bundler.controller.contest import Contest
    from bundler.controller.decide import Decision, Seen
    from bundler.controller.order import Order


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
        path = site_file(order, place.reader, folder)
        site = place.tenant.read_site(path) if path else None
        found = place.tenant.drift(order.name, namespace=order.namespace, ignored=order.ignored, site=site)
    return found.objects
