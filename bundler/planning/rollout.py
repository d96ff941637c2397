"""What is done next in a rollout, from what is recorded of it and what is seen of its workloads. Layer: planning, pure.

Nothing is remembered from look to look: whatever a run left behind, the next one finds its way from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from bundler.model.lean import replace
from bundler.model.rollout import AskGates, Fail, Finished, Hold, Look, Restore, RolloutState, Stop, Template
from bundler.planning.pacing import new_pods, next_pacing, old_pods, standing_still

if TYPE_CHECKING:
    from bundler.model.rollout import Pacing, Rollout, RolloutAction, SeenWorkload


def next_action(rollout: Rollout, seen: Sequence[SeenWorkload]) -> RolloutAction:
    """Return the next small thing that is done.

    Args:
        rollout: as its record has it.
        seen: all its stepped workloads, as they are now.
    """
    match rollout.state:
        case RolloutState.PAUSED:
            return Finished(state=rollout.state)
        case RolloutState.ABORTING:
            return _restore(seen)
        case RolloutState.MOVING | RolloutState.SOAKING:
            return Finished(state=rollout.state) if rollout.is_finish else _advance(rollout, seen)
        case _:
            assert_never(rollout.state)


def once_held(seen: Sequence[SeenWorkload], hold: Hold) -> tuple[SeenWorkload, ...]:
    """Return what is known of workloads once one of them is written, until they are looked at again."""
    return tuple(
        replace(one, template=Template.NEW, pacing=hold.pacing, is_settled=False, is_contested=False)
        if one.ref == hold.ref
        else one
        for one in seen
    )


def _advance(rollout: Rollout, seen: Sequence[SeenWorkload]) -> RolloutAction:
    """Bring all workloads to the shares of the step, each as fast as it can go."""
    if lines := tuple(line for one in seen if (line := _written_by_others(one))):
        return Stop(lines=lines)
    if lines := tuple(f"{one.ref.short}: {line}" for one in seen for line in one.new.failed):
        return Fail(lines=lines)
    for one in seen:
        if _is_contested(one):
            reason = f"{_others(one)} changed how far its new pods may go: it is put back once"
            return Hold(ref=one.ref, pacing=_as_it_stands(one), reason=reason)
    if lines := _worse_old_pods(rollout, seen):
        return Look(waiting=lines)
    for one in seen:
        if pacing := _next_pacing(rollout, one):
            return Hold(ref=one.ref, pacing=pacing)
    waiting = tuple(_progress(one) for one in seen if not _is_there(one))
    return Look(waiting=waiting) if waiting else AskGates(step=rollout.step)


def _written_by_others(one: SeenWorkload) -> str:
    if one.template is Template.OTHER:
        return f"{one.ref.short}: {_others(one)} wrote its pod template, which is neither the old nor the new one"
    if one.was_put_back and _is_contested(one):
        return f"{one.ref.short}: {_others(one)} changed how far its new pods may go, again after it was put back"
    return ""


def _is_contested(one: SeenWorkload) -> bool:
    """Return whether a workload with new pods is not held as we wrote it."""
    return one.template is Template.NEW and (one.is_contested or one.pacing is None)


def _others(one: SeenWorkload) -> str:
    return " and ".join(one.others) or "someone else"


def _as_it_stands(one: SeenWorkload) -> Pacing:
    """Return what stops a workload now. The partition that others wrote says nothing of how many pods are new."""
    new = one.new.wanted if one.author.partition is None else one.new.there
    return standing_still(one.author, one.replicas, old=one.old.wanted, new=new)


def _worse_old_pods(rollout: Rollout, seen: Sequence[SeenWorkload]) -> tuple[str, ...]:
    """Say where old pods are not ready, if these are more than there were when it began."""
    missing = {one.ref: one.old.wanted - one.old.ready for one in seen if one.old.ready < one.old.wanted}
    if sum(missing.values()) <= rollout.start_broken:
        return ()
    return tuple(
        f"{one.ref.short}: {one.old.ready} of {one.old.wanted} old pods are ready" for one in seen if one.ref in missing
    )


def _next_pacing(rollout: Rollout, one: SeenWorkload) -> Pacing | None:
    if one.template is Template.NEW and not _is_there(one):
        return None
    share, there = rollout.share(one.component, rollout.step), {"old": one.old.wanted, "new": one.new.wanted}
    pacing = next_pacing(one.author, share, one.replicas, **there, is_canary=rollout.is_canary)
    return pacing if pacing or one.template is Template.NEW else _as_it_stands(one)


def _is_there(one: SeenWorkload) -> bool:
    """Return whether a workload has come to where it is held, and all its new pods are ready."""
    if one.template is not Template.NEW or one.pacing is None or not one.is_settled:
        return False
    old, new = old_pods(one.pacing, one.replicas), new_pods(one.pacing, one.replicas)
    return one.old.wanted <= old and new <= one.new.wanted <= one.new.ready


def _progress(one: SeenWorkload) -> str:
    return f"{one.ref.short}: {one.new.ready} of {one.new.wanted} new pods are ready"


def _restore(seen: Sequence[SeenWorkload]) -> RolloutAction:
    """Write the old bodies where they are not. Broken new pods of a StatefulSet would block the old ones."""
    if refs := tuple(one.ref for one in seen if not _is_restored(one)):
        return Restore(refs=refs)
    waiting = tuple(f"{one.ref.short}: new pods still there: {one.new.there}" for one in seen if one.new.there)
    return Look(waiting=waiting) if waiting else Finished(state=RolloutState.ABORTING)


def _is_restored(one: SeenWorkload) -> bool:
    if one.author.partition is not None:
        return one.template is Template.OLD and one.new.ready >= one.new.there
    return one.template is Template.OLD and one.pacing is None
