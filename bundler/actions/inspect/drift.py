"""Compare a release's record with its live objects; the bundle is not needed. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.restoring import plan_again, read_deployed, wanted_again
from bundler.errors.change import ForeignObjectError, ImmutableFieldError
from bundler.model.conflicts import ConflictPolicy, ConflictRule, OnConflict, policy_of
from bundler.model.drift import ReleaseDrift
from bundler.model.events import Warned
from bundler.model.lean import dataclass, replace
from bundler.planning.drift import drifted_objects
from bundler.planning.problem import refuse
from bundler.planning.refusals import object_problems

if TYPE_CHECKING:
    from bundler.actions.change.make_plan import Planned
    from bundler.model.site import Site
    from bundler.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRequest:
    """Which release to look at, and which fields may differ."""

    release: str
    namespace: str
    ignored: tuple[ConflictRule, ...] = ()
    """Fields of no interest now; before the rules of the site and the bundle."""
    site: Site | None = None
    """Fields that its rules keep are not drift."""


def find_drift(request: DriftRequest, ports: Ports) -> ReleaseDrift:
    """Return what differs from the newest deployed revision; nothing is written.

    What would restore the revision is planned as any change is, definitions and claims included, and each field that
    the plan would change has drifted.

    Raises:
        ReleaseNotFoundError: when there is no such release, or nothing of it was ever deployed.
        BundlerError: when the server refuses to compare an object.
    """
    deployed = read_deployed(request.release, request.namespace, request.site, ports)
    planned = plan_again(deployed, replace(wanted_again(deployed, _TAKES_ALL, ports), left_to_others={}), ports)
    _refuse_unknown(planned)
    if (rolling := deployed.history.open_rollout) is not None:
        ports.report(Warned(f"revision {rolling.revision} is rolled out in steps: what it has written is drift here"))
    policy = deployed.policy(request.ignored, OnConflict.FAIL, "drift")
    objects = drifted_objects(planned.plan, policy, deployed.revision.left_to_others, planned.observation.foreign)
    return ReleaseDrift(revision=deployed.summary, objects=objects)


_TAKES_ALL: ConflictPolicy = policy_of(OnConflict.TAKE)
"""What the revision would make of a field is shown beside what is live, no matter who set it."""


def _refuse_unknown(planned: Planned) -> None:
    """Stop where the server did not say what an object would be: what differs is not known then.

    A field that cannot change differs like any other; only restoring it is refused.
    """
    problems = object_problems(
        planned.wanted, planned.observation, tuple(planned.candidates.values()), planned.outcomes
    )
    refuse([problem for problem in problems if problem.error not in {ForeignObjectError, ImmutableFieldError}])
