"""Which components of a plan go in steps, and to which shares. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bundler.fields.kinds import pod_spec_path
from bundler.model.change import Action, Change
from bundler.model.json import Body, int_at, mapping_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef
from bundler.model.rollout import Rollout, RolloutRequest, Share
from bundler.model.steps import Paced
from bundler.planning.pacing import pacing_of

PACED_KINDS: Final = frozenset({("apps", "Deployment"), ("apps", "StatefulSet")})
"""Kinds whose controllers can be stopped at a share of new pods."""


def resolve_rollout(request: RolloutRequest, changes: Sequence[Change], gates: tuple[str, ...] = ()) -> Rollout:
    """Return the steps of each component that goes in steps.

    What stops it is found by :func:`bundler.planning.stepping_refusals.step_problems`: a name of nothing, say, is
    passed over here.

    Args:
        request: what was asked for, with what the bundle says where it says nothing.
        changes: of the plan as it is without steps.
        gates: names of all gates of the bundle.

    Returns:
        The rollout at its first step; without shares where there is nothing to step.
    """
    shares, plain = shares_of(request, changes), Rollout(shares={})
    longest = max(map(len, shares.values()), default=0)
    padded = {name: (*steps, *(steps[-1:] * (longest - len(steps)))) for name, steps in shares.items() if steps}
    return Rollout(
        shares=padded,
        pause_after=request.pause_after or plain.pause_after,
        soak_s=request.soak_s or 0,
        step_timeout_s=request.step_timeout_s or plain.step_timeout_s,
        on_failure=request.on_failure or plain.on_failure,
        gates=request.gates or gates,
        has_canary=request.has_canary,
        start_broken=sum(_not_ready(change.before) for change in stepped_changes(padded, changes)),
    )


def shares_of(request: RolloutRequest, changes: Sequence[Change]) -> Mapping[str, tuple[Share, ...]]:
    """Return the steps of each component that goes in steps, the finish left out; empty where only that was asked for.

    Where there are steps for all, what is named beside them takes other steps, if it changes; otherwise it is all that
    goes in steps.
    """
    names = Names(changes)
    other = {meant.component: steps for name, steps in request.shares.items() for meant in names.find(name)}
    if request.of:
        stepped = {meant.component for name in request.of for meant in names.find(name)}.union(other)
    elif request.steps:
        stepped = {change.component for change in changes if is_paced(change)}
    else:
        stepped = set(other)
    return {name: _before_finish(other.get(name, request.steps)) for name in sorted(stepped)}


def stepped_changes(components: Iterable[str], changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the workloads of these components whose pods are replaced step by step."""
    stepped = frozenset(components)
    return tuple(change for change in changes if change.component in stepped and is_paced(change))


def stepped_workloads(changes: Iterable[Change], rollout: Rollout) -> tuple[Change, ...]:
    """Return the workloads that the steps of a rollout move: their pods are replaced, or are held already."""
    here = (change for change in changes if change.component in rollout.shares)
    return tuple(change for change in here if is_paced(change) or is_held(change))


def paced_workloads(changes: Iterable[Change], rollout: Rollout, step: int) -> tuple[Paced, ...]:
    """Return what a step of a rollout brings each of its workloads to, in the numbers of now.

    Args:
        changes: of the plan.
        rollout: with the shares of each component.
        step: its number, from 1.
    """
    return tuple(_paced(change, rollout, step) for change in stepped_workloads(changes, rollout))


def _paced(change: Change, rollout: Rollout, step: int) -> Paced:
    share, replicas = rollout.share(change.component, step), int_at(change.before, "spec", "replicas", default=1)
    return Paced(ref=change.ref, share=str(share), pods=share.pods(replicas), of=replicas)


def is_held(change: Change) -> bool:
    """Return whether a rollout holds a live workload back: the bundle does not want that."""
    if change.before is None or change.desired is None or (change.ref.group, change.ref.kind) not in PACED_KINDS:
        return False
    return pacing_of(change.before) not in {None, pacing_of(change.desired.body)}


def is_paced(change: Change) -> bool:
    """Return whether a change replaces the pods of a live workload of a kind that can be paced."""
    ref = change.ref
    return (ref.group, ref.kind) in PACED_KINDS and change.hook is None and replaces_pods(change)


def replaces_pods(change: Change) -> bool:
    """Return whether a change of a live workload gives it another pod template."""
    path = pod_spec_path(change.ref.group, change.ref.kind)
    if path is None or change.before is None or change.desired is None or change.action is Action.NONE:
        return False
    after = change.after or change.desired.body
    return mapping_at(change.before, *path[:-1]) != mapping_at(after, *path[:-1])


@dataclass(frozen=True, slots=True)
class Meant:
    """What a name on the command line means."""

    component: str
    workload: ObjectRef | None = None
    """The workload, where its component was named by it."""


class Names:
    """What can be named of a plan: components by their paths, objects as ``KIND/NAME``, workloads by name alone."""

    def __init__(self, changes: Iterable[Change]) -> None:
        """Take the changes of a plan; what is deleted, and hooks, cannot be named."""
        self._objects = [change for change in changes if change.action is not Action.DELETE and change.hook is None]
        self._components = frozenset(change.component for change in self._objects) - {""}

    def find(self, name: str) -> tuple[Meant, ...]:
        """Return what a name means: several things where it is ambiguous, nothing where it is unknown."""
        if name in self._components:
            return (Meant(name),)
        found = [one for one in self._objects if name == one.ref.short or (name == one.ref.name and runs_pods(one.ref))]
        return tuple(Meant(one.component, one.ref) for one in found)

    @property
    def known(self) -> tuple[str, ...]:
        """The components with workloads, and the workloads of the bundle itself."""
        found = {one.component or one.ref.short for one in self._objects if runs_pods(one.ref)}
        return tuple(sorted(found))


def runs_pods(ref: ObjectRef) -> bool:
    """Return whether an object is of a built-in kind that runs pods."""
    return pod_spec_path(ref.group, ref.kind) is not None


def _before_finish(steps: tuple[Share, ...]) -> tuple[Share, ...]:
    return steps[:-1] if steps and steps[-1].is_all else steps


def _not_ready(live: Body | None) -> int:
    return max(0, int_at(live, "spec", "replicas", default=1) - int_at(live, "status", "readyReplicas"))
