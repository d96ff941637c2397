"""What would bring the objects of a release back to what its deployed revision wrote. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.make_plan import Planned, make_plan
from bundler.actions.release.history import History, learn_live_secrets, load_existing_history
from bundler.actions.release.kept_secrets import learn_shown_secrets
from bundler.actions.release.proposal import Draft, others_recorded, wanted_of
from bundler.actions.release.recorded_parts import conflict_rules_of
from bundler.actions.release.rollback import draft_of
from bundler.actions.release.terms import Terms
from bundler.errors.change import ReleaseNotFoundError
from bundler.model.conflicts import ConflictPolicy, ConflictRule, OnConflict, policy_of
from bundler.model.lean import dataclass, replace
from bundler.model.release import Authorship, Revision, RevisionSummary

if TYPE_CHECKING:
    from bundler.model.site import Site
    from bundler.planning.observation import Wanted
    from bundler.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What is deployed of a release, as its record says."""

    history: History
    summary: RevisionSummary
    revision: Revision
    draft: Draft
    """The same as something that can be planned."""
    site: Site | None = None

    def policy(self, ignored: tuple[ConflictRule, ...], last: OnConflict, said_by: str) -> ConflictPolicy:
        """Return what is done about fields that others set: what may differ now, the site's rules, the bundle's.

        Args:
            ignored: fields of no interest now.
            last: what is done about all others.
            said_by: what of the command says so.
        """
        site_rules = self.site.conflicts if self.site else ()
        return policy_of(last, ignored, site_rules, conflict_rules_of(self.revision), said_by=said_by)


def read_deployed(release: str, namespace: str, site: Site | None, ports: Ports) -> Deployed:
    """Read the newest deployed revision of a release, whole; its secrets are masked from now on.

    Args:
        release: its name.
        namespace: where it is.
        site: the site file whose rules hold.
        ports: the cluster, records, clock and reporter of the run.

    Raises:
        ReleaseNotFoundError: when there is no such release, or nothing of it was ever deployed.
    """
    history = load_existing_history(ports, namespace, release)
    summary = deployed_of(history)
    revision = ports.store.load(summary, with_sensitive=True)
    ports.redactor.learn(*revision.sensitive)
    learn_live_secrets(history, ports)
    draft = draft_of(revision, Authorship(), ports.cluster)
    return Deployed(history=history, summary=summary, revision=revision, draft=draft, site=site)


def deployed_of(history: History) -> RevisionSummary:
    """Return the revision that is deployed.

    Raises:
        RecordDamagedError: when it may be one that cannot be read.
        ReleaseNotFoundError: when none is.
    """
    if history.deployed is not None:
        return history.deployed
    for damage in reversed(history.damaged):
        raise damage.error()
    raise ReleaseNotFoundError(
        f"looking for what was deployed of release {history.release}",
        context=[f"no revision of it is deployed now (namespace {history.namespace})"],
        hint=f"run `bundler history {history.place}` to see what became of it",
    )


def wanted_again(deployed: Deployed, conflicts: ConflictPolicy, ports: Ports) -> Wanted:
    """Return what the deployed revision wants: everything that it wrote, definitions and claims included.

    Args:
        deployed: the revision.
        conflicts: what is done about fields that others set.
        ports: the cluster, records, clock and reporter of the run.
    """
    wanted = wanted_of(deployed.draft, deployed.history, Terms(site=deployed.site, skips_hooks=True), ports)
    return replace(wanted, is_rollback=False, goes_back_to=0, conflicts=conflicts, backups=(), skipped_hooks=())


def plan_again(deployed: Deployed, wanted: Wanted, ports: Ports, earlier: Planned | None = None) -> Planned:
    """Plan what brings back what the deployed revision wants; nothing is written.

    Args:
        deployed: the revision.
        wanted: what of it.
        ports: the cluster, records, clock and reporter of the run.
        earlier: a plan made before, whose answers hold for what did not move since.
    """
    is_recorded = others_recorded(deployed.draft, ports)
    planned = make_plan(wanted, ports.cluster, earlier=earlier, is_recorded=is_recorded)
    learn_shown_secrets(planned, deployed.history, ports)
    return planned
