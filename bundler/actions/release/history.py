"""What is recorded of one release, and what follows from it. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import bundler.actions.release
from bundler.actions.release.damage import Damage, lost_number, missing_head, unlabelled_head
from bundler.errors import BundlerError, UsageError
from bundler.errors.change import RecordDamagedError, ReleaseNotFoundError
from bundler.errors.cluster import ForbiddenError
from bundler.model.lean import dataclass, field, replace
from bundler.model.release import InventoryEntry, Protection, ReleaseStatus, Revision, RevisionSummary
from bundler.model.size import listed

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import Rollout
    from bundler.ports import Ports, ReleaseStore

_PLACES = 5
_HALF_UNINSTALLED = frozenset({ReleaseStatus.UNINSTALLING, ReleaseStatus.INTERRUPTED})
"""What a revision becomes whose uninstall did not come to its end: it may be gone back to, where someone names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The revisions of one release, oldest first."""

    namespace: str
    release: str
    summaries: tuple[RevisionSummary, ...]
    damaged: tuple[Damage, ...] = ()
    """Revisions that are none of ``summaries``; :func:`load_history` finds them."""
    owned: Mapping[ObjectRef, InventoryEntry] = field(default_factory=dict)
    """What any retained revision owns, by the newest that does, and what was found by label; see `load_history`."""
    unsearched: tuple[str, ...] = ()
    """Kinds that could not be searched, where a record is damaged."""
    barriers: Mapping[int, str] = field(default_factory=dict)
    """``noRollbackBelow`` of the revisions that say so; see :func:`with_barriers`."""

    @property
    def damage(self) -> list[str]:
        """What is wrong with each revision that cannot be read, a line each."""
        return [damage.line for damage in self.damaged]

    @property
    def was_installed(self) -> bool:
        """Return whether a revision was ever deployed, since the last uninstall."""
        return any(one.status.was_deployed for one in self.current)

    @property
    def place(self) -> str:
        """How a command line names the release: ``shop -n prod``."""
        return f"{self.release} -n {self.namespace}"

    @property
    def newest(self) -> RevisionSummary | None:
        """The last revision, whatever became of it."""
        return self.summaries[-1] if self.summaries else None

    @property
    def current(self) -> tuple[RevisionSummary, ...]:
        """The revisions since the release was last uninstalled: what is older owns nothing any more."""
        return since_uninstall(self.summaries)

    @property
    def is_uninstalled(self) -> bool:
        """Return whether nothing of the release is left but its history."""
        return self.newest is not None and self.newest.status is ReleaseStatus.UNINSTALLED

    @property
    def deployed(self) -> RevisionSummary | None:
        """The newest revision that reached the cluster whole, and was not uninstalled since."""
        return next((s for s in reversed(self.current) if s.status is ReleaseStatus.DEPLOYED), None)

    @property
    def open_rollout(self) -> RevisionSummary | None:
        """The newest revision, while it is rolled out in steps; None where no rollout is open."""
        newest = self.newest
        return newest if newest is not None and newest.rollout is not None and newest.status.is_pending else None

    @property
    def protection(self) -> Protection | None:
        """What was said last of the protection of the release; None where no one said anything."""
        return self.current[-1].protection if self.current else None

    @property
    def next_number(self) -> int:
        """The number of the next revision."""
        return self.newest_number + 1

    @property
    def newest_number(self) -> int:
        """The number of the newest revision, readable or not; 0 where there is none."""
        numbers = [summary.revision for summary in self.summaries] + [damage.revision for damage in self.damaged]
        return max(numbers, default=0)

    @property
    def is_newest_damaged(self) -> bool:
        """Return whether the newest revision cannot be read."""
        return self.newest_number > (self.newest.revision if self.newest else 0)

    @property
    def is_settled(self) -> bool:
        """Return whether one revision at most counts as deployed; two do where a run died between its last marks."""
        return sum(summary.status is ReleaseStatus.DEPLOYED for summary in self.summaries) <= 1

    def has_installed(self, revision: int) -> bool:
        """Return whether a revision is of the release as it is installed now, and no damage hides what followed."""
        return not self.is_newest_damaged and any(one.revision == revision for one in self.current)

    def undone_by(self, newest: Revision) -> RevisionSummary | None:
        """Return the failed revision that the newest one went back from; None where it is no such rollback."""
        older = [one for one in self.summaries if newest.rolled_back_to < one.revision < newest.summary.revision]
        for summary in reversed(older if newest.rolled_back_to else []):
            if summary.status is not ReleaseStatus.INTERRUPTED:
                return summary if summary.status is ReleaseStatus.FAILED else None
        return None

    def find(self, revision: int) -> RevisionSummary:
        """Return one revision.

        Raises:
            ReleaseNotFoundError: when it is not recorded.
            RecordDamagedError: when it cannot be read.
        """
        for damage in self.damaged:
            if damage.revision == revision:
                raise damage.error()
        for summary in self.summaries:
            if summary.revision == revision:
                return summary
        kept = ", ".join(str(summary.revision) for summary in self.summaries)
        raise ReleaseNotFoundError(
            f"looking up revision {revision} of release {self.release}",
            context=[f"recorded revisions: {kept or 'none'} (namespace {self.namespace})"],
            hint=f"run `bundler history {self.place}` to see the revisions",
        )

    def rollback_target(self, current: int) -> RevisionSummary:
        """Return the newest revision that was deployed and is older than the current one.

        Args:
            current: number of the revision to go back from.

        Raises:
            ReleaseNotFoundError: when there is none.
            RecordDamagedError: when one that cannot be read is between; it may be the one that is meant.
        """
        found = self.deployed_before(current)
        if found is not None:
            self._refuse_damage_between(found.revision, current)
            return found
        for damage in self.damaged:
            raise damage.error()
        since = " since the release was uninstalled" if self.current != self.summaries else ""
        halves = [one.revision for one in self.current if one.status in _HALF_UNINSTALLED and one.revision <= current]
        number = str(halves[-1]) if halves else "REVISION" if since else ""
        more = f"; name the revision: `bundler rollback {self.release} {number} -n {self.namespace}`" if number else ""
        raise ReleaseNotFoundError(
            f"looking for a revision to roll release {self.release} back to",
            context=[f"no older revision counts as deployed{since}"],
            hint=f"run `bundler history {self.place}` to see what is recorded{more}",
        )

    def deployed_before(self, number: int) -> RevisionSummary | None:
        """Return the newest revision below a number that was deployed; none from before an uninstall."""
        older = (one for one in reversed(self.current) if one.revision < number)
        return next((one for one in older if one.status.was_deployed), None)

    def _refuse_damage_between(self, revision: int, current: int) -> None:
        for damage in self.damaged:
            if revision < damage.revision < current:
                hint = f"name the revision: `bundler rollback {self.release} {revision} -n {self.namespace}`, say"
                raise damage.error().with_context(hint=hint)


def load_history(ports: Ports, namespace: str, release: str) -> History:
    """Read what the revisions of a release own, and set aside those that are damaged.

    A change continues without damaged revisions: what carries the release's label and was written by bundler is then
    owned too. A record of a newer format is not damage and stops it.

    Args:
        ports: the cluster, records, clock and reporter of the run.
        namespace: of the release.
        release: its name.

    Raises:
        RecordTooNewError, ClusterError.
    """
    damaged: list[Damage] = []

    def set_aside(error: BundlerError) -> None:
        if not isinstance(error, RecordDamagedError):
            raise error
        damaged.append(Damage(revision=error.revision, message=str(error), context=error.context, hint=error.hint))

    read = ports.store.inventories(namespace, release, on_unreadable=set_aside)
    damaged += [unlabelled_head(release, number) for number in read.unlabelled]
    summaries = tuple(one.summary for one in read.revisions)
    current = frozenset(summary.revision for summary in since_uninstall(summaries))
    recorded = {e.ref: e for one in read.revisions if one.summary.revision in current for e in one.entries}
    lost = lost_number(summaries)
    labelled = None
    if damaged or read.unclaimed or lost:
        labelled = bundler.actions.release.owned_objects.find_labelled(namespace, release, ports)
    if labelled and not damaged and (lost or labelled.changed_by_runs - set(recorded)):
        number = lost or max((summary.revision for summary in summaries), default=0) + 1
        damaged.append(missing_head(namespace, release, number, read.unclaimed))
    found = labelled.entries if labelled and damaged else {}
    damaged.sort(key=lambda damage: damage.revision)
    return History(
        namespace=namespace,
        release=release,
        summaries=summaries,
        damaged=tuple(damaged),
        owned={**found, **recorded},
        unsearched=labelled.unsearched if labelled and damaged else (),
    )


def since_uninstall(summaries: tuple[RevisionSummary, ...]) -> tuple[RevisionSummary, ...]:
    """Return the revisions, oldest first, that came after the last uninstall which kept the history."""
    gone = [number for number, one in enumerate(summaries) if one.status is ReleaseStatus.UNINSTALLED]
    return summaries[gone[-1] + 1 :] if gone else summaries


def with_barriers(history: History, target: int, store: ReleaseStore) -> History:
    """Add what the deployed revision, and those tried since, say of rollbacks.

    Args:
        history: of the release.
        target: the revision to go back to.
        store: where the records are.
    """
    since = max(history.deployed.revision if history.deployed else 0, target + 1)
    loaded = [store.load(one) for one in history.summaries if one.revision >= since]
    return replace(history, barriers={one.summary.revision: one.no_rollback_below for one in loaded})


def load_existing_history(ports: Ports, namespace: str, release: str) -> History:
    """Load the revisions of a release that must exist.

    Args:
        ports: the cluster, records, clock and reporter of the run.
        namespace: of the release.
        release: its name.

    Raises:
        ReleaseNotFoundError: with the names of releases that do.
    """
    history = load_history(ports, namespace, release)
    return history if history.summaries or history.damaged else require_history(ports.store, namespace, release)


def read_history(
    store: ReleaseStore, namespace: str, release: str, *, on_unreadable: Callable[[BundlerError], None] | None = None
) -> History:
    """Read the revisions of a release, from metadata alone.

    Args:
        store: the release records.
        namespace: of the release.
        release: its name.
        on_unreadable: called for each record that cannot be read, which is then left out; None raises.
    """
    found = store.summaries(namespace=namespace, release=release, on_unreadable=on_unreadable)
    return History(namespace=namespace, release=release, summaries=found)


def require_history(store: ReleaseStore, namespace: str, release: str) -> History:
    """Read the revisions of a release that must exist.

    Args:
        store: the release records.
        namespace: of the release.
        release: its name.

    Raises:
        ReleaseNotFoundError: with the names of releases that do.
    """
    history = read_history(store, namespace, release)
    if history.summaries:
        return history
    readable = store.summaries(namespace=namespace, on_unreadable=pass_over)
    others = sorted({summary.release for summary in readable})
    raise ReleaseNotFoundError(
        f"looking up release {release} in namespace {namespace}",
        context=[f"releases there: {', '.join(others) or 'none'}", *_elsewhere(store, release)],
        hint="check the name and the namespace (-n); `bundler list -A` shows every release you may see",
    )


def uninstalled(history: History, *, doing: str) -> ReleaseNotFoundError:
    """Return the error for a release of which nothing is left but its history."""
    name, number = history.release, history.newest_number
    return ReleaseNotFoundError(
        doing,
        context=[f"it was uninstalled, and its history kept (revision {number}, namespace {history.namespace})"],
        hint=f"install it again with `bundler install {name} BUNDLE -n {history.namespace}`, or restore a revision: "
        f"`bundler rollback {name} {number} -n {history.namespace}`",
    )


def _elsewhere(store: ReleaseStore, release: str) -> list[str]:
    """Name other namespaces that hold a release of this name, where one may look."""
    places = store.places_of(release)
    return [f"{release} is a release in {listed(places, _PLACES)}"] if places else []


def pass_over(error: BundlerError) -> None:
    """Ignore records that cannot be read."""
    del error


def load_whole(summary: RevisionSummary, store: ReleaseStore) -> Revision:
    """Load a revision with its sensitive leaves; without them where they may not be read.

    Raises:
        ReleaseNotFoundError, RecordDamagedError, RecordTooNewError, ClusterError.
    """
    try:
        return store.load(summary, with_sensitive=True)
    except ForbiddenError:
        return store.load(summary)


def learn_live_secrets(history: History, ports: Ports) -> None:
    """Learn the secrets of the deployed revision and of those after it: what they left may be live, and in a diff."""
    since = history.deployed.revision if history.deployed else 0
    for summary in history.summaries:
        if summary.revision < since:
            continue
        try:
            ports.redactor.learn(*ports.store.load(summary, with_sensitive=True).sensitive)
        except (ForbiddenError, RecordDamagedError):
            continue


def require_open_rollout(history: History, *, doing: str) -> tuple[RevisionSummary, Rollout]:
    """Return the revision that is rolled out, and how far that has come.

    Args:
        history: of the release.
        doing: what needs one, for the error: ``continuing the rollout``.

    Raises:
        UsageError: when none is open; nothing was written.
    """
    summary = history.open_rollout
    if summary is None or summary.rollout is None:
        newest = f"revision {history.newest.revision} is {history.newest.status}" if history.newest else "no revision"
        raise UsageError(
            f"{doing} of release {history.release}",
            context=[f"no rollout is open: {newest} (namespace {history.namespace})"],
            hint=f"run `bundler history {history.place}` to see what was done",
        )
    return summary, summary.rollout
