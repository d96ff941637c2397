"""A release that is being upgraded in steps takes no other change. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.change import RolloutOpenError
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.release import RevisionSummary


def rollout_problems(rolling: RevisionSummary | None) -> Iterator[Problem]:
    """Find whether a rollout is open: it must be over before anything else is changed.

    Args:
        rolling: the revision that is rolled out; None where no rollout is open.
    """
    if rolling is None:
        return
    bundle, place = rolling.bundle, f"{rolling.release} -n {rolling.namespace}"
    yield Problem(
        error=RolloutOpenError,
        doing=f"planning a change of release {rolling.release}",
        lines=(
            f"revision {rolling.revision} ({bundle.name} {bundle.version}) is rolled out in steps: {rolling.rollout}",
        ),
        hint=f"finish it with `bundler continue {place}`, or go back with `bundler abort {place}`",
    )
