"""One look at one order: observe, decide, act. Layer: controller.

Level-driven: what it does follows from what is there, whatever rang. It never waits: what takes long is a change, whose
end rings again. Where nothing differs, nothing is written: no record, no lock, no status.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bundler.controller.accounts import Account, Accounts
from bundler.controller.bells import Holding
from bundler.controller.carry_out import Place
from bundler.controller.changes import Changes, Outcome, WantedChange, Work
from bundler.controller.conditions import halted, is_seen
from bundler.controller.contest import Contest
from bundler.controller.decide import Act, Decision, Seen, back_off_s, decide
from bundler.controller.family import Families, Family, check_account
from bundler.controller.guards import missing_data_plan
from bundler.controller.materials import references
from bundler.controller.news import Happened, News
from bundler.controller.observe import Doing, Looking, dependencies, look, observe
from bundler.controller.outside import Cleared, clear, outside
from bundler.controller.report import Looked, Remembered, author_of, first_status, order_status
from bundler.controller.status import (
    Attempt,
    AttemptResult,
    Condition,
    ConditionType,
    DriftStatus,
    OrderStatus,
    Phase,
    Reason,
)
from bundler.controller.status_body import attempt_of, drift_of, inputs_of, plan_of, source_of, status_body
from bundler.controller.verdicts import words_of
from bundler.errors.change import OrderInvalidError
from bundler.model.json import Body, int_at, mapping_at
from bundler.model.lean import dataclass, replace
from bundler.model.names import release_uid

if TYPE_CHECKING:
    from bundler import ClusterClient, DriftedObject, Session
    from bundler.controller.order import Order
    from bundler.controller.orders import Orders
    from bundler.controller.status import Keeper
    from bundler.controller.versions import Versions
    from bundler.model.refs import ObjectRef
    from bundler.model.release import InventoryEntry
    from bundler.ports import Clock

INVALID_AGAIN_S: Final = 600.0
"""Seconds until an order that cannot be read is looked at again, unless it is changed."""
FEW: Final = 50
"""So many objects that differ are put back without a process of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Everything that a controller keeps releases with."""

    own: Session
    """Acts as the controller."""
    accounts: Accounts
    orders: Orders
    families: Families
    versions: Versions
    changes: Changes
    clock: Clock
    keeper: Keeper
    namespace: str = ""
    """Of the controller; empty: it runs in none."""
    default_account: str = ""
    """Of orders that name none."""
    needs_account: bool = False
    """Without any, an order is refused; else it is done as the controller itself."""
    redact: Callable[[str], str] = str
    on_holding: Callable[[Holding], None] = lambda _: None
    """Takes what an order holds, at each look."""
    on_news: Callable[[Order, News], None] = lambda order, news: None  # noqa: ARG005
    """Takes what no status says any more."""
    on_told: Callable[[Order, Body, Body], None] = lambda order, before, now: None  # noqa: ARG005
    """Takes an order, its status as it was, and as it was written now."""
    on_cleared: Callable[[Order, Cleared], None] = lambda order, cleared: None  # noqa: ARG005
    """Takes what became of the objects outside of a namespace that is deleted with an order."""


class _Memory:
    """What this process knows of one order, and no object says."""

    def __init__(self, told: Remembered, retry: str) -> None:
        self.told = told
        self.retry = retry
        """The token that was seen last."""
        self.contest = Contest()
        self.outside: tuple[InventoryEntry, ...] = ()
        """What the release has outside of its namespace: when that is deleted, its record may go first."""
        self.looked: Looked | None = None
        """What the last thorough look found; None: a change has come since, and all is to be compared."""
        self.begun = ""
        """Digest of the inputs of the change that was begun last."""
        self.correction: Attempt | None = None
        """The last correction, if it failed."""


class Reconciler:
    """Looks at orders; several threads may, each at another one."""

    def __init__(self, keeping: Keeping) -> None:
        """Take what releases are kept with."""
        self._keeping = keeping
        self._memories: dict[ObjectRef, _Memory] = {}
        self._remembering = threading.Lock()

    def reconcile(self, key: ObjectRef, *, is_brief: bool = False) -> float | None:
        """Look at one order, and do what has to be done.

        Args:
            key: the order.
            is_brief: only the health of objects may have changed: they are not compared with the record.

        Returns:
            The seconds until the next look that nothing rang for; None: the order is gone.

        Raises:
            BundlerError: when the cluster does not answer, or the order moved; it has to be read again soon.
        """
        orders = self._keeping.orders
        body = orders.read(key)
        if body is None:
            self._forget(key)
            return None
        try:
            order, family = orders.parse(body), self._keeping.families.of(body)
            order = family.settle(order)
            self._require_account(order, body, family)
        except OrderInvalidError as error:
            return self._refuse(body, error)
        memory = self._memory(key, order)
        return _Look(self._keeping, memory, body, order, depth=family.depth).take(is_brief=is_brief)

    def _require_account(self, order: Order, body: Body, family: Family) -> None:
        """Stop before an order gets rights that its author may not have: the controller's own, or another's.

        Raises:
            OrderInvalidError: when it names no ServiceAccount and no default is set, or names one that it may not use.
        """
        keeping = self._keeping
        if keeping.needs_account and not (order.service_account or keeping.default_account):
            raise OrderInvalidError(
                f"reading {order.ref.short} in namespace {order.namespace}",
                context=[".spec.serviceAccountName: it is missing, and the controller has no default"],
                hint="name a ServiceAccount; `bundler rbac BUNDLE --for-controller` prints one with its rights",
            )
        if not order.is_deleted:
            family.check(order)
            check_account(order, body, family, keeping.default_account, self._act_as)

    def _act_as(self, namespace: str, name: str) -> ClusterClient:
        return self._keeping.accounts.session(Account(namespace=namespace, name=name)).cluster

    def _refuse(self, body: Body, error: OrderInvalidError) -> float:
        status = OrderStatus(
            observed_generation=int_at(body, "metadata", "generation"),
            phase=Phase.FAILED,
            conditions=halted(Reason.ORDER_INVALID, words_of(error)),
            kept_by=self._keeping.keeper,
        )
        before = mapping_at(body, "status")
        told = status_body(status, before, self._keeping.clock.now(), redact=self._keeping.redact)
        return self._keeping.orders.write_status(body, told) or INVALID_AGAIN_S

    def _memory(self, key: ObjectRef, order: Order) -> _Memory:
        with self._remembering:
            if key not in self._memories:
                self._memories[key] = _Memory(_read(order), order.retry)
            return self._memories[key]

    def _forget(self, key: ObjectRef) -> None:
        self._keeping.versions.forget(key)
        with self._remembering:
            self._memories.pop(key, None)


def _read(order: Order) -> Remembered:
    """Return what the status of an order says, for a controller that has just begun."""
    status = order.status
    return Remembered(
        attempt=attempt_of(status),
        plan=plan_of(status),
        drift=drift_of(status),
        matched=(inputs_of(status), int_at(status, "revision")),
        source=source_of(status),
    )


class _Look:
    """One look at one order."""

    def __init__(self, keeping: Keeping, memory: _Memory, body: Body, order: Order, *, depth: int) -> None:
        self._keeping, self._memory, self._body, self._order = keeping, memory, body, order
        self._depth = depth
        self._now = keeping.clock.now()
        account = Account(namespace=order.namespace, name=order.service_account or keeping.default_account)
        self._account = account.name
        tenant = keeping.accounts.session(account)
        self._place = Place(tenant=tenant, own=keeping.own, namespace=keeping.namespace)

    def take(self, *, is_brief: bool) -> float | None:
        """Observe, decide, act, and say what is so."""
        changes, memory = self._keeping.changes, self._memory
        if memory.retry != self._order.retry:
            memory.retry, memory.contest, memory.correction = self._order.retry, Contest(), None
        outcome = changes.take_outcome(self._order.ref)
        if outcome is not None:
            self._note(outcome)
        doing = Doing(
            now=self._now,
            under_way=changes.under_way(self._order.ref),
            begun=memory.begun,
            choose=self._keeping.versions.choice,
        )
        seen = observe(self._order, self._place, memory.told, doing)
        decision = decide(self._order, seen)
        match decision.act:
            case Act.IGNORE:
                return None
            case Act.DROP_FINALIZER:
                if decision.reason is Reason.NAMESPACE_TERMINATING:
                    cleared = clear(self._order, memory.outside, self._place.tenant, self._keeping.clock)
                    self._keeping.on_cleared(self._order, cleared)
                self._keeping.orders.let_go(self._body)
                if decision.message:
                    note = f"release {self._order.name} stays: {decision.message}"
                    self._keeping.on_news(self._order, News(happened=Happened.ORPHANED, note=note))
                return None
            case Act.CHANGE | Act.UNINSTALL:
                return self._begin(seen, decision)
            case Act.INTERRUPT:
                changes.interrupt(self._order.ref)
                return self._keep(seen, decision, is_brief=is_brief)
            case Act.COMPARE | Act.HOLD | Act.WAIT:
                return self._keep(seen, decision, is_brief=is_brief)

    def _begin(self, seen: Seen, decision: Decision) -> float | None:
        """Begin a change; that it is on its way is said before anything is written."""
        self._body = self._keeping.orders.hold(self._body)
        status = first_status(self._order, seen, decision, self._memory.told, self._keeping.keeper)
        is_news = decision.act is Act.UNINSTALL or not self._is_repeated(seen)
        left_s = self._tell(status) if is_news else 0.0
        if left_s > 0:
            return left_s
        work = Work.UNINSTALL if decision.act is Act.UNINSTALL else Work.APPLY
        inputs = "" if work is Work.UNINSTALL else seen.inputs
        wanted = replace(self._wanted(work), inputs=inputs, version=seen.choice.version if seen.choice else "")
        if self._keeping.changes.begin(self._order.ref, wanted):
            self._memory.begun = inputs
        return decision.again_s

    def _wanted(self, work: Work) -> WantedChange:
        return WantedChange(work=work, body=self._body, service_account=self._account, depth=self._depth)

    def _is_repeated(self, seen: Seen) -> bool:
        """Return whether the same was refused, or failed in passing, before: its condition says so already."""
        attempt = seen.attempt
        return attempt is not None and attempt.inputs == seen.inputs and is_seen(self._order)

    def _keep(self, seen: Seen, decision: Decision, *, is_brief: bool) -> float | None:
        """Look at what runs, put back what differs where that is wanted, and say how it is."""
        memory, now_s = self._memory, self._keeping.clock.monotonic()
        before = memory.looked if is_brief else None
        looking = Looking(
            order=self._order, seen=seen, decision=decision, place=self._place, is_brief=before is not None
        )
        looked, again_s = look(looking, memory.contest, now_s), None
        self._keeping.on_holding(self._holding(looked))
        memory.outside = outside(self._order, looked.state.revision.inventory) if looked.state else memory.outside
        if before is not None:
            looked = replace(before, state=looked.state)
        else:
            looked, again_s = self._correct(looked, decision)
            memory.looked = looked
            decision = _in_passing(decision, looked)
        status = order_status(self._order, seen, decision, looked, memory.told, self._keeping.keeper)
        left_s = self._tell(status)
        pauses = [one for one in (decision.again_s, again_s, memory.contest.again_s(now_s)) if one is not None]
        return left_s or min(pauses, default=None)

    def _holding(self, looked: Looked) -> Holding:
        order, entries = self._order, looked.state.revision.inventory if looked.state else ()
        site = self._place.reader.site_ref(order.site)
        return Holding(
            key=order.ref,
            release_uid=release_uid(order.namespace, order.name),
            kinds=frozenset((one.ref.group, one.ref.kind) for one in entries),
            references=frozenset([*(ref for ref, _, _ in references(order)), *([site] if site else [])]),
            depends_on=frozenset(dependencies(order)),
        )

    def _correct(self, looked: Looked, decision: Decision) -> tuple[Looked, float | None]:
        """Begin to put back what differs and may be put back; a correction that failed waits."""
        memory, order = self._memory, self._order
        if looked.drift == ():
            memory.correction = None
        left_alone = {(one.ref, one.field) for one in looked.contested}
        rest = tuple(one for one in looked.drift or () if not _is_left_alone(one, left_alone, looked.missing_data))
        makes_data = bool(looked.missing_data) and missing_data_plan(looked.missing_data).digest == order.approves
        if not decision.corrects or not (rest or makes_data or looked.unclear):
            return looked, None
        pause_s = self._pause_s()
        if pause_s > 0:
            return replace(looked, correction=memory.correction.message if memory.correction else ""), pause_s
        rules = tuple(one.rule for one in looked.contested if one.rule)
        objects = tuple(one.ref for one in looked.contested if not one.field)
        ignored = (*order.ignored, *rules)
        is_small = 0 < len(rest) <= FEW
        wanted = replace(self._wanted(Work.CORRECT), ignored=ignored, left_alone=objects, is_small=is_small)
        if self._keeping.changes.begin(order.ref, wanted):
            memory.begun, looked = "", replace(looked, is_correcting=True)
        return looked, None

    def _pause_s(self) -> float:
        """Return the seconds until another correction, after one that put nothing back."""
        last = self._memory.correction
        return 0.0 if last is None else back_off_s(last.tries, self._order.uid) - (self._now - last.at).total_seconds()

    def _tell(self, status: OrderStatus) -> float:
        before = mapping_at(self._body, "status")
        told = status_body(status, before, self._now, redact=self._keeping.redact)
        left_s = self._keeping.orders.write_status(self._body, told)
        if not left_s and told != before:
            self._keeping.on_told(self._order, before, told)
        return left_s

    def _note(self, outcome: Outcome) -> None:
        """Remember what came of a change."""
        self._memory.looked = None
        if outcome.work is Work.CORRECT:
            self._note_correction(outcome)
            return
        memory, before = self._memory, self._memory.told.attempt
        is_same = before is not None and before.inputs == outcome.inputs and before.result is outcome.result
        tries = before.tries + 1 if before is not None and is_same else 1
        attempt = outcome.as_attempt(self._now, retry=self._order.retry, tries=tries)
        told = replace(memory.told, attempt=attempt, plan=outcome.plan)
        if outcome.result is AttemptResult.SUCCEEDED and outcome.work is Work.APPLY:
            told = replace(told, matched=(outcome.inputs, outcome.revision), source=_signed(outcome))
            memory.correction = None
        memory.told = told

    def _note_correction(self, outcome: Outcome) -> None:
        """Remember what was put back; a correction that put nothing back is not repeated at once."""
        memory, put_back = self._memory, outcome.corrected
        if put_back:
            memory.contest.note(put_back, self._keeping.clock.monotonic())
            count = memory.told.drift.corrected + len(put_back)
            by = author_of(put_back) or memory.told.drift.by
            drift = DriftStatus(corrected=count, last_at=self._now, by=by)
            told = memory.told
            was_in_the_way = told.attempt is not None and told.attempt.reason is Reason.CONTESTED
            memory.told = replace(told, drift=drift, attempt=None if was_in_the_way else told.attempt)
            memory.correction = None
        else:
            tries = memory.correction.tries + 1 if memory.correction else 1
            memory.correction = outcome.as_attempt(self._now, retry="", tries=tries)


def _in_passing(decision: Decision, looked: Looked) -> Decision:
    """Return what is decided; fields of others that were in the way are not, once they are being put back."""
    if looked.is_correcting and decision.reason is Reason.CONTESTED:
        return replace(decision, reason=Reason.WAITING)
    return decision


def _is_left_alone(one: DriftedObject, left_alone: set[tuple[ObjectRef, str]], missing_data: tuple[str, ...]) -> bool:
    """Return whether all that differs in an object is contested, or would be made again empty."""
    fields = {(one.ref, field.field) for field in one.fields} or {(one.ref, "")}
    return fields <= left_alone or one.ref.short in missing_data


def _signed(outcome: Outcome) -> Condition:
    kind = ConditionType.SOURCE_VERIFIED
    if outcome.signed_by:
        return Condition(type=kind, status=True, reason=Reason.SIGNED, message=f"by {outcome.signed_by}")
    return Condition(type=kind, status=False, reason=Reason.NOT_CHECKED, message="the site asks for no signature")
