"""Compare a release's record with its live objects; the bundle is not needed. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.make_plan import make_plan
from bundler.actions.release.history import learn_live_secrets, load_existing_history
from bundler.actions.release.proposal import others_recorded, wanted_of
from bundler.actions.release.recorded_parts import conflict_rules_of
from bundler.actions.release.rollback import draft_of
from bundler.actions.release.terms import Terms
from bundler.errors.change import ForeignObjectError, ImmutableFieldError, ReleaseNotFoundError
from bundler.model.conflicts import ConflictPolicy, OnConflict, policy_of
from bundler.model.drift import ReleaseDrift
from bundler.model.events import Warned
from bundler.model.lean import dataclass, replace
from bundler.model.release import Authorship
from bundler.planning.drift import drifted_objects
from bundler.planning.problem import refuse
from bundler.planning.refusals import object_problems

if TYPE_CHECKING:
    from bundler.actions.change.planned import Planned
    from bundler.actions.release.history import History
    from bundler.model.conflicts import ConflictRule
    from bundler.model.release import RevisionSummary
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
    """Fields that its rules keep are no drift."""


def find_drift(request: DriftRequest, ports: Ports) -> ReleaseDrift:
    """Return what differs from the newest deployed revision; nothing is written.

    What would restore the revision is planned as any change is, definitions and claims included, and each field that
    the plan would change has drifted.

    Raises:
        ReleaseNotFoundError: when there is no such release, or nothing of it was ever deployed.
        BundlerError: when the server refuses to compare an object.
    """
    history = load_existing_history(ports, request.namespace, request.release)
    deployed = deployed_of(history)
    recorded = ports.store.load(deployed, with_sensitive=True)
    ports.redactor.learn(*recorded.sensitive)
    learn_live_secrets(history, ports)
    draft = draft_of(recorded, Authorship(), ports.cluster)
    wanted = wanted_of(draft, history, Terms(site=request.site), ports)
    wanted = replace(wanted, is_rollback=False, goes_back_to=0, conflicts=_TAKES_ALL, left_to_others={}, backups=())
    planned = make_plan(wanted, ports.cluster, is_recorded=others_recorded(draft, ports))
    _refuse_unknown(planned)
    site_rules = request.site.conflicts if request.site else ()
    if (rolling := history.open_rollout) is not None:
        ports.report(Warned(f"revision {rolling.revision} is rolled out in steps: what it has written is drift here"))
    policy = policy_of(OnConflict.FAIL, request.ignored, site_rules, conflict_rules_of(recorded))
    return ReleaseDrift(revision=deployed, objects=drifted_objects(planned.plan, policy, recorded.left_to_others))


_TAKES_ALL: ConflictPolicy = policy_of(OnConflict.TAKE)
"""What the revision would make of a field is shown beside what is live, no matter who set it."""


def deployed_of(history: History) -> RevisionSummary:
    """Return the revision that is deployed.

    Raises:
        ReleaseNotFoundError: when none is.
    """
    if history.deployed is not None:
        return history.deployed
    raise ReleaseNotFoundError(
        f"looking for what was deployed of release {history.release}",
        context=[f"no revision of it is deployed now (namespace {history.namespace})"],
        hint=f"run `bundler history {history.release}` to see what became of it",
    )


def _refuse_unknown(planned: Planned) -> None:
    """Stop where the server did not say what an object would be: what differs is not known then.

    A field that cannot change differs like any other; only restoring it is refused.
    """
    problems = object_problems(
        planned.wanted, planned.observation, tuple(planned.candidates.values()), planned.outcomes
    )
    refuse([problem for problem in problems if problem.error not in {ForeignObjectError, ImmutableFieldError}])
