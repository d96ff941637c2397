"""What is backed up before a change loses data, of the bundle to be or of the revision that is left. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass
from bundler.planning.backup import backup_for_run
from bundler.planning.hidden import has_hidden

if TYPE_CHECKING:
    from bundler.actions.release.history import History
    from bundler.actions.release.terms import Terms
    from bundler.model.manifest import Manifest
    from bundler.model.release import Revision
    from bundler.ports import ReleaseStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """The backups of one change."""

    manifests: tuple[Manifest, ...] = ()
    """Under the names of this run."""
    sensitive: frozenset[str] = frozenset()
    """What must not be printed of them."""


NO_BACKUPS = Backups()


def backups_of(revision: Revision | None, history: History, terms: Terms, store: ReleaseStore) -> Backups:
    """Return the backups that are made should a change lose data.

    A change that is undone by itself makes none: what that deletes, the change has made.

    Args:
        revision: to be, or where nothing is rendered the deployed one; None where there is none.
        history: of the release.
        terms: whether a backup is wanted.
        store: its records; what is sensitive in one is read only where a backup needs it.
    """
    if revision is None or not revision.backups or terms.accepted.no_backup or terms.live_before is not None:
        return NO_BACKUPS
    if any(has_hidden(one.body) for one in revision.backups):
        revision = store.load(revision.summary, with_sensitive=True)
    number, newest = history.next_number, history.newest
    manifests = tuple(backup_for_run(one, history.release, number, newest) for one in revision.backups)
    return Backups(manifests=manifests, sensitive=revision.sensitive)
