"""What an error means for an order: whether it is tried again, and what its conditions say. Layer: controller, pure."""

from __future__ import annotations

from typing import Final

from bundler.controller.status import AttemptResult, Reason
from bundler.errors import BundlerError, ConfirmationRequiredError, InterruptedRunError
from bundler.errors.bundle import BundleError, RenderError, ValuesError
from bundler.errors.change import (
    ClosedWindowError,
    FieldConflictError,
    LockLostError,
    OrderChangedError,
    PlanError,
    PreflightError,
    RecordTooNewError,
    ReleaseLockedError,
    RevisionExistsError,
    RollbackFailedError,
    RolledBackError,
    SitePolicyError,
    StalePlanError,
    WaitError,
    WrongClusterError,
)
from bundler.errors.cluster import (
    ApiUnavailableError,
    ConflictError,
    CredentialsError,
    ForbiddenError,
    UnauthorizedError,
    UnavailableError,
)
from bundler.errors.delivery import OfflineError, RegistryError, RegistryUnavailableError, SignatureError

_PASSING, _REFUSED, _FAILED = AttemptResult.PASSING, AttemptResult.REFUSED, AttemptResult.FAILED
_VERDICTS: Final[tuple[tuple[type[BundlerError], AttemptResult, Reason], ...]] = (
    (ReleaseLockedError, _PASSING, Reason.LOCKED),
    (LockLostError, _PASSING, Reason.LOCKED),
    (RevisionExistsError, _PASSING, Reason.LOCKED),
    (InterruptedRunError, _PASSING, Reason.WAITING),
    (StalePlanError, _PASSING, Reason.WAITING),
    (OrderChangedError, _PASSING, Reason.WAITING),
    (UnavailableError, _PASSING, Reason.WAITING),
    (ApiUnavailableError, _PASSING, Reason.WAITING),
    (ConflictError, _PASSING, Reason.WAITING),
    (RegistryUnavailableError, _PASSING, Reason.SOURCE_UNAVAILABLE),
    (OfflineError, _REFUSED, Reason.SOURCE_UNAVAILABLE),
    (RegistryError, _REFUSED, Reason.SOURCE_REFUSED),
    (SignatureError, _REFUSED, Reason.SOURCE_REFUSED),
    (BundleError, _REFUSED, Reason.SOURCE_REFUSED),
    (ValuesError, _REFUSED, Reason.VALUES_INVALID),
    (RenderError, _REFUSED, Reason.VALUES_INVALID),
    (ConfirmationRequiredError, _REFUSED, Reason.AWAITING_APPROVAL),
    (WrongClusterError, _REFUSED, Reason.WRONG_CLUSTER),
    (ClosedWindowError, _REFUSED, Reason.WAITING),
    (SitePolicyError, _REFUSED, Reason.SOURCE_REFUSED),
    (FieldConflictError, _REFUSED, Reason.CONTESTED),
    (ForbiddenError, _REFUSED, Reason.RIGHTS_MISSING),
    (UnauthorizedError, _REFUSED, Reason.RIGHTS_MISSING),
    (CredentialsError, _REFUSED, Reason.RIGHTS_MISSING),
    (RecordTooNewError, _REFUSED, Reason.TOO_NEW_RECORD),
    (PreflightError, _REFUSED, Reason.PLAN_REFUSED),
    (PlanError, _REFUSED, Reason.PLAN_REFUSED),
    (RolledBackError, AttemptResult.ROLLED_BACK, Reason.FAILED_ONCE),
    (RollbackFailedError, _FAILED, Reason.FAILED_ONCE),
    (WaitError, _FAILED, Reason.FAILED_ONCE),
)
"""The first that fits counts: the narrower kinds of error come first."""


def verdict_of(error: BundlerError, *, is_recorded: bool = False) -> tuple[AttemptResult, Reason]:
    """Return what becomes of an attempt that ended with an error, and why.

    Args:
        error: what ended it.
        is_recorded: it came as far as a revision, which says that it failed; something may have been written.
    """
    for kind, result, reason in _VERDICTS:
        if isinstance(error, kind):
            return (_FAILED, Reason.FAILED_ONCE) if is_recorded and result is _REFUSED else (result, reason)
    return (_FAILED if is_recorded else _REFUSED), Reason.FAILED_ONCE


def words_of(error: BundlerError) -> str:
    """Return an error as the message of a condition: what was done, what was found, what to do."""
    found = "; ".join(error.context)
    said = f"{error}: {found}" if found else str(error)
    return f"{said} ({error.hint})" if error.hint else said
