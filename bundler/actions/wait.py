"""Wait until objects are ready, or gone, and say why they are not. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.evidence import Unready, gather_evidence
from bundler.actions.observe import by_ref
from bundler.actions.parallel import map_parallel
from bundler.actions.pods import PodWatch
from bundler.errors import ObjectFailedError, UnknownKindError, WaitTimeoutError
from bundler.health.compute import compute_health
from bundler.health.pods import FailFast
from bundler.model.change import Action
from bundler.model.cluster import ListQuery
from bundler.model.events import HealthChanged, PhaseStarted, Warned
from bundler.model.health import Health, Status
from bundler.model.json import list_at, text_at
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bundler.actions.guard import Guard
    from bundler.model.bundle import ReadinessRule
    from bundler.model.change import Change
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 0.5
_NOT_THERE = Health(Status.NOT_FOUND, "it is not there")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRules:
    """How a run waits."""

    uid: str
    """The release's uid: what is waited for is listed by it."""
    waits: bool = True
    readiness: Sequence[ReadinessRule] = ()
    fail_fast: FailFast = field(default_factory=FailFast)


def wait_until_ready(changes: Sequence[Change], ports: Ports, rules: WaitRules, guard: Guard) -> None:
    """Return when every object is ready.

    Raises:
        ObjectFailedError: when one failed for good, with what its pods, events and logs say.
        WaitTimeoutError: when the command's budget ended first, with the same of every unready object.
        InterruptedRunError, LockLostError: when the run must not go on.
    """
    targets = [c for c in changes if c.action is not Action.DELETE and not _has_run(c) and c.desired is not None]
    if targets:
        ports.report(PhaseStarted("waiting", len(targets)))
        _Wait({change.ref: change for change in targets}, ports, rules, guard).until_ready()


def _has_run(change: Change) -> bool:
    """A Job of an earlier revision that is gone has run, and is not waited for."""
    return change.action is Action.NONE and change.before is None


class _Wait:
    """One wait: what is still open, what it looked like last."""

    def __init__(self, open_ones: dict[ObjectRef, Change], ports: Ports, rules: WaitRules, guard: Guard) -> None:
        self._open, self._ports, self._rules, self._guard = open_ones, ports, rules, guard
        self._since_s = ports.clock.monotonic()
        self._health: dict[ObjectRef, Health] = {}
        self._bodies: Mapping[ObjectRef, Body] = {}
        self._pods = PodWatch(ports, rules.fail_fast)

    def until_ready(self) -> None:
        """Look again and again until nothing is open."""
        pause_s = _FIRST_PAUSE_S
        while True:
            self._look()
            if not self._open:
                return
            self._stop_for_failures()
            if self._ports.remaining_s() <= 0:
                raise WaitTimeoutError(
                    f"waiting for {len(self._open)} objects; the time of the whole command ran out in this phase",
                    context=self._evidence(list(self._open)),
                    hint="`bundler wait` goes on waiting and changes nothing; --timeout gives more time",
                )
            self._guard.check()
            self._ports.clock.sleep(min(pause_s, max(self._ports.remaining_s(), 0.01)))
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    def _look(self) -> None:
        self._bodies = list_live(self._open, self._ports, uid=self._rules.uid)
        age_s = self._ports.clock.monotonic() - self._since_s
        self._pods.look(self._bodies, age_s=age_s)
        for ref in list(self._open):
            body = self._bodies.get(ref)
            health = _NOT_THERE if body is None else compute_health(ref, body, rules=self._rules.readiness, age_s=age_s)
            self._note(ref, health)

    def _note(self, ref: ObjectRef, health: Health) -> None:
        detail = self._pods.detail(ref)
        if self._health.get(ref) != health or self._pods.is_news(ref):
            self._ports.report(HealthChanged(ref, health, detail))
        self._health[ref] = health
        if health.warning:
            self._ports.report(Warned(f"{ref.short}: {health.warning}"))
        if health.status is Status.UNKNOWN:
            self._ports.report(Warned(f"{ref.short}: not waited for: {health.message}"))
        if health.status in {Status.CURRENT, Status.UNKNOWN}:
            del self._open[ref]

    def _stop_for_failures(self) -> None:
        failed = [ref for ref in self._open if self._health[ref].status is Status.FAILED or self._pods.is_final(ref)]
        if failed:
            raise ObjectFailedError(
                "waiting for objects that failed for good",
                context=self._evidence(failed),
                hint="mend what is named above and run the same command again",
            )

    def _evidence(self, refs: Iterable[ObjectRef]) -> tuple[str, ...]:
        unready = [
            Unready(change=self._open[ref], health=self._health[ref], body=self._bodies.get(ref)) for ref in refs
        ]
        return gather_evidence(unready, self._pods, self._ports)


def list_live(
    refs: Iterable[ObjectRef], ports: Ports, *, uid: str, metadata_only: bool = False
) -> Mapping[ObjectRef, Body]:
    """Return the live objects among ``refs`` that carry the release's uid: one list per kind and namespace."""
    wanted = frozenset(refs)
    shelves = sorted({(ref.group, ref.kind, ref.namespace) for ref in wanted})

    def listed(shelf: tuple[str, str, str]) -> Sequence[Body]:
        group, kind, namespace = shelf
        selector = f"{RELEASE_UID}={uid}" if uid else ""
        query = ListQuery(
            group=group, kind=kind, namespace=namespace, label_selector=selector, metadata_only=metadata_only
        )
        try:
            return ports.cluster.list(query).items
        except UnknownKindError:
            return ()

    found = by_ref(body for bodies in map_parallel(listed, shelves) for body in bodies)
    return {ref: body for ref, body in found.items() if ref in wanted}


def wait_until_gone(changes: Sequence[Change], ports: Ports, guard: Guard) -> None:
    """Return when none of the objects, as they were, is there any more.

    Raises:
        WaitTimeoutError: with the finalizers that hold what is left.
        InterruptedRunError, LockLostError: when the run must not go on.
    """
    left = {change.ref: change for change in changes}
    pause_s = _FIRST_PAUSE_S
    while True:
        bodies = _remains(left, ports)
        left = {ref: change for ref, change in left.items() if ref in bodies}
        if not left:
            return
        if ports.remaining_s() <= 0:
            raise WaitTimeoutError(
                f"waiting until {len(left)} deleted objects are gone",
                context=[_why_not_gone(ref, bodies[ref]) for ref in sorted(left)],
                hint="run the same command again once what holds them is mended; nothing is lost",
            )
        guard.check()
        ports.clock.sleep(min(pause_s, max(ports.remaining_s(), 0.01)))
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


def _remains(left: Mapping[ObjectRef, Change], ports: Ports) -> Mapping[ObjectRef, Body]:
    """Return those objects that are still the ones that were deleted: same name and same uid."""
    uid = next((text_at(c.before, "metadata", "labels", RELEASE_UID) for c in left.values()), "")
    found = list_live(left, ports, uid=uid, metadata_only=True)
    return {ref: body for ref, body in found.items() if text_at(body, "metadata", "uid") == _old_uid(left[ref])}


def _old_uid(change: Change) -> str:
    return change.live_uid or text_at(change.before, "metadata", "uid")


def _why_not_gone(ref: ObjectRef, body: Body) -> str:
    finalizers = ", ".join(str(name) for name in list_at(body, "metadata", "finalizers"))
    held = f"held by finalizer {finalizers}" if finalizers else "no finalizer holds it"
    return f"{ref.short} in {ref.namespace or 'the cluster'} is still terminating: {held}"
