"""What a session says of the values of a bundle. Layer: library."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions import author

if TYPE_CHECKING:
    from bundler.actions.author.values import ComputedValues, ExplainedValues
    from bundler.library.requests import ReleaseRequest
    from bundler.library.scope import Scope
    from bundler.model.sweep import Sweep, SweepResult


def values(scope: Scope, request: ReleaseRequest, *, shows_secrets: bool) -> ComputedValues:
    """Return the values that a bundle and its components work with.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        shows_secrets: leave sensitive values in plain text.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    return library.bundles.confined(
        scope,
        request,
        partial(author.values.computed_values, is_masked=not shows_secrets),
        doing="computing the values of",
    )


def explained(scope: Scope, request: ReleaseRequest, path: str) -> ExplainedValues:
    """Return who set each value below a path.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        path: of the values; empty for all.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    return library.bundles.confined(
        scope, request, partial(author.values.explained_values, path=path), doing="computing the values of"
    )


def swept(scope: Scope, request: ReleaseRequest, sweep: Sweep) -> SweepResult:
    """Return what values become as one of them is set to many.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        sweep: which value, over which numbers.

    Raises:
        ValuesError: when they are wrong at every point.
    """
    return library.bundles.confined(
        scope, request, partial(author.sweep.sweep_values, sweep=sweep), doing="computing the values of"
    )
