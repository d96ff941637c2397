"""The errors of the release store, in words. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.change import RecordTooLargeError, ReleaseNotFoundError, RevisionExistsError
from bundler.errors.cluster import ConflictError, ForbiddenError, RejectedError
from bundler.model.json import canonical_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.errors import BundlerError
    from bundler.model.release import RevisionSummary
    from bundler.storage.encoding import EncodedRevision
    from bundler.storage.records import Record


def gone(summary: RevisionSummary) -> ReleaseNotFoundError:
    """Return the error for a head that does not exist any more."""
    return ReleaseNotFoundError(
        f"reading revision {summary.revision} of release {summary.release}",
        context=[f"its record is gone from namespace {summary.namespace}"],
        hint=f"run `bundler history {summary.release} -n {summary.namespace}` to see the revisions that are left",
    )


def exists_already(head: Record) -> RevisionExistsError:
    """Return the error for a revision that someone else recorded first."""
    return RevisionExistsError(
        f"recording a new revision of release {head.release}",
        context=[f"Secret {head.namespace}/{head.name} exists already: another run recorded it first"],
        hint=f"check `bundler history {head.release} -n {head.namespace}`, then run the command again",
    )


def moved(summary: RevisionSummary, now: RevisionSummary) -> ConflictError:
    """Return the error for a head that changed since it was read."""
    return ConflictError(
        f"marking revision {summary.revision} of release {summary.release}",
        context=[
            (
                f"it was read at resourceVersion {summary.resource_version} ({summary.status}), "
                f"and is at {now.resource_version} ({now.status}) now: another run changed it"
            )
        ],
        hint=f"check `bundler history {summary.release} -n {summary.namespace}`, then run the command again",
    )


def is_about_size(error: BundlerError) -> bool:
    """Return whether a refusal is about size or quota, and not about permission."""
    return isinstance(error, RejectedError) or (isinstance(error, ForbiddenError) and error.is_quota)


def refused(encoded: EncodedRevision, written: Sequence[Record], error: BundlerError) -> RecordTooLargeError:
    """Return the error for a record that the API server does not take; nothing of it is visible.

    Args:
        encoded: the record.
        written: what was stored and removed again.
        error: of the API server.
    """
    everything = (*encoded.packs, *encoded.sensitive, encoded.head)
    size_mib = sum(len(canonical_json(record.body())) for record in everything) / 2**20
    return RecordTooLargeError(
        f"recording a new revision of release {encoded.head.release}; nothing was changed",
        context=[
            (
                f"the record needs {len(everything)} Secrets ({size_mib:.1f} MiB); "
                f"{len(written)} were written and taken back, then Secret {everything[len(written)].name} was refused"
            ),
            *error.context,
        ],
        hint=f"raise the quota of namespace {encoded.head.namespace}, or keep fewer revisions (--history-max)",
    )
