"""The only code that orders cluster writes and waits; it carries out any plan. Layer: actions."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from bundler.actions.change.delete_propagation import refs_in_foreground
from bundler.actions.change.generated_secrets import generate_text, secret_payload
from bundler.actions.change.make_plan import following, payload_of
from bundler.actions.change.run_control import WRITES_AT_ONCE
from bundler.actions.change.take_back import take_back
from bundler.actions.change.wait import wait_until_gone, wait_until_ready
from bundler.errors import BundlerError, InterruptedRunError
from bundler.errors.change import ForeignObjectError, LockLostError, RejectedObjectsError
from bundler.errors.cluster import AlreadyExistsError, ConflictError
from bundler.model.change import Action, Change, Stage
from bundler.model.cluster import Payload
from bundler.model.events import ChangeFinished, ChangeStarted, Notice, PhaseStarted, Warned
from bundler.model.json import canonical_json, text_at
from bundler.model.lean import replace
from bundler.model.size import counted
from bundler.planning.autoscale import REPLICAS_PATH, owned_by_autoscaler
from bundler.planning.order import component_order, is_custom, removal_groups
from bundler.planning.ownership import is_ours

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bundler.actions.change.make_plan import Planned
    from bundler.actions.change.run_control import Guard
    from bundler.actions.change.wait import WaitRules
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports, Propagation

_NAP_S = 0.2
_REPLICA_TRIES = 10
_SCHEMA_LAG_S = 5.0
"""An API server serves a new kind, or goes by its new schema, a moment after it called the CRD established."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run wrote; filled while it goes on, so that a failed run can say how far it came."""

    written: list[Change] = field(default_factory=list)
    failed: list[Change] = field(default_factory=list)
    unclear: list[Change] = field(default_factory=list)
    """Failed too, but the answer was lost: the object may have been written."""

    def summary(self, changes: Iterable[Change]) -> tuple[str, ...]:
        """Return lines that say what was written, what failed, what is unclear and what was not attempted."""
        begun = {id(change) for change in (*self.written, *self.failed, *self.unclear)}
        open_ones = [c for c in changes if c.action is not Action.NONE and id(c) not in begun]
        groups = (
            ("written", self.written),
            ("failed", self.failed),
            ("unclear, because the answer was lost", self.unclear),
            ("not attempted", open_ones),
        )
        return tuple(f"{name}: {_named(group)}" for name, group in groups if group)


def _named(changes: Sequence[Change], limit: int = 12) -> str:
    names = [change.ref.short for change in changes[:limit]]
    return ", ".join(names) + (f" and {len(changes) - limit} more" if len(changes) > limit else "")


class Executor:
    """Carries out one plan. What made the plan (install, rollback, uninstall) is none of its business."""

    def __init__(self, planned: Planned, ports: Ports, guard: Guard, rules: WaitRules) -> None:
        self._planned, self._plan, self._ports = planned, planned.plan, ports
        self._guard, self._rules = guard, rules
        self._report = guard.listening(ports.report)
        self._foreground: frozenset[ObjectRef] = frozenset()
        """What is deleted with everything it owns before it goes itself."""
        self.progress = Progress()

    def run(self) -> None:
        """Write, wait, prune, wait for what was deleted: in the plan's order.

        Raises:
            BundlerError: whatever ended the run; ``progress`` says how far it came.
        """
        wanted = [change for change in self._plan.changes if change.action is not Action.DELETE]
        self._report(PhaseStarted("applying", sum(c.action is not Action.NONE for c in wanted)))
        self._define([change for change in wanted if change.stage is Stage.DEFINITIONS])
        unverified = [change for change in wanted if not (change.is_verified or change.awaits_webhook)]
        self._verify(unverified, "whose namespace, CRD or Role is new", written="only definitions were written")
        self._run_components([change for change in wanted if change.stage is not Stage.DEFINITIONS])
        self._prune([change for change in self._plan.changes if change.action is Action.DELETE])

    def _define(self, changes: Sequence[Change]) -> None:
        """Write namespaces and CRDs of the whole plan, and wait until the API serves them."""
        self._write_all(changes)
        if any(change.action is not Action.NONE for change in changes):
            wait_until_ready(changes, self._ports, self._rules, self._guard)
            self._ports.cluster.forget_discovery()

    def _verify(self, changes: Sequence[Change], which: str, *, written: str) -> None:
        """Dry-run what could not be checked before; all of it, before any other object is written."""
        ends_s = self._ports.clock.monotonic() + _SCHEMA_LAG_S
        while problems := self._problems(changes):
            if self._ports.clock.monotonic() >= ends_s:
                raise RejectedObjectsError(
                    f"checking objects {which}",
                    context=sorted(problems),
                    hint=f"{written}; fix the bundle and run this again",
                )
            self._guard.check()
            self._ports.clock.sleep(_SCHEMA_LAG_S / 20)
            self._ports.cluster.forget_discovery()

    def _problems(self, changes: Sequence[Change]) -> list[str]:
        problems: list[str] = []
        for change in changes:
            if change.desired is None or change.stage is Stage.DEFINITIONS or _is_binding(change):
                continue
            try:
                self._ports.cluster.apply(self._payload(change), is_dry_run=True)
            except BundlerError as error:
                where = f"{change.desired.source}: {change.ref.short}"
                problems += [f"{where}: {line}" for line in error.context or (str(error),)]
        return problems

    def _run_components(self, changes: Sequence[Change]) -> None:
        """Run each component as soon as those it needs are ready; independent ones side by side."""
        by_component: defaultdict[str, list[Change]] = defaultdict(list)
        for change in changes:
            by_component[change.component].append(change)
        needs = {name: tuple(n for n in self._plan.needs.get(name, ()) if n in by_component) for name in by_component}
        order = [name for wave in component_order(frozenset(by_component), needs) for name in wave]
        if not order:
            return
        done: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(max_workers=len(order)) as pool:
            for name in order:
                waited = [done[need] for need in needs[name]]
                done[name] = pool.submit(self._run_component, by_component[name], waited)
            _await_all(done.values())
        _raise_first([future.exception() for future in done.values()])

    def _run_component(self, changes: Sequence[Change], needed: Sequence[Future[None]]) -> None:
        for future in needed:
            future.result()
        try:
            for stage in Stage:
                here = [change for change in changes if change.stage is stage]
                if _needs_ready_workloads(stage, here):
                    self._wait([change for change in changes if change.stage < stage])
                self._verify(
                    [change for change in here if change.awaits_webhook and is_custom(change.ref)],
                    "whose webhook is part of this release",
                    written="everything before them was written",
                )
                self._write_all(here)
            self._wait(changes)
        except BaseException:
            self._guard.stop()
            raise

    def _wait(self, changes: Sequence[Change]) -> None:
        if self._rules.waits:
            wait_until_ready(changes, self._ports, self._rules, self._guard)

    def _write_all(self, changes: Sequence[Change]) -> None:
        """Write side by side; bindings after the roles they name, since the API checks them against each other."""
        writes = [change for change in changes if change.action not in {Action.NONE, Action.DELETE}]
        for group in ([c for c in writes if not _is_binding(c)], [c for c in writes if _is_binding(c)]):
            self._side_by_side(group)

    def _side_by_side(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        with ThreadPoolExecutor(max_workers=min(WRITES_AT_ONCE, len(changes))) as pool:
            futures = [pool.submit(self._write, change) for change in changes]
        _raise_first([future.exception() for future in futures])

    def _write(self, change: Change) -> None:
        try:
            self._carry_out(change)
        except InterruptedRunError:
            raise
        except BaseException as error:
            is_unclear = isinstance(error, BundlerError) and error.is_unclear
            if is_unclear or not isinstance(error, LockLostError):
                (self.progress.unclear if is_unclear else self.progress.failed).append(change)
            self._guard.stop()
            raise
        self.progress.written.append(change)

    def _carry_out(self, change: Change) -> None:
        match change.action:
            case Action.CREATE | Action.UPDATE:
                self._await_departure(change)
                with self._guard.writing():
                    self._report(ChangeStarted(change.ref, change.action))
                    take_back(change, self._ports.cluster, uid=self._planned.wanted.uid)
                    self._write_secret(change) if change.generated else self._apply(change)
            case Action.RECREATE:
                self._grow_claims(change)
                self._delete(change)
                wait_until_gone([change], self._ports, self._guard)
                with self._guard.writing():
                    self._apply(replace(change, before=None, live_uid=""))
            case Action.DELETE:
                self._delete(change)
            case Action.NONE:
                return
            case _:
                assert_never(change.action)
        self._report(ChangeFinished(change.ref, change.action))

    def _grow_claims(self, change: Change) -> None:
        for claim in change.grown_claims:
            payload = Payload(ref=claim.ref, api_version="v1", content=canonical_json(claim.body))
            with self._guard.writing():
                self._report(ChangeStarted(claim.ref, Action.UPDATE))
                self._ports.cluster.apply(payload, is_forced=True)
            self._report(Notice(f"{claim.ref.short} grows from {claim.before} to {claim.after}"))

    def _await_departure(self, change: Change) -> None:
        if change.action is Action.CREATE and change.before is not None:
            wait_until_gone([change], self._ports, self._guard)

    def _payload(self, change: Change) -> Payload:
        """Return the bytes that were dry-run, or the same body made into bytes where nothing was asked."""
        if change.desired is None:
            msg = f"{change.ref} has nothing to send"
            raise AssertionError(msg)
        known = self._planned.payloads.get(change.ref)
        if known is None or change.is_autoscaled or change.action is Action.RECREATE:
            return payload_of(change.desired, change.before)
        return known

    def _apply(self, change: Change) -> None:
        payload, is_forced = self._payload(change), False
        for _ in range(_REPLICA_TRIES):
            try:
                answer = self._ports.cluster.apply(payload, is_forced=is_forced)
            except ConflictError as error:
                if not change.is_autoscaled and owned_by_autoscaler(error.conflicts):
                    is_forced = True
                    continue
                followed = self._followed(change, error)
                if followed is None:
                    raise
                payload = followed
                continue
            now_s, version = self._ports.clock.monotonic(), text_at(answer.body, "metadata", "resourceVersion")
            self._guard.memory.wrote(change.ref, version=version, now_s=now_s)
            for warning in answer.warnings:
                self._report(Warned(f"{change.ref.short}: {warning}"))
            if change.before is None and not answer.is_created:
                self._check_ours(change)
            return

    def _followed(self, change: Change, error: ConflictError) -> Payload | None:
        """Return the payload with the replicas that the autoscaler has set since; None for any other conflict."""
        is_replicas = {path for path, _ in error.conflicts} == {REPLICAS_PATH}
        if not (change.is_autoscaled and is_replicas and change.desired is not None):
            return None
        live = self._ports.cluster.get(change.ref, version=change.desired.api_version.rpartition("/")[2])
        return None if live is None else payload_of(following(change.desired, live), live)

    def _check_ours(self, change: Change) -> None:
        """What was to be created was there: ours after an unclear first try, or somebody's who was quicker."""
        live = self._ports.cluster.get(change.ref)
        if live is not None and is_ours(live, self._planned.wanted.uid):
            return
        raise ForeignObjectError(
            f"creating {change.ref.short}",
            context=[f"{change.ref} appeared after the plan was made"],
            hint="look at the object, then run the same command again",
        )

    def _write_secret(self, change: Change) -> None:
        """Generate a Secret, or take one that a release left behind: its labels change, its data never does."""
        if change.action is Action.CREATE or change.after is None:
            self._generate(change)
            return
        content = canonical_json(change.after)
        self._ports.cluster.replace(Payload(ref=change.ref, api_version="v1", content=content))

    def _generate(self, change: Change) -> None:
        texts = {secret.key: generate_text(secret) for secret in change.generated}
        for text in texts.values():
            self._ports.redactor.learn(text)
        try:
            self._ports.cluster.create(secret_payload(change, texts, self._planned.wanted))
        except AlreadyExistsError:
            live = self._ports.cluster.get(change.ref)
            if live is None or not is_ours(live, self._planned.wanted.uid):
                raise

    def _delete(self, change: Change) -> None:
        with self._guard.writing():
            self._report(ChangeStarted(change.ref, Action.DELETE))
            propagation: Propagation = "Foreground" if change.ref in self._foreground else "Background"
            if change.keeps_pods:
                propagation = "Orphan"
            try:
                self._ports.cluster.delete(change.ref, uid=change.live_uid, propagation=propagation)
            except ConflictError:
                self._report(
                    Warned(f"{change.ref.short} was replaced by another object of that name; it was left alone")
                )

    def _prune(self, deletes: Sequence[Change]) -> None:
        """Delete in the plan's order, group by group.

        Each is gone before the next when everything goes; custom objects always: those who end them may go next.
        """
        if not deletes:
            return
        self._guard.confirm_lock()
        self._report(PhaseStarted("pruning", len(deletes)))
        later: list[Change] = []
        for group in removal_groups(deletes):
            if self._plan.is_removal:
                self._foreground = refs_in_foreground(group, self._ports)
            self._side_by_side(group)
            if self._plan.is_removal or is_custom(group[0].ref):
                self._await_end(group)
            else:
                later += group
        self._await_end(later)
        self._report(Notice(f"{counted(len(deletes), 'object')} deleted"))

    def _await_end(self, deletes: Sequence[Change]) -> None:
        wait_until_gone(deletes, self._ports, self._guard, around=self._plan.changes)


def _needs_ready_workloads(stage: Stage, changes: Sequence[Change]) -> bool:
    """Tell whether workloads of the component answer requests that these writes lead to."""
    if stage is Stage.JUDGED:
        return any(change.action is not Action.NONE for change in changes)
    return stage is Stage.EXTENSIONS and bool(changes)


def _is_binding(change: Change) -> bool:
    """A binding to a Role of this plan is checked by its own write: the Role is written in the same stage."""
    return change.ref.kind.endswith("Binding")


def _await_all(futures: Collection[Future[None]]) -> None:
    """Return when all have ended, or one has failed; in naps, so that a signal is seen at once."""
    while True:
        done, pending = wait(futures, timeout=_NAP_S, return_when=FIRST_EXCEPTION)
        if not pending or any(future.exception() for future in done):
            return


def _raise_first(errors: Iterable[BaseException | None]) -> None:
    """Raise the error that came first in cause: one that is not the echo of another write's failure."""
    found = [error for error in errors if error is not None]
    causes = [error for error in found if not isinstance(error, InterruptedRunError)]
    for error in (*causes, *found):
        raise error
