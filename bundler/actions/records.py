"""Read what is recorded: releases, revisions, their parts. Layer: actions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bundler.actions.history import require_history
from bundler.model.release import ReleaseStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from bundler.model.release import Revision, RevisionSummary
    from bundler.ports import Ports, ReleaseStore


def list_releases(
    store: ReleaseStore, namespace: str, *, statuses: Collection[ReleaseStatus] = ()
) -> tuple[RevisionSummary, ...]:
    """Return the newest revision of each release, whatever its state, by namespace and name.

    Args:
        store: where records lie.
        namespace: empty for all namespaces.
        statuses: keep these alone; all where empty.
    """
    newest: dict[tuple[str, str], RevisionSummary] = {}
    for summary in store.summaries(namespace=namespace):
        key = (summary.namespace, summary.release)
        if key not in newest or newest[key].revision < summary.revision:
            newest[key] = summary
    return tuple(s for _, s in sorted(newest.items()) if not statuses or s.status in statuses)


def list_revisions(store: ReleaseStore, namespace: str, release: str) -> tuple[RevisionSummary, ...]:
    """Return every recorded revision of a release, oldest first; what a newer one replaced reads superseded.

    Raises:
        ReleaseNotFoundError: when there is no such release.
    """
    summaries = require_history(store, namespace, release).summaries
    deployed = max((s.revision for s in summaries if s.status is ReleaseStatus.DEPLOYED), default=0)
    return tuple(
        replace(s, status=ReleaseStatus.SUPERSEDED)
        if s.status is ReleaseStatus.DEPLOYED and s.revision < deployed
        else s
        for s in summaries
    )


def load_revision(
    ports: Ports, namespace: str, release: str, *, revision: int = 0, shows_secrets: bool = False
) -> Revision:
    """Return one revision whole; the newest where no number is given.

    Raises:
        ReleaseNotFoundError: when there is no such release or revision.
    """
    history = require_history(ports.store, namespace, release)
    summary = history.find(revision) if revision else history.summaries[-1]
    return ports.store.load(summary, with_sensitive=shows_secrets)
