"""What has to hold after a step of an upgrade in steps: expressions over its pods and objects. Layer: rules, pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bundler.health.author import author_health
from bundler.model.bundle import ReadinessRule, StepGate
from bundler.model.health import Status
from bundler.model.json import Body
from bundler.model.lean import dataclass
from bundler.model.rollout import GateOutcome, PodCount, Rollout, SeenWorkload
from bundler.model.size import counted

if TYPE_CHECKING:
    from bundler.health.compute import JudgeByRule


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswer:
    """What a gate says, and why."""

    outcome: GateOutcome
    lines: tuple[str, ...] = ()
    """Why it has not passed: what it is about, then more of what is known."""


PASSED: Final = GateAnswer(outcome=GateOutcome.PASSED)


def ask(
    gate: StepGate,
    seen: Sequence[SeenWorkload],
    objects: Mapping[str, Body],
    rollout: Rollout,
    judge: JudgeByRule = author_health,
) -> GateAnswer:
    """Ask a gate that is an expression; one that cannot be computed has not passed yet.

    Args:
        gate: of the revision that is rolled out.
        seen: the stepped workloads at one moment.
        objects: live objects under the names that the expression has for them.
        rollout: at the step that is asked about.
        judge: computes expressions, within bounds of steps, sizes, time and memory.
    """
    own = [one for one in seen if gate.is_about(one.component)]
    names: Body = {"pods": _pods(own), "objects": dict(objects), "step": _step(rollout)}
    rule = ReadinessRule(group="", kind="", ready=gate.expr, source=gate.source, sees="")
    health = judge(rule, names)
    if health.status is Status.CURRENT:
        return PASSED
    return GateAnswer(outcome=GateOutcome.WAITING, lines=(health.message, *_facts(own)))


def _pods(seen: Sequence[SeenWorkload]) -> Body:
    components = {one.component for one in seen}
    of = {name: _sides([one for one in seen if one.component == name]) for name in components}
    return {**_sides(seen), "of": of}


def _sides(seen: Sequence[SeenWorkload]) -> Body:
    return {"new": _summed([one.new for one in seen]), "old": _summed([one.old for one in seen])}


def _summed(counts: Sequence[PodCount]) -> Body:
    """Return the numbers of several workloads together; how long pods are ready is that of the latest one."""
    ages = [one.oldest_ready_s for one in counts if one.wanted or one.there]
    return {
        "wanted": sum(one.wanted for one in counts),
        "ready": sum(one.ready for one in counts),
        "restarts": sum(one.restarts for one in counts),
        "oldestReadySeconds": min(ages, default=0.0),
    }


def _step(rollout: Rollout) -> Body:
    shares = {component: str(rollout.share(component, rollout.step)) for component in rollout.shares}
    return {"number": rollout.step, "of": rollout.steps, "share": shares}


def _facts(seen: Sequence[SeenWorkload]) -> list[str]:
    ordered = sorted(seen, key=lambda one: one.ref)
    return [f"{one.ref.short}: {_told('new', one.new)}, {_told('old', one.old)}" for one in ordered]


def _told(side: str, count: PodCount) -> str:
    restarts = f" and {counted(count.restarts, 'restart')}" if count.restarts else ""
    return f"{count.ready} of {count.wanted} {side} pods ready{restarts}"
