"""An upgrade in steps as it is judged: what was asked for, beside the plan that it is of. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bundler.errors import Found
from bundler.fields.kinds import pod_spec_path
from bundler.model.json import Body, int_at, mapping_at
from bundler.model.lean import dataclass
from bundler.planning.order import effective_needs
from bundler.planning.stepping import shares_of, stepped_changes

if TYPE_CHECKING:
    from bundler.model.bundle import StepGate
    from bundler.model.change import Change, Plan
    from bundler.model.rollout import RolloutRequest, Share
    from bundler.planning.observation import Observation, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleSteps:
    """What a bundle says of upgrades in steps that a refusal may depend on."""

    gates: tuple[StepGate, ...] = ()
    compatible_jobs: frozenset[str] = frozenset()
    """Paths of the components whose old pods can work with what their Jobs do (``upgrade.steps.jobs: compatible``)."""


WITHOUT_STEPS: Final = "run the same command without --steps, --canary and --batch"
AT_ONCE: Final = "pass --all --yes to replace all pods in one step, although the bundle requires steps"
LEAVE_WHOLE: Final = "name with --steps-of the components that can go in steps: the others go whole"
LEAVE_OUT: Final = "leave out what has no pods to replace in steps: it goes whole"
ALONE: Final = "make such changes with an upgrade of their own, without steps"
NOTHING_SAID: Final = BundleSteps()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What was asked for, and what the plan does."""

    request: RolloutRequest
    changes: tuple[Change, ...]
    observation: Observation
    needs: Mapping[str, tuple[str, ...]]
    """Component -> every component that must be ready first."""
    shares: Mapping[str, tuple[Share, ...]]
    """Component -> its steps before the finish."""
    stepped: tuple[Change, ...]
    """Workloads whose pods would be replaced step by step."""
    bundle: BundleSteps = NOTHING_SAID
    release: str = ""
    """Its name."""
    is_installed: bool = True
    """A revision of the release is deployed, to which an abort would return."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why the steps are refused."""

    line: str
    hint: str
    """What to do; starts with a verb."""


def make_case(
    request: RolloutRequest,
    wanted: Wanted,
    plan: Plan,
    observation: Observation,
    *,
    is_installed: bool = True,
    bundle: BundleSteps = NOTHING_SAID,
) -> Case:
    """Put together what the rules are asked about.

    Args:
        request: what was asked for.
        wanted: what the release is to become.
        plan: that leads there, with or without steps.
        observation: what was seen of the cluster.
        is_installed: whether a revision of the release is deployed.
        bundle: what the bundle says of steps.
    """
    components = frozenset(change.component for change in plan.changes)
    shares = shares_of(request, plan.changes)
    return Case(
        request=request,
        changes=plan.changes,
        observation=observation,
        needs=effective_needs(components, wanted.needs),
        shares=shares,
        stepped=stepped_changes(shares, plan.changes),
        bundle=bundle,
        release=wanted.release,
        is_installed=is_installed,
    )


def way_out(case: Case, change: Change) -> str:
    """Return what to do about a workload that cannot go in steps: leave its component out, if there are others."""
    if {one.component for one in case.stepped} - {change.component}:
        return LEAVE_WHOLE
    return AT_ONCE if case.request.is_by_bundle else WITHOUT_STEPS


def body_after(change: Change) -> Body:
    """Return an object as it will be, with what the server fills in where it was asked."""
    return change.after or (change.desired.body if change.desired else {})


def replicas_of(change: Change) -> int:
    """Return how many pods a live workload has: another number waits for the finish."""
    return int_at(change.before, "spec", "replicas", default=1)


def template_of(change: Change, body: Body | None) -> Body:
    """Return the pod template in a body of the workload that a change is of."""
    path = pod_spec_path(change.ref.group, change.ref.kind) or ("",)
    return mapping_at(body, *path[:-1])


def found_in(change: Change, sentence: str, field: str = "") -> Found:
    """Return a line about an object, with the template that it comes from, if there is one.

    Args:
        change: of the object.
        sentence: what is wrong with it.
        field: in which field.
    """
    short = change.ref.short
    said = f"{short}{f' {field}' if field else ''}: {sentence}"
    if change.desired is None:
        return Found(said, message=said, subject=short, field=field)
    return change.desired.source.found(said, subject=short, field=field)
