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


def backups_of(
    rendered: Revision | None, left: Revision | None, history: History, terms: Terms, store: ReleaseStore
) -> Backups:
    """Return the backups that are made should a change lose data.

    They are those of the bundle to be. Of components for which it has none, because they go or are switched off, they
    are those of the revision that is left. A change that is undone by itself makes none: what that deletes, the change
    has made.

    Args:
        rendered: the revision to be; None where nothing is rendered.
        left: the revision that is left; None for a first install.
        history: of the release.
        terms: whether a backup is wanted.
        store: its records; what is sensitive in one is read only where a backup needs it.
    """
    if terms.accepted.no_backup or terms.follows_failure:
        return NO_BACKUPS
    covered = {one.component for one in rendered.backups} if rendered else set[str]()
    older = [one for one in left.backups if one.component not in covered] if left else []
    if left is not None and any(has_hidden(one.body) for one in older):
        left = store.load(left.summary, with_sensitive=True)
        older = [one for one in left.backups if one.component not in covered]
    sources = [*([rendered] if rendered else []), *([left] if left and older else [])]
    return Backups(
        manifests=tuple(
            backup_for_run(one, history.release, history.next_number, history.newest)
            for one in (*(rendered.backups if rendered else ()), *older)
        ),
        sensitive=frozenset[str]().union(*(one.sensitive for one in sources)),
    )
