"""Why a change is not made, all reasons at once. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bundler.errors import BundlerError, ConfirmationRequiredError, change
from bundler.errors.cluster import ForbiddenError
from bundler.errors.delivery import SignatureError
from bundler.model.lean import dataclass

_GRAVEST_FIRST: Final[tuple[type[BundlerError], ...]] = (
    change.WrongClusterError,
    change.OrderChangedError,
    change.KeptReleaseError,
    change.OrdersHeldError,
    change.RolloutOpenError,
    change.StalePlanError,
    change.SitePolicyError,
    SignatureError,
    change.UndeclaredReachError,
    change.ProtectedReleaseError,
    change.DowngradeError,
    change.UpgradePathError,
    change.DefinitionRiskError,
    change.StepsRefusedError,
    change.RejectedObjectsError,
    ForbiddenError,
    change.ForeignObjectError,
    change.ImmutableFieldError,
    change.FieldConflictError,
    change.QuotaExceededError,
    change.PlanError,
    ConfirmationRequiredError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reason why a change is not made as it was planned."""

    error: type[BundlerError]
    """What it is raised as where nothing graver is found."""
    doing: str
    """What was being checked."""
    lines: tuple[str, ...]
    """What was found, a line each."""
    hint: str
    """What to do; starts with a verb."""


def refuse(problems: Iterable[Problem], *, written: str = "nothing") -> None:
    """Stop a change that has problems, with the lines and hints of all of them.

    Args:
        problems: of any kind.
        written: what the cluster holds of this run already; empty where nothing was going to be written.

    Raises:
        BundlerError: of the gravest kind found.
    """
    found = sorted(problems, key=_gravity)
    if not found:
        return
    doings, hints = (list(dict.fromkeys(texts)) for texts in ([p.doing for p in found], [p.hint for p in found]))
    raise found[0].error(
        doings[0] if len(doings) == 1 else "planning the change",
        context=list(dict.fromkeys(line for problem in found for line in problem.lines)),
        hint="; ".join([*hints, *([f"{written} was written"] if written else [])]),
    )


def _gravity(problem: Problem) -> int:
    fitting = (rank for rank, kind in enumerate(_GRAVEST_FIRST) if issubclass(problem.error, kind))
    return next(fitting, len(_GRAVEST_FIRST))
