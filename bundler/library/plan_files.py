"""Files of saved plans, and the signatures beside them. Layer: library; local files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler import signing
from bundler.actions.acquire.trust import read_signatures
from bundler.errors.change import PlanFileError
from bundler.errors.disk import hint_to_write
from bundler.files.plan_bytes import content_of
from bundler.files.whole_file import write_whole
from bundler.model.digest import digest_of
from bundler.model.results import Verified
from bundler.model.trust import PLAN_PAYLOAD, Evidence, TrustPolicy
from bundler.wire.plan_file import decode_plan, encode_plan

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.library.scope import Scope
    from bundler.model.saved_plan import SavedPlan
    from bundler.ports import Clock


def write_plan(path: Path, saved: SavedPlan) -> None:
    """Write a plan to a file that only its owner can read.

    Raises:
        PlanFileError: when it cannot be written.
    """
    try:
        write_whole(path, encode_plan(saved), mode=0o600)
    except OSError as error:
        raise PlanFileError(
            f"writing plan {path}",
            context=[f"{path}: {error.strerror or error}"],
            hint=hint_to_write(error, "name a folder that you can write to with --out"),
        ) from error


def read_plan(path: Path) -> SavedPlan:
    """Read a plan from its file.

    Raises:
        PlanFileError: when there is none, or it is damaged.
    """
    return decode_plan(content_of(path), name=str(path))


def check_signatures(path: Path, content: bytes, policy: TrustPolicy, clock: Clock) -> Evidence:
    """Check who signed a plan, by the signatures beside its file.

    Args:
        path: of the plan.
        content: of the file.
        policy: whom to trust, and how many must have signed.
        clock: says which keys are trusted now.

    Raises:
        SignatureError: when it is not signed as the policy asks.
    """
    return signing.verify.PolicyVerifier(policy, clock)(PLAN_PAYLOAD, content, read_signatures(path))


def read_signed(scope: Scope, path: Path, keys: Sequence[Path]) -> SavedPlan:
    """Read a plan from its file, signed by one of some keys where there are any.

    Args:
        scope: of the session.
        path: of the plan.
        keys: public keys; none: signatures are not checked.

    Raises:
        PlanFileError: when there is none, or it is damaged.
        SignatureError: when none of the keys signed it.
    """
    content = content_of(path)
    if keys:
        policy = TrustPolicy(keys=tuple(map(signing.keys.read_public, keys)), source="the keys given")
        check_signatures(path, content, policy, scope.host.clock)
    return decode_plan(content, name=str(path))


def verify_plan(path: Path, policy: TrustPolicy, clock: Clock) -> Verified:
    """Check that a file is a plan, and who signed it.

    Args:
        path: of the plan.
        policy: whom to trust.
        clock: says which keys are trusted now.

    Raises:
        PlanFileError: when it is damaged.
        SignatureError: when it is not signed as the policy asks.
    """
    content = content_of(path)
    evidence = check_signatures(path, content, policy, clock)
    saved = decode_plan(content, name=str(path))
    return Verified(
        kind="plan",
        name=saved.request.release,
        version=saved.facts.bundle.version,
        digest=digest_of(content),
        blobs=0,
        size=len(content),
        evidence=evidence,
    )
