"""What an error means for an order: tried again by itself, refused, or failed."""

from __future__ import annotations

import pytest

from bundler.controller.status import AttemptResult, Reason
from bundler.controller.verdicts import verdict_of, words_of
from bundler.errors import BugError, BundlerError, ConfirmationRequiredError
from bundler.errors.bundle import BundleInvalidError, TemplateError, ValuesInvalidError
from bundler.errors.change import (
    FieldConflictError,
    ImmutableFieldError,
    ObjectFailedError,
    OrderChangedError,
    RecordTooNewError,
    ReleaseLockedError,
    RolledBackError,
    SitePolicyError,
    WaitTimeoutError,
    WrongClusterError,
)
from bundler.errors.cluster import ApiUnavailableError, ForbiddenError, UnavailableError
from bundler.errors.delivery import RegistryNotFoundError, RegistryUnavailableError, UntrustedKeyError

PASSING, REFUSED, FAILED = AttemptResult.PASSING, AttemptResult.REFUSED, AttemptResult.FAILED


def made(kind: type[BundlerError]) -> BundlerError:
    return kind("doing it", context=["found this"], hint="do that")


@pytest.mark.parametrize(
    ("kind", "result", "reason"),
    [
        (ReleaseLockedError, PASSING, Reason.LOCKED),
        (UnavailableError, PASSING, Reason.WAITING),
        (ApiUnavailableError, PASSING, Reason.WAITING),
        (OrderChangedError, PASSING, Reason.WAITING),
        (RegistryUnavailableError, PASSING, Reason.SOURCE_UNAVAILABLE),
        (RegistryNotFoundError, REFUSED, Reason.SOURCE_REFUSED),
        (UntrustedKeyError, REFUSED, Reason.SOURCE_REFUSED),
        (BundleInvalidError, REFUSED, Reason.SOURCE_REFUSED),
        (SitePolicyError, REFUSED, Reason.SOURCE_REFUSED),
        (ValuesInvalidError, REFUSED, Reason.VALUES_INVALID),
        (TemplateError, REFUSED, Reason.VALUES_INVALID),
        (ConfirmationRequiredError, REFUSED, Reason.AWAITING_APPROVAL),
        (WrongClusterError, REFUSED, Reason.WRONG_CLUSTER),
        (FieldConflictError, REFUSED, Reason.CONTESTED),
        (ForbiddenError, REFUSED, Reason.RIGHTS_MISSING),
        (RecordTooNewError, REFUSED, Reason.TOO_NEW_RECORD),
        (ImmutableFieldError, REFUSED, Reason.PLAN_REFUSED),
        (ObjectFailedError, FAILED, Reason.FAILED_ONCE),
        (WaitTimeoutError, FAILED, Reason.FAILED_ONCE),
        (RolledBackError, AttemptResult.ROLLED_BACK, Reason.FAILED_ONCE),
        (BugError, REFUSED, Reason.FAILED_ONCE),
    ],
)
def test_each_kind_of_error_has_its_verdict(kind: type[BundlerError], result: AttemptResult, reason: Reason) -> None:
    assert verdict_of(made(kind)) == (result, reason)


@pytest.mark.parametrize("kind", [ForbiddenError, ImmutableFieldError, BugError])
def test_what_came_as_far_as_a_revision_has_failed(kind: type[BundlerError]) -> None:
    assert verdict_of(made(kind), is_recorded=True) == (FAILED, Reason.FAILED_ONCE)


def test_what_passes_by_itself_does_so_however_far_it_came() -> None:
    assert verdict_of(made(UnavailableError), is_recorded=True)[0] is PASSING


def test_a_condition_says_what_was_done_what_was_found_and_what_to_do() -> None:
    assert words_of(made(BugError)) == "doing it: found this (do that)"
