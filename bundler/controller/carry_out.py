"""One change of one release, from an order to its outcome. Layer: controller.

In a child process of the controller, or in the controller itself: it is the same. No error leaves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler import Accepted, CorrectionOptions, ReleaseStatus, RunOptions, UninstallRequest
from bundler.controller.changes import Outcome, WantedChange, Work
from bundler.controller.guards import missing_data_plan, waiting_plan
from bundler.controller.lacking import missing_rights, who_lacks
from bundler.controller.materials import MissingSourceError, Reader, request_for, scratch, site_file
from bundler.controller.order import Order, parse_deleted, parse_order, pinned
from bundler.controller.status import AttemptResult, Reason, WaitingPlan
from bundler.controller.verdicts import verdict_of, words_of
from bundler.errors import BundlerError, ConfirmationRequiredError
from bundler.errors.change import DowngradeError, PreflightError, ReleaseNotFoundError
from bundler.errors.cluster import ForbiddenError
from bundler.model.lean import dataclass, replace
from bundler.model.orders import OrderMark

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import ChangeResult, Correction, DriftedObject, Proposal, ReleaseRequest, RevisionSummary, Session
    from bundler.model.site import Site
    from bundler.ports import Reporter


_FETCH_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a change is carried out."""

    tenant: Session
    """Acts as the order's ServiceAccount."""
    own: Session
    """Acts as the controller."""
    namespace: str = ""
    """Of the controller; empty: it runs in none."""
    report: Reporter | None = None
    """Takes the events of the change; None: no one does."""
    source: Session | None = None
    """Fetches bundles, with less time than a change has; None: the tenant does."""

    @property
    def reader(self) -> Reader:
        """Return what reads the objects that orders refer to."""
        return Reader(tenant=self.tenant.cluster, own=self.own.cluster, namespace=self.namespace)

    def site(self, order: Order, folder: Path) -> Site | None:
        """Return the site of an order; None where it has none.

        Raises:
            MissingSourceError, ValuesFileError: when its file cannot be used.
        """
        path = site_file(order.site, order.ref, self.reader, folder)
        return self.tenant.read_site(path) if path else None


def fetch_timeout_s(timeout_s: float) -> float:
    """Return how long a bundle may take to arrive: while a registry is waited for, nothing of the release is put back.

    Args:
        timeout_s: of the change.
    """
    return min(timeout_s, max(_FETCH_S, timeout_s / 10))


def carry_out(wanted: WantedChange, place: Place) -> Outcome:
    """Carry a change out, and return what came of it.

    Args:
        wanted: the change.
        place: the cluster, as whom, and who hears of it.
    """
    before = _newest_number(wanted, place)
    try:
        is_removal = wanted.work is Work.UNINSTALL
        order = parse_deleted(wanted.body) if is_removal else pinned(parse_order(wanted.body), wanted.version)
        with scratch("bundler-order-") as folder:
            match wanted.work:
                case Work.APPLY:
                    return _apply(order, wanted, place, folder)
                case Work.CORRECT:
                    return _correct(order, wanted, place, folder)
                case Work.UNINSTALL:
                    return _uninstall(order, wanted, place, folder)
    except MissingSourceError as error:
        return wanted.outcome(AttemptResult.REFUSED, error.reason, words_of(error))
    except _RightsMissingError as error:
        return wanted.outcome(AttemptResult.REFUSED, Reason.RIGHTS_MISSING, words_of(error))
    except BundlerError as error:
        return _failure(wanted, place, error, before)


def _apply(order: Order, wanted: WantedChange, place: Place, folder: Path) -> Outcome:
    request = request_for(order, wanted.inputs, place.source or place.tenant, place.reader, folder)
    plans: list[WaitingPlan] = []
    why: tuple[str, ...] = ()
    try:
        if _deployed(place.tenant, order) is None:  # nothing to go back to, and nothing is deleted to repair it
            request = replace(request, rollback_s=0.0)
        try:
            result = _install(request, order, place, plans)
        except (ConfirmationRequiredError, DowngradeError) as error:
            accepted = replace(request.accepted, losses=True, downgrade=True, other_bundle=True)
            request, why = replace(request, accepted=accepted), error.context
            result = _install(request, order, place, plans, approved_only=True)
    except (ForbiddenError, PreflightError) as error:
        raise _naming_rights(error, request, order, place) from error
    if result.is_declined:
        return _awaiting(wanted, replace(plans[-1], why=(*plans[-1].why, *map(str, why))))
    if result.is_paused:
        return wanted.outcome(AttemptResult.REFUSED, Reason.ROLLOUT_PAUSED, "the upgrade in steps is paused")
    found = _deployed(place.tenant, order)
    done = wanted.outcome(AttemptResult.SUCCEEDED, Reason.READY, revision=found.revision if found else 0)
    return replace(done, signed_by=_signers(request))


def _install(
    request: ReleaseRequest,
    order: Order,
    place: Place,
    plans: list[WaitingPlan],
    *,
    approved_only: bool = False,
) -> ChangeResult:
    """Install or upgrade, unless the plan waits for an approval.

    Args:
        request: what the release is to become.
        order: which plan it approves.
        place: the cluster, as whom, and who hears of it.
        plans: takes what was asked about.
        approved_only: carry out the plan that is approved, and no other.
    """

    def may_be_done(proposal: Proposal) -> bool:
        plan = _judged(proposal)
        plans.append(plan)
        return plan.digest == order.approves or not (plan.why or approved_only)

    options = RunOptions(history_max=order.history_max, may_create_namespace=False)
    return place.tenant.apply(request, options=options, approve=may_be_done, on_event=place.report)


def _judged(proposal: Proposal) -> WaitingPlan:
    recorded, revision = proposal.drafted.recorded, proposal.drafted.revision
    reach = (recorded.reach, revision.reach) if recorded is not None else None
    return waiting_plan(proposal.plan, reach=reach, sensitive=revision.sensitive)


def _correct(order: Order, wanted: WantedChange, place: Place, folder: Path) -> Outcome:
    site = place.site(order, folder)

    def correct(accepted: Accepted) -> Correction:
        return place.tenant.correct(
            order.name,
            namespace=order.namespace,
            ignored=wanted.ignored,
            site=site,
            options=CorrectionOptions(left_alone=wanted.left_alone, accepted=accepted),
            on_event=place.report,
        )

    done = correct(Accepted())
    corrected = [*done.objects]
    missing = [one.ref.short for one in done.missing_data]
    if missing and missing_data_plan(missing).digest == order.approves:
        done = correct(Accepted(losses=True))
        corrected.extend(done.objects)
    refused = "; ".join(f"{one.ref.short}: {one.reason}" for one in done.refused)
    result = AttemptResult.REFUSED if refused and not corrected else AttemptResult.SUCCEEDED
    outcome = wanted.outcome(result, Reason.DRIFT, refused, revision=done.revision.revision)
    return replace(outcome, corrected=tuple(map(_without_values, corrected)))


def _without_values(one: DriftedObject) -> DriftedObject:
    """Return what differed, and none of its contents: those who count it need to know where."""
    return replace(one, fields=tuple(replace(field, recorded="", live="") for field in one.fields))


def _uninstall(order: Order, wanted: WantedChange, place: Place, folder: Path) -> Outcome:
    site = place.site(order, folder)
    accepted = Accepted(removal=True, order=OrderMark(uid=order.uid, generation=order.generation))
    request = UninstallRequest(release=order.name, namespace=order.namespace, site=site, accepted=accepted)
    try:
        place.tenant.uninstall(request, on_event=place.report)
    except ConfirmationRequiredError as error:
        request = replace(request, accepted=replace(accepted, losses=True))
        waiting = _uninstall_approved(request, order, place)
        if waiting is not None:
            return _awaiting(wanted, replace(waiting, why=tuple(map(str, error.context))))
    return wanted.outcome(AttemptResult.SUCCEEDED, Reason.DELETING)


def _uninstall_approved(request: UninstallRequest, order: Order, place: Place) -> WaitingPlan | None:
    """Uninstall what loses data if that plan is approved; return the plan where it is not."""
    plans: list[WaitingPlan] = []

    def may_be_done(proposal: Proposal) -> bool:
        plans.append(waiting_plan(proposal.plan, reach=None))
        return plans[-1].digest == order.approves

    result = place.tenant.uninstall(request, approve=may_be_done, on_event=place.report)
    return plans[-1] if result.is_declined else None


def _failure(wanted: WantedChange, place: Place, error: BundlerError, before: int) -> Outcome:
    """Return what an error means; the record says how far the change came."""
    newest = _newest_number(wanted, place)
    is_recorded = newest > before
    result, reason = verdict_of(error, is_recorded=is_recorded)
    return wanted.outcome(result, reason, words_of(error), revision=newest if is_recorded else 0)


def _newest_number(wanted: WantedChange, place: Place) -> int:
    """Return the number of the newest revision; 0 where there is none, or it cannot be read."""
    try:
        return max((one.revision for one in recorded(place.tenant, parse_deleted(wanted.body))), default=0)
    except BundlerError:
        return 0


class _RightsMissingError(BundlerError):
    """The ServiceAccount of an order lacks rights that the change needs."""


def _naming_rights(error: BundlerError, request: ReleaseRequest, order: Order, place: Place) -> BundlerError:
    """Return an error that names every right that is missing, where that is what an error is about.

    Args:
        error: what stopped the change.
        request: what the release was to become.
        order: names the ServiceAccount.
        place: as whom it was tried.
    """
    missing = missing_rights(order, place.tenant, request)
    if not missing:
        return error
    hint = "grant what `bundler rbac BUNDLE --for-controller` prints"
    return _RightsMissingError(who_lacks(order), context=missing, hint=hint)


def _awaiting(wanted: WantedChange, plan: WaitingPlan) -> Outcome:
    message = f"{'; '.join(plan.why)}; approve it by the annotation bundler.dev/approve: {plan.digest}"
    return wanted.outcome(AttemptResult.REFUSED, Reason.AWAITING_APPROVAL, message, plan=plan)


def _deployed(session: Session, order: Order) -> RevisionSummary | None:
    found = reversed(recorded(session, order))
    return next((one for one in found if one.status is ReleaseStatus.DEPLOYED), None)


def recorded(session: Session, order: Order) -> tuple[RevisionSummary, ...]:
    """Return every recorded revision of the release of an order, oldest first; none where there is no release."""
    try:
        return session.history(order.name, namespace=order.namespace)
    except ReleaseNotFoundError:
        return ()


def _signers(request: ReleaseRequest) -> str:
    evidence = None if isinstance(request.bundle, str) else request.bundle.evidence
    return ", ".join(key.shown for key in evidence.signers) if evidence else ""
