"""What a session makes of a bundle without a cluster. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.author import template, values as computing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.actions.author.values import ComputedValues, ExplainedValues
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.library.requests import ReleaseRequest
    from bundler.library.scope import Scope
    from bundler.model.rendered import RenderedObjects, RenderedText
    from bundler.model.sweep import Sweep, SweepResult


def render_request(scope: Scope, request: ReleaseRequest) -> RenderRequest:
    """Return what is rendered for a release; no cluster is asked.

    Raises:
        BundlerError: when the bundle or the values cannot be read.
    """
    return library.bundles.render_request(
        scope,
        library.bundles.acquired(scope, request),
        request.values,
        release=request.release,
        namespace=request.namespace,
        kube_version=request.kube_version,
    )


def text(
    scope: Scope, request: ReleaseRequest, *, only: Sequence[str], shows_secrets: bool, is_checked: bool
) -> RenderedText:
    """Return the text of a bundle's templates.

    Args:
        scope: of the session.
        request: bundle, names and values.
        only: the templates that are meant; empty: all.
        shows_secrets: leave values of Secrets in clear.
        is_checked: False: the text is not read.

    Raises:
        BundlerError: when values or templates are wrong.
    """
    render = template.render_text if is_checked else template.render_raw_text
    return render(render_request(scope, request), only=only, shows_secrets=shows_secrets)


def objects(scope: Scope, request: ReleaseRequest, *, only: Sequence[str], shows_secrets: bool) -> RenderedObjects:
    """Return what a bundle renders to, as objects.

    Raises:
        BundlerError: when values or templates are wrong.
    """
    return template.render_objects(render_request(scope, request), only=only, shows_secrets=shows_secrets)


def values(scope: Scope, request: ReleaseRequest, *, shows_secrets: bool) -> ComputedValues:
    """Return the values that a bundle and its components work with.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    return computing.computed_values(render_request(scope, request), is_masked=not shows_secrets)


def explained(scope: Scope, request: ReleaseRequest, path: str) -> ExplainedValues:
    """Return who set each value below a path.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    return computing.explained_values(render_request(scope, request), path)


def swept(scope: Scope, request: ReleaseRequest, sweep: Sweep) -> SweepResult:
    """Return what values become as one of them is set to many.

    Raises:
        ValuesError: when they are wrong at every point.
    """
    from bundler.actions.author.sweep import sweep_values  # noqa: PLC0415 - few ask for it

    return sweep_values(render_request(scope, request), sweep)
