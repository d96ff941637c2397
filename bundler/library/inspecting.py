"""What a session reads of releases. Layer: library."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from bundler.actions.inspect import release_queries
from bundler.model.release import AuditEntry, ReleaseStatus, Revision, RevisionSummary

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.library.scope import Scope
    from bundler.model.json import Body
    from bundler.model.release_state import Standing

    OnUnreadable = Callable[[BundlerError], None]


def history(
    scope: Scope, release: str, namespace: str, on_unreadable: OnUnreadable | None
) -> tuple[RevisionSummary, ...]:
    """Return every recorded revision of a release, oldest first.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        on_unreadable: called for each record that cannot be read, which is then left out; None raises.

    Raises:
        ReleaseNotFoundError: when there is no such release.
    """
    store = scope.ports().store
    return release_queries.list_revisions(store, scope.namespace(namespace), release, on_unreadable=on_unreadable)


def trail(scope: Scope, namespace: str | None, on_unreadable: OnUnreadable | None) -> tuple[AuditEntry, ...]:
    """Return who made each revision of each release, oldest first.

    Args:
        scope: the session's cluster, files and limits.
        namespace: None for all.
        on_unreadable: called for each record that cannot be read, which is then left out; None raises the first.

    Raises:
        RecordDamagedError, RecordTooNewError: when a record cannot be read.
    """
    errors: list[BundlerError] = []
    place = "" if namespace is None else scope.namespace(namespace)
    found = scope.ports().store.trail(namespace=place, on_unreadable=on_unreadable or errors.append)
    raise_unreadable(errors)
    return found


def revision(scope: Scope, release: str, number: int, namespace: str, *, shows_secrets: bool) -> Revision:
    """Return one revision whole; the newest where no number is given.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        number: of the revision; 0 for the newest.
        namespace: of the release.
        shows_secrets: leave sensitive values in plain text.

    Raises:
        ReleaseNotFoundError: when there is no such release or revision.
    """
    place = scope.namespace(namespace)
    return release_queries.load_revision(scope.ports(), place, release, revision=number, shows_secrets=shows_secrets)


def standing(scope: Scope, release: str) -> Standing:
    """Return the revision of a release that runs, and the one beside it that did not come to its end.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.

    Raises:
        ReleaseNotFoundError: when there is no such release.
    """
    return release_queries.find_standing(scope.ports(), scope.namespace(""), release)


def last_evidence(scope: Scope, release: str, known: Sequence[RevisionSummary]) -> Revision | None:
    """Return the newest revision that says why it failed; None where none does.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        known: its revisions, oldest first.
    """
    for summary in reversed(known):
        if summary.status in {ReleaseStatus.FAILED, ReleaseStatus.INTERRUPTED}:
            found = revision(scope, release, summary.revision, "", shows_secrets=False)
            if found.evidence:
                return found
    return None


def releases(
    scope: Scope, namespace: str | None, statuses: Collection[ReleaseStatus], on_unreadable: OnUnreadable | None
) -> tuple[RevisionSummary, ...]:
    """Return the newest revision of each release, by namespace and name; ``namespace`` None: of all namespaces.

    Args:
        scope: the session's cluster, files and limits.
        namespace: None for all.
        statuses: to keep; none keeps all.
        on_unreadable: called for each record that cannot be read, which is then left out; None raises.
    """
    store = scope.ports().store
    place = "" if namespace is None else scope.namespace(namespace)
    return release_queries.list_releases(store, place, statuses=statuses, on_unreadable=on_unreadable)


def raise_unreadable(errors: Sequence[BundlerError]) -> None:
    """Say what could not be read, once everything else was shown.

    Raises:
        RecordDamagedError, RecordTooNewError: where anything was not.
    """
    release_queries.raise_unreadable(errors)


def computed_values_of(found: Revision) -> Body:
    """Return the values that the templates of a revision saw.

    Raises:
        ValuesError: when an older bundler recorded it.
    """
    return release_queries.computed_values_of(found)
