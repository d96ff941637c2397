"""Read what is recorded: releases, revisions, their parts. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from bundler import planning
from bundler.actions.release.damage import lost_head
from bundler.actions.release.history import History, read_history, require_history
from bundler.actions.release.kept_secrets import learn_kept_secrets
from bundler.errors.bundle import ValuesError
from bundler.errors.change import RecordDamagedError
from bundler.model.lean import replace
from bundler.model.release import InventoryEntry, ReleaseStatus, Revision, RevisionSummary
from bundler.model.release_state import Standing

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.model.json import Body
    from bundler.ports import Ports, ReleaseStore


def list_releases(
    store: ReleaseStore,
    namespace: str,
    *,
    statuses: Collection[ReleaseStatus] = (),
    on_unreadable: Callable[[BundlerError], None] | None = None,
) -> tuple[RevisionSummary, ...]:
    """Return the newest revision of each release, whatever its state, by namespace and name.

    Args:
        store: where records lie.
        namespace: empty for all namespaces.
        statuses: keep these alone; all where empty.
        on_unreadable: is called for records that cannot be read; the others are returned.
    """
    newest: dict[tuple[str, str], RevisionSummary] = {}
    for summary in store.summaries(namespace=namespace, on_unreadable=on_unreadable):
        key = (summary.namespace, summary.release)
        if key not in newest or newest[key].revision < summary.revision:
            newest[key] = summary
    return tuple(s for _, s in sorted(newest.items()) if not statuses or s.status in statuses)


def list_revisions(
    store: ReleaseStore, namespace: str, release: str, *, on_unreadable: Callable[[BundlerError], None] | None = None
) -> tuple[RevisionSummary, ...]:
    """Return every recorded revision of a release, oldest first; what a newer one replaced reads superseded.

    Args:
        store: the release records.
        namespace: of the release.
        release: its name.
        on_unreadable: called for each record that cannot be read, which is then left out; None raises.

    Raises:
        ReleaseNotFoundError: when there is no such release.
    """
    found = read_history(store, namespace, release, on_unreadable=on_unreadable)
    summaries = (found if found.summaries else require_history(store, namespace, release)).summaries
    _tell_lost_head(found, on_unreadable)
    deployed = max((s.revision for s in summaries if s.status is ReleaseStatus.DEPLOYED), default=0)
    return tuple(
        replace(s, status=ReleaseStatus.SUPERSEDED)
        if s.status is ReleaseStatus.DEPLOYED and s.revision < deployed
        else s
        for s in summaries
    )


def _tell_lost_head(history: History, on_unreadable: Callable[[BundlerError], None] | None) -> None:
    """Report a deployed revision that is gone, as one that cannot be read."""
    lost = lost_head(history)
    if lost is None:
        return
    if on_unreadable is None:
        raise lost.error()
    on_unreadable(lost.error())


def raise_unreadable(errors: Sequence[BundlerError]) -> None:
    """Say what could not be read, once everything else was shown.

    Raises:
        RecordDamagedError, RecordTooNewError: where anything was not.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        lines = sorted(f"{error}: {line}" for error in errors for line in error.context)
        raise RecordDamagedError(f"reading {len(errors)} release records", context=lines, hint=errors[0].hint)


def load_revision(
    ports: Ports, namespace: str, release: str, *, revision: int = 0, shows_secrets: bool = False
) -> Revision:
    """Return one revision whole; the newest where no number is given.

    Args:
        ports: the cluster, records, clock and reporter of the run.
        namespace: of the release.
        release: its name.
        revision: 0 for the newest.
        shows_secrets: leave sensitive values in plain text.

    Raises:
        ReleaseNotFoundError: when there is no such release or revision.
    """
    history = require_history(ports.store, namespace, release)
    summary = history.find(revision) if revision else history.summaries[-1]
    found = ports.store.load(summary, with_sensitive=shows_secrets)
    if not shows_secrets:
        learn_kept_secrets(history, ports)
    return replace(found, inventory=in_plan_order(found))


def find_standing(ports: Ports, namespace: str, release: str) -> Standing:
    """Return the revision that runs, and the one beside it that did not come to its end.

    Args:
        ports: the cluster, records, clock and reporter of the run.
        namespace: of the release.
        release: its name.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        RecordDamagedError, RecordTooNewError, ClusterError.
    """
    history = require_history(ports.store, namespace, release)
    newest = history.summaries[-1]
    running = ports.store.load(history.deployed or newest)
    is_newest = running.summary.revision == newest.revision
    beside = history.undone_by(running) if is_newest else newest
    return Standing(running=running, beside=ports.store.load(beside) if beside else None)


def computed_values_of(revision: Revision) -> Body:
    """Return the values that the templates of a revision saw.

    Raises:
        ValuesError: when an older bundler recorded it.
    """
    if revision.computed_values is not None:
        return revision.computed_values
    summary = revision.summary
    place = f"{summary.release} -n {summary.namespace} --revision {summary.revision}"
    raise ValuesError(
        f"reading all values of release {summary.release}, revision {summary.revision}",
        context=["an older bundler recorded it, with what the user gave alone"],
        hint=f"compute them from the bundle: `bundler get values {place} > given.yaml`, then "
        f"`bundler values {summary.bundle.origin or 'BUNDLE'} -f given.yaml`",
    )


def in_plan_order(revision: Revision) -> tuple[InventoryEntry, ...]:
    """Return each object of a revision once, in the order in which its plan wrote them."""
    entries = {entry.ref: entry for entry in revision.inventory}
    needs = planning.order.effective_needs(frozenset(entry.component for entry in entries.values()), revision.needs)
    return planning.inventory.entry_order(entries.values(), needs)
