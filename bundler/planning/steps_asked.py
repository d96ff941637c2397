"""In which steps an upgrade goes: what was asked for, beside what its bundle says. Layer: planning, pure.

The author knows best: where a bundle requires steps, those are taken that it names, or smaller ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.errors import ConfirmationRequiredError
from bundler.model.lean import replace
from bundler.model.rollout import ALL_PODS, OnFailure, RolloutRequest, Share
from bundler.planning.problem import Problem
from bundler.planning.stepping import Names, is_paced, shares_of
from bundler.planning.steps_refused.case import found_in, replicas_of

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.planning.step_rules import StepPolicy


def steps_asked(asked: RolloutRequest | None, policy: StepPolicy, changes: Sequence[Change]) -> RolloutRequest | None:
    """Return the steps in which an upgrade goes; None for one without steps.

    Args:
        asked: on the command line; None: nothing was said of steps.
        policy: what the bundle says.
        changes: of the plan.
    """
    if asked.in_one_step if asked else not policy.is_required:
        return None
    own = policy.request({change.component for change in changes if is_paced(change)})
    if asked is None:
        return own
    if not (asked.steps or asked.shares):
        meant = {one.component for name in asked.of for one in Names(changes).find(name)}
        shares = {path: steps for path, steps in own.shares.items() if path in meant or not asked.of}
        asked = replace(asked, steps=own.steps, shares=shares)
    is_watched = asked.is_attended and not policy.says_on_failure
    return replace(
        asked,
        pause_after=asked.pause_after or own.pause_after,
        soak_s=own.soak_s if asked.soak_s is None else asked.soak_s,
        step_timeout_s=own.step_timeout_s if asked.step_timeout_s is None else asked.step_timeout_s,
        on_failure=asked.on_failure or (OnFailure.PAUSE if is_watched else own.on_failure),
    )


def hurry_problems(request: RolloutRequest | None, policy: StepPolicy, changes: Sequence[Change]) -> Iterator[Problem]:
    """Yield that an upgrade goes faster than a bundle allows that requires steps; someone has to confirm it.

    Args:
        request: the steps in which it goes; None: in one.
        policy: what the bundle says.
        changes: of the plan.
    """
    if not policy.is_required:
        return
    lines = tuple(_hurried(request, policy, changes))
    if lines:
        yield Problem(
            error=ConfirmationRequiredError,
            doing="checking the steps that the bundle requires",
            lines=lines,
            hint="leave the steps to the bundle, ask for smaller ones, or pass --yes to confirm",
        )


def _hurried(request: RolloutRequest | None, policy: StepPolicy, changes: Sequence[Change]) -> Iterator[str]:
    paced = [change for change in changes if is_paced(change)]
    required = shares_of(policy.request({change.component for change in paced}), changes)
    taken = shares_of(request, changes) if request is not None else {}
    for change in paced:
        least, shares = required.get(change.component, ()), taken.get(change.component, ())
        if least and not _is_as_slow(shares, least, replicas_of(change)):
            yield found_in(change, f"the bundle requires steps of {_listed(least)}, and {_said(shares)}")


def _is_as_slow(shares: Sequence[Share], least: Sequence[Share], replicas: int) -> bool:
    """Return whether no step comes to more pods than the bundle's step of its number; after the last is the finish."""
    padded = (*shares, *([ALL_PODS] * (len(least) - len(shares))))
    pairs = zip(padded, least, strict=False)
    return bool(shares) and all(one.pods(replicas) <= most.pods(replicas) for one, most in pairs)


def _listed(shares: Sequence[Share]) -> str:
    return ", ".join(map(str, (*shares, ALL_PODS)))


def _said(shares: Sequence[Share]) -> str:
    return f"this upgrade takes {_listed(shares)}" if shares else "this upgrade takes all at once"
