"""What a step that ended badly says: which pods, why, and what can be done. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.claim_watch import ClaimWatch
from bundler.actions.change.diagnostics import Unready, gather_evidence
from bundler.actions.rollout.failure import ways_on
from bundler.actions.rollout.observe import owners_of_pacing
from bundler.errors.change import RolloutContestedError, StepFailedError
from bundler.health.pods import pod_problem
from bundler.model.health import Health, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.actions.rollout.observe import RolloutMemory
    from bundler.actions.rollout.one_step import Rolling
    from bundler.health.pods import PodProblem
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import SeenWorkload
    from bundler.model.steps import Advance
    from bundler.ports import Ports


def step_failed(
    step: Advance, rolling: Rolling, ports: Ports, seen: Sequence[SeenWorkload], lines: Sequence[str]
) -> StepFailedError:
    """Return the error of a step whose pods or gates failed, with what explains it.

    Args:
        step: of the plan.
        rolling: the rollout, and what was seen of its pods.
        ports: where events and logs are read.
        seen: the workloads as they were seen last.
        lines: why it failed.
    """
    unready = [one for one in seen if one.new.ready < one.new.wanted or one.new.failed]
    objects = [
        Unready(change=rolling.changes[one.ref], health=_health(one), body=rolling.memory.live.get(one.ref))
        for one in unready
    ]
    evidence = gather_evidence(objects, _NewPods(rolling.memory, ports), ports)
    ways = ways_on(rolling.record.revision.summary)
    return StepFailedError(_doing(step, rolling), context=[*lines, *evidence], hint=f"fix the cause, then run {ways}")


def contested(step: Advance, rolling: Rolling, lines: Sequence[str]) -> RolloutContestedError:
    """Return the error of a step whose workload another manager wrote.

    Args:
        step: of the plan.
        rolling: the rollout, and what was seen of its workloads.
        lines: what was found.
    """
    found = [line for ref, live in sorted(rolling.memory.live.items()) for line in _others(ref, live, rolling)]
    ways = ways_on(rolling.record.revision.summary)
    hint = f"find out who changed it, and why; then run {ways}"
    return RolloutContestedError(_doing(step, rolling), context=[*lines, *found], hint=hint)


def _doing(step: Advance, rolling: Rolling) -> str:
    summary = rolling.record.revision.summary
    return f"carrying out step {step.number} of {rolling.rollout.steps} of the upgrade of {summary.release}"


def _others(ref: ObjectRef, live: Body, rolling: Rolling) -> Sequence[str]:
    pacing = [f"{path} is set by {manager or 'someone'}" for path, manager in owners_of_pacing(live)]
    return [f"  {ref.short}: {line}" for line in (*rolling.memory.templates.strangers(ref), *pacing)]


def _health(seen: SeenWorkload) -> Health:
    status = Status.FAILED if seen.new.failed else Status.IN_PROGRESS
    message = f"{seen.new.there} of {seen.replicas} pods are new, {seen.new.ready} of them ready"
    return Health(status, message, seen.new.ready, seen.new.wanted)


class _NewPods:
    """The new pods that evidence is about."""

    def __init__(self, memory: RolloutMemory, ports: Ports) -> None:
        self._memory, self._claims = memory, ClaimWatch(ports)

    def troubled(self, ref: ObjectRef) -> tuple[Body, PodProblem] | None:
        """Return a new pod of a workload that is in trouble, one that failed for good first, and its problem."""
        pods = self._memory.new_pods.get(ref, ())
        found = [(pod, problem) for pod in pods if (problem := pod_problem(pod)) is not None]
        final = [one for one in found if self._memory.ages.final_problem(one[0]) is not None]
        return next(iter([*final, *found]), None)

    def claims(self, pod: Body, problem: PodProblem) -> Mapping[str, str]:
        """Return name and state of the claims that hold a pod up."""
        return self._claims.problems(pod, problem)
