"""What a session makes of a bundle without a cluster. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.author import template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.library.requests import ReleaseRequest
    from bundler.library.scope import Scope
    from bundler.model.rendered import RenderedObjects, RenderedText


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
    render = template.render_text if is_checked else template.render_raw_text
    return render(library.bundles.request_of(scope, request), only=only, shows_secrets=shows_secrets)


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
    return template.render_objects(library.bundles.request_of(scope, request), only=only, shows_secrets=shows_secrets)
