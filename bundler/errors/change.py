"""Errors of plans, of waiting, and of releases with their records. Layer: errors."""

from __future__ import annotations

from bundler.errors import BundlerError


class PlanError(BundlerError):
    """The change as a whole cannot be made; nothing was written."""

    code = "plan"


class RejectedObjectsError(PlanError):
    """The API server refused objects in dry-run; all of them are in the context."""

    code = "plan-rejected"


class ForeignObjectError(PlanError):
    """An object in the way belongs to somebody else."""

    code = "plan-foreign"


class FieldConflictError(PlanError):
    """Another field manager owns a field that the bundle wants to set differently."""

    code = "plan-conflict"


class UndeclaredReachError(PlanError):
    """The bundle writes or grants more than its ``reach`` declares."""

    code = "plan-reach"


class QuotaExceededError(PlanError):
    """The plan as a whole needs more than a ResourceQuota leaves."""

    code = "plan-quota"


class ImmutableFieldError(PlanError):
    """A field that cannot change on a living object would change."""

    code = "plan-immutable"


class DowngradeError(PlanError):
    """The bundle is older than the deployed one, or another bundle altogether."""

    code = "plan-downgrade"


class UpgradePathError(PlanError):
    """The bundle does not upgrade from the deployed version, or may not be rolled back to it."""

    code = "plan-upgrade-path"


class SitePolicyError(PlanError):
    """The site file forbids what the plan does."""

    code = "site-policy"
    exit_code = 25


class PlanChangedError(PlanError):
    """The cluster moved between showing the plan and carrying it out, and nobody is there to ask again."""

    code = "plan-changed"


class WaitError(BundlerError):
    """Objects did not reach the state that was waited for."""

    code = "wait"


class ObjectFailedError(WaitError):
    """An object failed for good; waiting longer would not help."""

    code = "object-failed"


class WaitTimeoutError(WaitError):
    """Time ran out while objects were on their way."""

    code = "wait-timeout"
    exit_code = 4


class ReleaseError(BundlerError):
    """Release records cannot be read or do not allow what was asked."""

    code = "release"


class ReleaseNotFoundError(ReleaseError):
    """No release, or no revision, of that name."""

    code = "release-not-found"


class RecordDamagedError(ReleaseError):
    """A record cannot be decoded or breaks its bounds."""

    code = "record-damaged"
    revision: int = 0
    """Which one it is of, where a list of revisions met it."""


class RecordTooNewError(ReleaseError):
    """A record was written by a newer bundler."""

    code = "record-too-new"


class RevisionExistsError(ReleaseError):
    """Somebody else recorded this revision first."""

    code = "revision-exists"


class RecordTooLargeError(ReleaseError):
    """A record breaks the size the API server stores."""

    code = "record-too-large"


class ReleaseLockedError(ReleaseError):
    """Somebody alive holds the release's lock."""

    code = "release-locked"
    exit_code = 75


class LockLostError(ReleaseError):
    """Our own lock was taken over or could not be renewed; no write begins after that."""

    code = "lock-lost"


class RolledBackError(ReleaseError):
    """The change failed and the release was rolled back."""

    code = "rolled-back"
    exit_code = 5


class RollbackFailedError(ReleaseError):
    """The change failed and the rollback failed too."""

    code = "rollback-failed"
    exit_code = 6


class PreflightError(PlanError):
    """The place is not ready for what is to be installed: everything that was found, before the first write."""

    code = "preflight"


class SitePatchError(PlanError):
    """A patch of the site file fits nothing, or cannot be made."""

    code = "site-patch"


class WrongClusterError(PlanError):
    """The cluster is not the one that the site file names."""

    code = "wrong-cluster"
    exit_code = 25
