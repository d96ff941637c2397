"""What a session makes of a bundle without a cluster. Layer: library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions import author
from bundler.model.lean import replace
from bundler.model.rendered import RenderedObjects, RenderedText, SplitObjects

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.author.values import ComputedValues, ExplainedValues
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.library.requests import ReleaseRequest
    from bundler.library.scope import Scope
    from bundler.model.sweep import Sweep, SweepResult

_COMPUTING = "computing the values of"


def text(
    scope: Scope, request: ReleaseRequest, *, only: Sequence[str], shows_secrets: bool, is_checked: bool
) -> RenderedText:
    """Return the text of a bundle's templates.

    Args:
        scope: of the session.
        request: bundle, names and values.
        only: the templates that are meant; empty: all.
        shows_secrets: leave values of Secrets in plain text.
        is_checked: False: the text is not read.

    Raises:
        BundlerError: when values or templates are wrong.
    """
    render = author.template.render_text if is_checked else author.template.render_raw_text

    def work(order: RenderRequest) -> tuple[str, frozenset[str], tuple[str, ...]]:
        rendered = render(order, only=only, shows_secrets=shows_secrets)
        return rendered.text, rendered.sensitive, rendered.warnings  # plain: nothing has to be loaded to read it

    text, sensitive, warnings = library.bundles.confined(scope, request, work)
    return RenderedText(text=text, sensitive=sensitive, warnings=warnings)


def roles(scope: Scope, request: ReleaseRequest, *, subject: str, is_reading: bool) -> RenderedObjects:
    """Return the roles that are enough to work with a bundle.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        subject: who they are bound to; empty: no one.
        is_reading: for the verbs that only read.

    Raises:
        BundlerError: when values or templates are wrong.
    """
    work = partial(author.roles.roles_for, subject=subject, is_reading=is_reading)
    return library.bundles.confined(scope, request, work)


def account_for_controller(scope: Scope, request: ReleaseRequest) -> RenderedObjects:
    """Return the ServiceAccount as which the controller keeps a release, and its roles.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.

    Raises:
        BundlerError: when values or templates are wrong.
    """
    return library.bundles.confined(scope, request, author.roles.account_for_controller)


def objects(scope: Scope, request: ReleaseRequest, *, only: Sequence[str], shows_secrets: bool) -> RenderedObjects:
    """Return what a bundle renders to, as objects.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        only: templates to keep; none keeps all.
        shows_secrets: leave sensitive values in plain text.

    Raises:
        BundlerError: when values or templates are wrong.
    """
    work = partial(author.template.render_objects, only=only, shows_secrets=shows_secrets)
    return library.bundles.confined(scope, request, work)


def split(scope: Scope, request: ReleaseRequest, folder: Path, *, is_check: bool, shows_secrets: bool) -> SplitObjects:
    """Bring a folder in line with what a bundle renders to, one file for each object.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        folder: made where it is missing.
        is_check: write nothing.
        shows_secrets: leave sensitive values in plain text.

    Raises:
        BundlerError: when values or templates are wrong.
        OutputError: when a file that bundler did not write is in the way, or the folder cannot be read or written.
    """
    work = partial(author.split.render_files, shows_secrets=shows_secrets)
    files, warnings = library.bundles.confined(scope, request, work)
    return replace(author.split.split_objects(files, folder, is_check=is_check), warnings=warnings)


def values(scope: Scope, request: ReleaseRequest, *, shows_secrets: bool) -> ComputedValues:
    """Return the values that a bundle and its components work with.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        shows_secrets: leave sensitive values in plain text.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    work = partial(author.values.computed_values, is_masked=not shows_secrets)
    return library.bundles.confined(scope, request, work, doing=_COMPUTING)


def explained(scope: Scope, request: ReleaseRequest, path: str) -> ExplainedValues:
    """Return who set each value below a path.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        path: of the values; empty for all.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    work = partial(author.values.explained_values, path=path)
    return library.bundles.confined(scope, request, work, doing=_COMPUTING)


def swept(scope: Scope, request: ReleaseRequest, sweep: Sweep) -> SweepResult:
    """Return what values become as one of them is set to many.

    Args:
        scope: the session's cluster, files and limits.
        request: bundle, values and release.
        sweep: which value, over which numbers.

    Raises:
        ValuesError: when they are wrong at every point.
    """
    work = partial(author.values.sweep_values, sweep=sweep)
    return library.bundles.confined(scope, request, work, doing=_COMPUTING)
