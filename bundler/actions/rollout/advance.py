"""Carry out the steps of a rollout, each recorded before it moves. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.write_object import ObjectWriter
from bundler.actions.rollout.observe import RolloutMemory, SteppedWorkload
from bundler.actions.rollout.one_step import OneStep, Rolling
from bundler.actions.rollout.templates import TemplateMemory
from bundler.health.pod_ages import PodAges
from bundler.model.change import Action, Change
from bundler.model.lean import replace
from bundler.model.rollout import Rollout, RolloutState, Template
from bundler.model.steps import Advance, Pause

if TYPE_CHECKING:
    from bundler.actions.change.run_control import Guard
    from bundler.actions.release.lifecycle import RunOptions
    from bundler.actions.release.proposal import Proposal
    from bundler.actions.release.run_record import RunRecord
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports


def advancer_for(
    proposal: Proposal, ports: Ports, options: RunOptions, guard: Guard, record: RunRecord
) -> Advancer | None:
    """Return what carries out the steps of a plan; None where it has none.

    Args:
        proposal: with the plan.
        ports: the cluster and the records.
        options: how the change is carried out.
        guard: stops the run.
        record: of the run.
    """
    plan = proposal.plan
    refs = {paced.ref for step in plan.steps if isinstance(step, Advance) for paced in step.workloads}
    if not any(isinstance(step, Advance | Pause) for step in plan.steps) or proposal.planned.wanted.rollout is None:
        return None
    changes = {change.ref: change for change in plan.changes if change.ref in refs}
    memory = RolloutMemory(TemplateMemory(), PodAges(options.fail_fast))
    _learn(changes.values(), memory.templates, is_new=not proposal.drafted.revision.summary.revision)
    before = _written_before(proposal, ports)
    rolling = Rolling(
        workloads=[
            SteppedWorkload(ref=one.ref, component=one.component, new=_desired(one), old=before.get(one.ref))
            for one in changes.values()
        ],
        changes=changes,
        writer=ObjectWriter(proposal.planned, ports, guard, guard.listening(ports.report)),
        guard=guard,
        record=record,
        memory=memory,
    )
    return Advancer(rolling)


def _written_before(proposal: Proposal, ports: Ports) -> Mapping[ObjectRef, Manifest]:
    """Return what the deployed revision wrote."""
    deployed, fallback = proposal.history.deployed, proposal.drafted.fallback
    if deployed is not None and (fallback is None or fallback.summary.revision != deployed.revision):
        fallback = ports.store.load(deployed, with_sensitive=True)
        ports.redactor.learn(*fallback.sensitive)
    return {one.ref: one for one in fallback.manifests} if fallback and deployed else {}


def _desired(change: Change) -> Manifest:
    if change.desired is None:
        raise AssertionError(f"{change.ref} is stepped, and not written")
    return change.desired


def _learn(changes: Iterable[Change], templates: TemplateMemory, *, is_new: bool) -> None:
    """Take over what the plan knows: what the new template comes to, and what was live when a rollout was approved."""
    for change in changes:
        after = change.before if change.action is Action.NONE else change.after
        if after is not None:
            templates.learn(change.ref, after, Template.NEW)
        if is_new and change.before is not None:
            templates.learn(change.ref, change.before, Template.OLD)


class Advancer:
    """Carries out the steps of a rollout, one after the other."""

    def __init__(self, rolling: Rolling) -> None:
        """Prepare; nothing is written yet."""
        self._rolling = rolling

    @property
    def step_s(self) -> float:
        """How long one step may take, the soak included."""
        rollout = self._rolling.rollout
        return rollout.step_timeout_s + rollout.soak_s

    @property
    def held(self) -> Sequence[Change]:
        """What was written as a step holds it."""
        return self._rolling.writer.progress.held

    def __call__(self, step: Advance | Pause, ports: Ports, /) -> bool:
        """Do a step; return whether the run continues, or pauses here.

        Raises:
            StepFailedError: when its pods do not become ready, or a gate fails.
            RolloutContestedError: when another manager changed a workload.
            InterruptedRunError, LockLostError: when the run must not continue.
        """
        if isinstance(step, Pause):
            now = self._rolling.rollout
            self._rolling.move(replace(now, state=RolloutState.PAUSED, is_done=True, reason=step.reason))
            return False
        return self._begin(step) and OneStep(step, self._rolling, ports).to_the_end() and self._end(step)

    def _begin(self, step: Advance) -> bool:
        """Record that a step moves, before it does."""
        now = self._rolling.rollout
        is_there = now.step == step.number and now.state is RolloutState.MOVING and not now.is_done
        return is_there or self._rolling.move(_at(now, step.number))

    def _end(self, step: Advance) -> bool:
        """Record that the next step moves, unless it pauses here: then the pause is what is recorded."""
        now = self._rolling.rollout
        return now.pauses_after(step.number) or self._rolling.move(_at(now, step.number + 1))


def _at(rollout: Rollout, step: int) -> Rollout:
    """Return a rollout that begins a step."""
    return replace(rollout, step=step, is_done=False, state=RolloutState.MOVING, passed=(), reason="")
