"""Errors of plans, of waiting, and of releases with their records. Layer: errors."""

from __future__ import annotations

from typing import Self

from bundler.errors import BundlerError


class PlanError(BundlerError):
    """The change cannot be planned; nothing was written.

    Remedy: Resolve what the error names, then run the command again.
    """

    code = "plan"


class RejectedObjectsError(PlanError):
    """The API server refused objects in a dry run; the error lists all of them.

    Remedy: Fix the bundle or the values that the error names.
    """

    code = "plan-rejected"


class ForeignObjectError(PlanError):
    """An object of the plan exists already and belongs to another owner.

    Remedy: Rename the object in the bundle, or choose another release name or namespace.
    """

    code = "plan-foreign"


class FieldConflictError(PlanError):
    """Another field manager owns a field that the bundle sets to another value.

    Remedy: Use the live value in the bundle's values, or set the bundle's value on the live object.
    """

    code = "plan-conflict"


class UndeclaredReachError(PlanError):
    """The bundle writes or grants more than its `reach` declares.

    Remedy: Declare it under `spec.reach` (`bundler lint --write-reach` does that), or remove it from the bundle.
    """

    code = "plan-reach"


class QuotaExceededError(PlanError):
    """The plan needs more than a ResourceQuota leaves.

    Remedy: Request less in the values, or ask an administrator to raise the quota.
    """

    code = "plan-quota"


class ImmutableFieldError(PlanError):
    """The plan changes a field that cannot change on a live object, or a value whose schema says `immutable`.

    Remedy: Keep the old value, or pass `--recreate KIND/NAME`: the object is deleted and created again, and the plan
    says what is lost.
    """

    code = "plan-immutable"


class DefinitionRiskError(PlanError):
    """A CustomResourceDefinition would refuse or drop what live objects of its kind hold, or stop what they need.

    Remedy: Change the objects first, or pass `--accept-crd-risk`; before a stored version goes, run
    `bundler migrate-storage`.
    """

    code = "plan-crd-risk"


class DowngradeError(PlanError):
    """The bundle is older than the deployed one, or is a different bundle.

    Remedy: Pass `--allow-downgrade` for an older version, or use `bundler rollback`.
    """

    code = "plan-downgrade"


class ProtectedReleaseError(PlanError):
    """The release is protected, and the plan would uninstall it, make it older, or lose its data.

    Remedy: Take the protection off with `bundler protect RELEASE --off -m REASON`, then run the command again.
    """

    code = "release-protected"


class RolloutOpenError(PlanError):
    """The release is being upgraded in steps; every other change waits until that is finished or aborted.

    Remedy: Continue the rollout with `bundler continue RELEASE`, or go back with `bundler abort RELEASE`.
    """

    code = "rollout-open"


class KeptReleaseError(PlanError):
    """An order keeps the release: a change from elsewhere would be undone.

    Remedy: Change the order with `bundler order RELEASE`, or pass `--suspend`, which suspends the order and makes this
    change now.
    """

    code = "release-kept"
    exit_code = 2


class OrdersHeldError(PlanError):
    """The controller would be uninstalled while orders still need it: no one would remove their finalizer.

    Remedy: Delete the orders first, or pass `--orphan-orders`: their finalizer is removed, and their releases stay.
    """

    code = "orders-held"
    exit_code = 2


class OrderChangedError(PlanError):
    """The order that a change carries out says something else by now, is suspended, or is gone.

    Remedy: Nothing; the controller reads the order again.
    """

    code = "order-changed"


class UpgradePathError(PlanError):
    """The bundle cannot upgrade the deployed version, or cannot be rolled back to it.

    Remedy: Upgrade to the version in between that the error names first.
    """

    code = "plan-upgrade-path"


class SitePolicyError(PlanError):
    """The site file forbids what the plan does.

    Remedy: Use a bundle that stays within the site's policy, or ask the owner of the site file.
    """

    code = "site-policy"
    exit_code = 25


class ClosedWindowError(SitePolicyError):
    """The site file lets releases be changed at other times only. Nothing was written.

    Remedy: Wait until the window that the error names opens, or pass `--outside-window REASON`; the reason is recorded.
    """

    code = "site-closed"


class StepsRefusedError(PlanError):
    """The upgrade cannot be made in the steps that were asked for; the error lists every reason. Nothing was written.

    Remedy: Resolve what the error names, take only components in steps that can go in steps, or upgrade without steps.
    """

    code = "plan-steps"


class StalePlanError(PlanError):
    """Something moved since the plan was saved, so that carrying it out would do something else. Nothing was written.

    Remedy: Make a new plan with `bundler plan`, and have it reviewed.
    """

    code = "plan-stale"


class PlanFileError(PlanError):
    """The file of a saved plan cannot be read or written, is damaged, or is not a plan.

    Remedy: Make the plan again with `bundler plan RELEASE BUNDLE --out FILE`.
    """

    code = "plan-file"


class PlanValueError(PlanError):
    """A saved plan needs a sensitive value that is in no record, and it was not given.

    Remedy: Give it to `bundler apply` with the option that you used for `bundler plan`.
    """

    code = "plan-value"


class WaitError(BundlerError):
    """Objects did not reach the expected state.

    Remedy: Read the state of each object in the error; `bundler status` shows it again.
    """

    code = "wait"


class ObjectFailedError(WaitError):
    """An object failed for good; waiting longer would not help.

    Remedy: Fix the cause that the error names and run the command again, or go back with `bundler rollback`.
    """

    code = "object-failed"


class ProbationFailedError(WaitError):
    """A container restarted, or an object was no longer ready, within the time of `--watch-for`.

    Remedy: Fix the cause that the error names and run the command again, or go back with `bundler rollback`.
    """

    code = "probation-failed"


class HookFailedError(ObjectFailedError):
    """A hook failed: its Job used up its attempts, or its time.

    Remedy: Fix the cause that the log in the error shows, and run the command again: hooks that succeeded do not rerun.
    """

    code = "hook-failed"


class ChecksFailedError(WaitError):
    """Checks of the bundle failed: those of `bundler test`, or of a change with `--test`.

    Remedy: Fix the cause that the logs in the error show, then run the command again.
    """

    code = "checks-failed"


class StepFailedError(WaitError):
    """A step of an upgrade in steps failed: its pods did not become ready, or a gate did not pass.

    Remedy: Fix the cause that the error names; its hint says how to continue, or to go back.
    """

    code = "step-failed"


class WaitTimeoutError(WaitError):
    """Time ran out before objects were ready.

    Remedy: Continue with `bundler wait`, or give more time with `--timeout`.
    """

    code = "wait-timeout"
    exit_code = 4


class ReleaseError(BundlerError):
    """The records of a release cannot be read, or do not allow the operation.

    Remedy: Check the release with `bundler history` and `bundler status`.
    """

    code = "release"


class ReleaseNotFoundError(ReleaseError):
    """There is no release or revision of this name.

    Remedy: Check the name and the namespace (`-n`); `bundler list -A` shows every release you can read.
    """

    code = "release-not-found"


class OrderNotFoundError(ReleaseError):
    """There is no order of this name.

    Remedy: Check the name and the namespace (`-n`), or make one with `bundler order RELEASE --create SOURCE`.
    """

    code = "order-not-found"


class OrderInvalidError(ReleaseError):
    """An order says something that cannot be carried out; the error lists every field.

    Remedy: Change the fields that the error names.
    """

    code = "order-invalid"


class OrderSourceError(ReleaseError):
    """Something that an order refers to is missing.

    Remedy: Create what the error names, or change the order.
    """

    code = "order-source"


class OrderStalledError(ReleaseError):
    """The controller does not carry an order out: it waits for someone, or it tried and failed.

    Remedy: Do what the error names; the order stays as it is written, and is carried out once that is possible.
    """

    code = "order-stalled"


class RecordDamagedError(ReleaseError):
    """A record cannot be decoded, or exceeds its limits.

    Remedy: Restore the Secrets of this revision from a backup, or roll back to another revision.
    """

    code = "record-damaged"
    revision: int = 0
    """Which one it is of, where a list of revisions met it."""

    def of_revision(self, number: int) -> Self:
        """Return a copy that knows which revision it is of."""
        return self._copy(revision=number)


class RecordTooNewError(ReleaseError):
    """A newer bundler wrote this record.

    Remedy: Upgrade bundler.
    """

    code = "record-too-new"


class RevisionExistsError(ReleaseError):
    """Another run recorded this revision first.

    Remedy: Run the command again; it uses the next number.
    """

    code = "revision-exists"


class RecordTooLargeError(ReleaseError):
    """A record is larger than what the API server stores.

    Remedy: Make the bundle smaller, or split it into several releases.
    """

    code = "record-too-large"


class ReleaseLockedError(ReleaseError):
    """Another run holds the lock of the release.

    Remedy: Wait for it with `--lock-timeout`; if you are sure that it is dead, run `bundler unlock`.
    """

    code = "release-locked"
    exit_code = 75


class LockLostError(ReleaseError):
    """This run lost its lock; it wrote nothing after that.

    Remedy: Check which run holds the lock, then run the command again.
    """

    code = "lock-lost"


class RolloutContestedError(ReleaseError):
    """Someone else changed a workload while its pods are replaced step by step; nothing more was written.

    Remedy: Find out who made the change that the error names, and why; its hint says how to continue, or to go back.
    """

    code = "rollout-contested"


class UnfinishedChangeError(ReleaseError):
    """The last change of the release failed, or is still under way; nothing was written.

    Remedy: Wait for the run that is under way, run a failed change again, or go back with `bundler rollback`.
    """

    code = "change-unfinished"


class RolledBackError(ReleaseError):
    """The change failed, and the release was rolled back.

    Remedy: Fix the cause that the error names, then run the command again.
    """

    code = "rolled-back"
    exit_code = 5


class RollbackFailedError(ReleaseError):
    """The change failed, and the rollback failed too.

    Remedy: Check the release with `bundler status`, fix the cause, then upgrade or roll back again.
    """

    code = "rollback-failed"
    exit_code = 6


class PreflightError(PlanError):
    """The cluster lacks what the bundle needs; nothing was written. The error lists every check that failed.

    Remedy: Fix what the error lists, then run `bundler preflight`.
    """

    code = "preflight"


class SitePatchError(PlanError):
    """A patch of the site file matches no object, or cannot be applied.

    Remedy: Correct the target or the operations of the patch in the site file.
    """

    code = "site-patch"


class WrongClusterError(PlanError):
    """The cluster is not the one that the site file names.

    Remedy: Select the right cluster with `--context`, or use the site file of this one.
    """

    code = "wrong-cluster"
    exit_code = 25
