"""In which order a plan is carried out: the one place that turns changes into steps. Layer: planning, pure.

The intention is recorded; where data may be lost, the backups of the bundle are made; then namespaces and definitions
are written and waited for, and what could not be checked before is checked. Components run side by side, each after
those it needs: inside one, stage after stage, bindings after the roles that they name, webhooks after the workloads
that answer them, readiness asked once at its end. An upgrade in steps does that in two halves, with its steps between
them. What is no longer wanted is deleted only then, in groups, and the outcome is recorded last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING

from bundler.model.change import Action, Change
from bundler.model.hooks import Side
from bundler.model.json import int_at
from bundler.model.refs import ObjectRef
from bundler.model.rollout import Rollout, RolloutState
from bundler.model.stage import Stage
from bundler.model.steps import Await, Delete, Discard, Moment, Record, RunJob, Step, Target, Until, Verify, Write
from bundler.planning.backup import is_backup
from bundler.planning.hook_order import is_deleted_at_once, is_discarded, needs_of_parts, order_of, parts_of
from bundler.planning.jobs import is_job
from bundler.planning.order import component_order, component_ranks, is_custom
from bundler.planning.stages import stage_in_plan
from bundler.planning.stepped_schedule import steps_of, waiting_for_finish
from bundler.planning.stuck_pods import is_stuck_pod

if TYPE_CHECKING:
    from bundler.planning.payloads import Digester

_NEW = "whose namespace, CRD or Role is new", "only definitions were written"
_JUDGED = "whose webhook is part of this release", "everything before them was written"
_BACKUP = "made to back up what may be lost", "nothing was written"
_NOTHING_PREPARED: Mapping[str, Sequence[Change]] = MappingProxyType({})
_REPLICAS = (("spec", 1), ("status", 0))
"""Where a workload says how many pods it has, and what it means when it does not."""


def change_order(changes: Iterable[Change], needs: Mapping[str, tuple[str, ...]]) -> tuple[Change, ...]:
    """Return changes as they are written: components after those they need, hooks around them, stage by stage."""
    rank = component_ranks(needs)

    def place(change: Change) -> tuple[int, str, int, int, Stage, ObjectRef]:
        side = 0 if change.hook is None else -1 if change.hook.side is Side.BEFORE else 1
        order = order_of(change) if side else 0
        return rank[change.component], change.component, side, order, stage_in_plan(change), change.ref

    return tuple(sorted(changes, key=place))


def removal_order(changes: Iterable[Change], needs: Mapping[str, tuple[str, ...]]) -> tuple[Change, ...]:
    """Return deletes as they are made: the other way round, but objects of custom kinds before what is built in.

    The operator that takes a finalizer off, its roles and its webhooks must outlive the objects it cares for. Among
    components that do not need each other all custom objects go first: the operator may be in any of them.
    """
    rank = component_ranks(needs)

    def place(change: Change) -> tuple[int, bool, str, Stage, ObjectRef]:
        component, ref = change.component, change.ref
        return rank[component], is_custom(ref), component, stage_in_plan(change), ref

    return tuple(sorted(changes, key=place, reverse=True))


def removal_groups(deletes: Iterable[Change]) -> tuple[tuple[Change, ...], ...]:
    """Split deletes, already in order, into what is deleted side by side."""
    groups = groupby(deletes, lambda c: (c.component, is_custom(c.ref), stage_in_plan(c)))
    return tuple(tuple(group) for _, group in groups)


class _Chain:
    """Steps that follow each other; those added together run side by side."""

    def __init__(self, digester: Digester, *, after: tuple[str, ...] = ()) -> None:
        self.steps: list[Step] = []
        self.front = after
        """The steps that the next one needs."""
        self._digester = digester

    def add(self, *steps: Step) -> None:
        if steps:
            self.steps += steps
            self.front = tuple(step.id for step in steps)

    def record(self, moment: Moment) -> None:
        self.add(Record(id=f"record:{moment}", needs=self.front, moment=moment))

    def verify(self, place: str, changes: Iterable[Change], said: tuple[str, str]) -> None:
        if refs := tuple(change.ref for change in changes if _is_checkable(change)):
            self.add(Verify(id=f"verify:{place}", needs=self.front, refs=refs, which=said[0], written=said[1]))

    def wait(self, name: str, until: Until, changes: Iterable[Change], *, component: str = "") -> None:
        """Wait for the objects of changes, where there are any."""
        if refs := tuple(change.ref for change in changes):
            self.add(Await(id=name, needs=self.front, until=until, refs=refs, component=component))

    def await_ready(self, place: str, changes: Iterable[Change], *, component: str) -> None:
        made = (change for change in changes if change.desired is not None)
        self.wait(f"ready:{place}", Until.READY, made, component=component)

    def await_complete(self, place: str, changes: Iterable[Change], *, component: str) -> None:
        jobs = (change for change in changes if is_job(change.ref))
        self.wait(f"{place}:complete", Until.COMPLETE, jobs, component=component)

    def write(self, place: str, changes: Iterable[Change], *, component: str) -> None:
        """Add writes, Jobs beside other objects, and bindings after the roles that the API checks them against."""
        writes = [change for change in changes if change.action not in {Action.NONE, Action.DELETE}]
        bindings = tuple(self._target(change) for change in writes if _is_binding(change))
        jobs = [self._target(change) for change in writes if is_job(change.ref)]
        others = tuple(self._target(one) for one in writes if not (_is_binding(one) or is_job(one.ref)))
        needs = self.front
        first = [Write(id=f"write:{place}", needs=needs, targets=others, component=component)] if others else []
        self.add(*first, *(RunJob(id=f"job:{one.ref}", needs=needs, target=one, component=component) for one in jobs))
        if bindings:
            self.add(Write(id=f"bind:{place}", needs=self.front, targets=bindings, component=component))

    def delete(self, place: str, group: Sequence[Change], *, is_removal: bool = False) -> None:
        if targets := tuple(_doomed(change, waits_for_owned=is_removal and _may_own(change)) for change in group):
            self.add(Delete(id=f"delete:{place}", needs=self.front, targets=targets, component=group[0].component))

    def discard(self, place: str, changes: Iterable[Change], *, component: str) -> None:
        if refs := tuple(change.ref for change in changes if is_discarded(change)):
            self.add(Discard(id=f"discard:{place}", needs=self.front, refs=refs, component=component))

    def branch(self, after: tuple[str, ...]) -> _Chain:
        return _Chain(self._digester, after=after)

    def _target(self, change: Change) -> Target:
        digest = self._digester
        claims = tuple(
            Target(ref=one.ref, action=Action.UPDATE, digest=digest.claim_digest(one)) for one in change.grown_claims
        )
        return Target(
            ref=change.ref,
            action=change.action,
            live_uid=change.live_uid,
            digest=digest.digest(change),
            claims=claims,
        )


def schedule(
    changes: Sequence[Change],
    needs: Mapping[str, tuple[str, ...]],
    digester: Digester,
    *,
    rollout: Rollout | None = None,
    is_removal: bool = False,
) -> tuple[Step, ...]:
    """Return the steps that carry out changes, each after those it needs.

    Args:
        changes: in the order of writing, deletes in the order of deleting.
        needs: component -> the components that must be ready first.
        digester: names what is sent.
        rollout: an upgrade in steps, and where it is; None: it has none.
        is_removal: everything goes; each group of deletes is gone before the next begins.
    """
    backups = [change for change in changes if is_backup(change)]
    hooks = [change for change in changes if change.hook is not None]
    wanted = [one for one in changes if not (_is_pruned(one) or one.hook is not None or is_backup(one))]
    chain = _Chain(digester)
    chain.record(Moment.BEGUN)
    _back_up(chain, backups)
    if is_removal:
        _run_all_hooks(chain, hooks, needs, Side.BEFORE)
    _define(chain, [change for change in wanted if stage_in_plan(change) is Stage.DEFINITIONS])
    unverified = [change for change in (*wanted, *hooks) if _is_verified_later(change)]
    if not is_removal:
        chain.verify("new", unverified, _NEW)
        others = [change for change in wanted if stage_in_plan(change) is not Stage.DEFINITIONS]
        _run(chain, [*others, *hooks], needs, rollout)
    _prune(chain, list(filter(_is_pruned, changes)), is_removal=is_removal)
    if is_removal:
        _run_all_hooks(chain, hooks, needs, Side.AFTER)
        chain.discard("hooks", hooks, component="")
    chain.record(Moment.DONE)
    return tuple(chain.steps)


def _is_pruned(change: Change) -> bool:
    return change.action is Action.DELETE and not is_stuck_pod(change)


def _back_up(chain: _Chain, backups: Sequence[Change]) -> None:
    """Make the backups before anything else of the release is touched, and wait until they have succeeded."""
    chain.verify("backup", backups, _BACKUP)
    chain.write("backup", backups, component="")
    chain.wait("backup", Until.SUCCEEDED, backups)


def _is_verified_later(change: Change) -> bool:
    """Return whether the server can check it before it is written; not while an old object is in its way."""
    return not (change.is_verified or change.awaits_webhook or change.action is Action.RECREATE)


def _define(chain: _Chain, changes: Sequence[Change]) -> None:
    """Write namespaces and CRDs of the whole plan, and wait until the API serves them."""
    chain.write("definitions", changes, component="")
    if any(change.action is not Action.NONE for change in changes):
        chain.wait("established", Until.ESTABLISHED, (change for change in changes if change.desired is not None))


def _run(
    chain: _Chain, changes: Sequence[Change], needs: Mapping[str, tuple[str, ...]], rollout: Rollout | None
) -> None:
    """Write the components; of an upgrade in steps what comes before its steps, then those, then the finish.

    Where a rollout is aborted, all components go back at once.
    """
    if rollout is None:
        _run_components(chain, changes, needs, _run_component)
        return
    if rollout.state is RolloutState.ABORTING:  # one that cannot become ready must not keep the others from going back
        _run_components(chain, changes, {}, _run_component)
        return
    late = waiting_for_finish(changes, needs, rollout.shares)
    waiting = frozenset(change.ref for change in late)
    early = [change for change in changes if change.ref not in waiting]

    def begin(branch: _Chain, component: str, here: Sequence[Change]) -> None:
        (_prepare if component in rollout.shares else _run_component)(branch, component, here)

    _run_components(chain, early, needs, begin)
    for step in steps_of(rollout, changes, chain.front):
        chain.add(step)
    prepared = parts_of(change for change in early if change.component in rollout.shares)
    _run_components(chain, late, needs, partial(_run_component, prepared=prepared))


def _run_components(
    chain: _Chain,
    changes: Iterable[Change],
    needs: Mapping[str, tuple[str, ...]],
    run: Callable[[_Chain, str, Sequence[Change]], None],
) -> None:
    """Let each component begin when those it needs are ready, its hooks before and after it and what it holds."""
    parts = parts_of(changes)
    needed = needs_of_parts(parts, needs)
    begin, ends = chain.front, dict[str, tuple[str, ...]]()
    for wave in component_order(frozenset(parts), needed):
        for name in wave:
            branch, here = chain.branch(_union(ends[one] for one in needed[name]) or begin), parts[name]
            if here[0].hook is None:
                run(branch, name, here)
            else:
                _run_hooks(branch, name, here)
                branch.discard(name, filter(is_deleted_at_once, here), component=here[0].component)
            chain.steps += branch.steps
            ends[name] = branch.front
    inner = {one for others in needed.values() for one in others}
    chain.front = _union(ends[name] for name in ends if name not in inner) or begin


def _run_all_hooks(chain: _Chain, hooks: Iterable[Change], needs: Mapping[str, tuple[str, ...]], side: Side) -> None:
    """Run the hooks before or after everything is deleted, those of a component before those that it needs."""
    parts = parts_of(change for change in hooks if change.hook is not None and change.hook.side is side)
    rank = component_ranks(needs)
    for name in sorted(parts, key=lambda part: (-rank.get(parts[part][0].component, 0), part)):
        _run_hooks(chain, name, parts[name])


def _run_hooks(chain: _Chain, part: str, changes: Sequence[Change]) -> None:
    """Write hooks in their order, and wait for the Jobs of each number before the next."""
    by_order: defaultdict[int, list[Change]] = defaultdict(list)
    for change in changes:
        by_order[order_of(change)].append(change)
    component = changes[0].component
    for order, group in sorted(by_order.items()):
        place = f"{part}:{order}"
        for stage in Stage:
            here = [change for change in group if stage_in_plan(change) is stage]
            chain.write(f"{place}:{stage.name.lower()}", here, component=component)
        chain.await_complete(place, group, component=component)


def _union(fronts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step for front in fronts for step in front))


def _run_component(
    chain: _Chain,
    component: str,
    changes: Sequence[Change],
    prepared: Mapping[str, Sequence[Change]] = _NOTHING_PREPARED,
) -> None:
    """Write a component, or what is left of it, and wait until all of it is ready."""
    before = prepared.get(component, ())
    _write_stages(chain, component, changes, before)
    chain.await_ready(component or ".", [*before, *changes], component=component)


def _prepare(chain: _Chain, component: str, changes: Sequence[Change]) -> None:
    """Write what of a component comes before its steps, and wait until its Jobs are complete."""
    _write_stages(chain, component, changes, ())
    chain.await_complete(component or ".", changes, component=component)


def _write_stages(chain: _Chain, component: str, changes: Sequence[Change], before: Sequence[Change]) -> None:
    name = component or "."
    by_stage: defaultdict[Stage, list[Change]] = defaultdict(list)
    for change in changes:
        by_stage[stage_in_plan(change)].append(change)
    earlier = list(before)
    for stage in Stage:
        here, place = by_stage[stage], f"{name}:{stage.name.lower()}"
        if _needs_ready_workloads(stage, here):
            chain.await_ready(place, earlier, component=component)
        chain.verify(place, [change for change in here if change.awaits_webhook and is_custom(change.ref)], _JUDGED)
        chain.write(place, here, component=component)
        chain.delete(name, list(filter(is_stuck_pod, here)))
        earlier += here


def _needs_ready_workloads(stage: Stage, changes: Sequence[Change]) -> bool:
    """Return whether workloads of the component answer requests that these writes lead to."""
    if stage is Stage.JUDGED:
        return any(change.action is not Action.NONE for change in changes)
    return stage is Stage.EXTENSIONS and bool(changes)


def _prune(chain: _Chain, deletes: Sequence[Change], *, is_removal: bool) -> None:
    """Delete group by group.

    Each is gone before the next when everything goes; custom objects always: those who end them may go next.
    """
    later: list[Change] = []
    for number, group in enumerate(removal_groups(deletes), start=1):
        chain.delete(str(number), group, is_removal=is_removal)
        if is_removal or is_custom(group[0].ref):
            chain.wait(f"gone:{number}", Until.GONE, group)
        else:
            later += group
    chain.wait("gone:all", Until.GONE, later)


def _doomed(change: Change, *, waits_for_owned: bool) -> Target:
    return Target(ref=change.ref, action=Action.DELETE, live_uid=change.live_uid, waits_for_owned=waits_for_owned)


def _may_own(change: Change) -> bool:
    """Return whether something may end with the object that is worth waiting for: pods, or whatever an operator made.

    Deletion in the foreground makes the garbage collector look at each object: half a second and more for a hundred.
    """
    if stage_in_plan(change) not in {Stage.WORKLOADS, Stage.DEFINITIONS} or change.awaits_webhook:
        return False
    is_scalable = change.ref.kind in {"Deployment", "StatefulSet", "ReplicaSet"}
    wanted, running = (int_at(change.before, part, "replicas", default=default) for part, default in _REPLICAS)
    return not (is_scalable and wanted == running == 0)


def _is_checkable(change: Change) -> bool:
    """A binding to a Role of this plan is checked by its own write: the Role is written in the same stage."""
    return not (change.desired is None or stage_in_plan(change) is Stage.DEFINITIONS or _is_binding(change))


def _is_binding(change: Change) -> bool:
    return change.ref.kind.endswith("Binding")
