"""Carry out one change of one object, and keep account of how far a run has come. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from bundler.actions.change.adopt import adopt, hand_over, take_back
from bundler.actions.change.generated_secrets import generate_text, secret_payload
from bundler.actions.change.wait import wait_until_gone
from bundler.errors import Again, BundlerError, InterruptedRunError
from bundler.errors.change import ForeignObjectError, LockLostError
from bundler.errors.cluster import AlreadyExistsError, ConflictError, ForbiddenError
from bundler.model.change import Action, Change, FieldConflict
from bundler.model.cluster import Answer, Payload
from bundler.model.conflicts import OnConflict
from bundler.model.events import ChangeFinished, ChangeStarted, Notice, Warned
from bundler.model.json import Body, canonical_json, text_at
from bundler.model.lean import replace
from bundler.model.size import listed
from bundler.planning.autoscale import REPLICAS_PATH, owned_by_autoscaler
from bundler.planning.ownership import is_ours
from bundler.planning.payloads import claim_payload, following, payload_of
from bundler.planning.recreate import lacks_room

if TYPE_CHECKING:
    from bundler.actions.change.make_plan import Planned
    from bundler.actions.change.run_control import Guard
    from bundler.model.manifest import Manifest
    from bundler.ports import Ports, Propagation, Reporter

_REPLICA_TRIES = 10
_RECOUNT_S, _RECOUNT_PAUSE_S = 60.0, 0.5


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run wrote; filled while it runs, so that a failed run can say how far it came."""

    written: list[Change] = field(default_factory=list)
    failed: list[Change] = field(default_factory=list)
    unclear: list[Change] = field(default_factory=list)
    """Failed too, but the answer was lost: the object may have been written."""

    held: list[Change] = field(default_factory=list)
    """Written as a step of a rollout holds it; its own write comes in the finish."""

    def is_whole(self, changes: Iterable[Change]) -> bool:
        """Return whether every change of a plan was written."""
        written = {id(change) for change in self.written}
        return all(change.action is Action.NONE or id(change) in written for change in changes)

    def summary(self, changes: Iterable[Change]) -> tuple[str, ...]:
        """Return lines that say what was written, what failed, what is unclear and what was not attempted."""
        begun = {id(change) for change in (*self.written, *self.failed, *self.unclear)}
        held = list({change.ref: change for change in self.held if id(change) not in begun}.values())
        begun |= {id(change) for change in held}
        open_ones = [c for c in changes if c.action is not Action.NONE and id(c) not in begun]
        groups = (
            ("written", self.written),
            ("written, and held back until the finish", held),
            ("failed", self.failed),
            ("unclear, because the answer was lost", self.unclear),
            ("not attempted", open_ones),
        )
        return tuple(f"{name}: {_named(group)}" for name, group in groups if group)


class ObjectWriter:
    """Writes and deletes objects of one plan, and keeps account of it; used by several threads."""

    def __init__(self, planned: Planned, ports: Ports, guard: Guard, report: Reporter) -> None:
        """Take the plan with its bodies, and what is asked before every write."""
        self._planned, self._ports, self._guard, self._report = planned, ports, guard, report
        self.progress = Progress()
        self._warned: set[str] = set()

    def carry_out(self, change: Change, *, propagation: Propagation = "Background") -> None:
        """Write or delete one object.

        Args:
            change: what to do.
            propagation: of a delete.

        Raises:
            BundlerError: whatever ended the write; it is noted in ``progress``, and no other write begins.
        """
        try:
            self._carry_out(change, propagation)
        except InterruptedRunError:
            raise
        except BaseException as error:
            is_unclear = isinstance(error, BundlerError) and error.is_unclear
            if is_unclear or not isinstance(error, LockLostError):
                (self.progress.unclear if is_unclear else self.progress.failed).append(change)
            self._guard.stop()
            raise
        self.progress.written.append(change)

    def hold(self, change: Change, paced: Manifest, live: Body, others: Iterable[tuple[str, str]]) -> None:
        """Write a workload as it is held back in a rollout; its own write comes in the finish.

        Args:
            change: of the workload.
            paced: what is sent.
            live: the workload as it was seen.
            others: fields that are taken from others although no one decided it, each with its owner.

        Raises:
            ConflictError: when it was changed since the plan was made.
        """
        taken = (_taken(path, manager) for path, manager in others)
        held = replace(change, desired=paced, before=live, decided=(*change.decided, *taken))
        with self._guard.writing():
            self._apply(held, payload_of(paced, live))
        self.progress.held.append(change)

    def payload(self, change: Change) -> Payload:
        """Return the bytes that were dry-run, or the same body made into bytes where nothing was asked."""
        if change.desired is None:
            msg = f"{change.ref} has nothing to send"
            raise AssertionError(msg)
        known = self._planned.payloads.get(change.ref)
        if known is None or change.is_autoscaled or change.is_anew:
            return payload_of(change.desired, change.before)
        return known

    def _carry_out(self, change: Change, propagation: Propagation) -> None:
        match change.action:
            case Action.CREATE | Action.UPDATE:
                if change.action is Action.CREATE and change.before is not None:
                    wait_until_gone([change], self._ports, self._guard)
                with self._guard.writing():
                    self._report(ChangeStarted(change.ref, change.action))
                    take_back(change, self._ports.cluster, uid=self._planned.wanted.uid)
                    adopt(change, self._ports.cluster)
                    self._write_secret(change) if change.generated else self._apply(change)
                    hand_over(change, self._ports.cluster)
            case Action.RECREATE:
                self._grow_claims(change)
                self._delete(change, "Orphan" if change.keeps_pods else "Background")
                wait_until_gone([change], self._ports, self._guard)
                self._create_again(replace(change, before=None, live_uid=""))
            case Action.DELETE:
                self._delete(change, propagation)
            case Action.NONE:
                return
            case _:
                assert_never(change.action)
        self._report(ChangeFinished(change.ref, change.action))

    def _create_again(self, change: Change) -> None:
        """Create what was deleted just now; a quota counts the old object until its controller looks again."""
        ends_s = self._ports.clock.monotonic() + _RECOUNT_S
        while True:
            try:
                with self._guard.writing():
                    self._apply(change)
                    hand_over(change, self._ports.cluster)
            except ForbiddenError as error:
                if not lacks_room(error.context) or self._ports.clock.monotonic() >= ends_s:
                    raise
            else:
                return
            self._guard.check()
            self._ports.clock.sleep(_RECOUNT_PAUSE_S)

    def _grow_claims(self, change: Change) -> None:
        for claim in change.grown_claims:
            with self._guard.writing():
                self._report(ChangeStarted(claim.ref, Action.UPDATE))
                self._ports.cluster.apply(claim_payload(claim), is_forced=True)
            self._report(Notice(f"{claim.ref.short} grows from {claim.before} to {claim.after}"))

    def _apply(self, change: Change, paced: Payload | None = None) -> None:
        payload, is_forced = paced or self.payload(change), False
        for _ in range(_REPLICA_TRIES):
            try:
                answer = self._ports.cluster.apply(payload, is_forced=is_forced)
            except ConflictError as error:
                if _is_meant(change, error) or (not change.is_autoscaled and owned_by_autoscaler(error.conflicts)):
                    is_forced = True
                    continue
                followed = self._followed(change, error)
                if followed is None:
                    raise
                payload = followed
                continue
            now_s, version = self._ports.clock.monotonic(), text_at(answer.body, "metadata", "resourceVersion")
            self._guard.memory.wrote(change.ref, version=version, now_s=now_s)
            self._warn(change, answer)
            if change.before is None and not answer.is_created:
                self._check_ours(change)
            return

    def _warn(self, change: Change, answer: Answer) -> None:
        """Pass on what the server warns of once, and not again what the plan has shown."""
        for warning in answer.warnings:
            if warning not in change.warnings and warning not in self._warned:
                self._warned.add(warning)
                self._report(Warned(f"{change.ref.short}: {warning}"))

    def _followed(self, change: Change, error: ConflictError) -> Payload | None:
        """Return the payload with the replicas that the autoscaler has set since; None for any other conflict."""
        is_replicas = {path for path, _ in error.conflicts} == {REPLICAS_PATH}
        if not (change.is_autoscaled and is_replicas and change.desired is not None):
            return None
        live = self._ports.cluster.get(change.ref, version=change.desired.version)
        return None if live is None else payload_of(following(change.desired, live), live)

    def _check_ours(self, change: Change) -> None:
        """What was to be created was there: ours after an unclear first try, or someone's who was quicker."""
        live = self._ports.cluster.get(change.ref)
        if live is not None and is_ours(live, self._planned.wanted.uid):
            return
        raise ForeignObjectError(
            f"creating {change.ref.short}",
            context=[f"{change.ref} appeared after the plan was made"],
            hint=Again("check the object, then "),
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

    def _delete(self, change: Change, propagation: Propagation) -> None:
        with self._guard.writing():
            self._report(ChangeStarted(change.ref, Action.DELETE))
            try:
                self._ports.cluster.delete(change.ref, uid=change.live_uid, propagation=propagation)
            except ConflictError:
                if change.action is Action.RECREATE:
                    raise  # what is there now is not what was to be replaced
                self._report(
                    Warned(f"{change.ref.short} was replaced by another object of that name; it was left alone")
                )


def _is_meant(change: Change, error: ConflictError) -> bool:
    """Return whether the plan takes every field that is contested from the one who contests it."""
    taken = {(one.field, one.manager) for one in change.decided if one.policy is OnConflict.TAKE}
    return bool(error.conflicts) and taken.issuperset(error.conflicts)


def _taken(field: str, manager: str) -> FieldConflict:
    return FieldConflict(field=field, manager=manager, since="", wanted="", live="", policy=OnConflict.TAKE)


def _named(changes: Sequence[Change], limit: int = 12) -> str:
    """Name each object once: what a hook has left is written, and deleted again."""
    return listed([ref.short for ref in dict.fromkeys(change.ref for change in changes)], limit)
