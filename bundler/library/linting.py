"""What a session finds wrong with a bundle. Layer: library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bundler import library
from bundler.actions.author import declare_reach as reaching, lint as checking
from bundler.actions.compose.user_values import Values
from bundler.loader.locate import find_bundle

if TYPE_CHECKING:
    from bundler.library.scope import Scope
    from bundler.model.finding import LintResult

Result = TypeVar("Result")


def lint(scope: Scope, name: str, values: Values | None) -> LintResult:
    """Find everything that is wrong with a bundle.

    Args:
        scope: the session's cluster, files and limits.
        name: path or name of the bundle.
        values: to render it with.

    Raises:
        BundlerError: when there is no such bundle, or the values cannot be read.
    """
    return _checked(checking.lint, scope, name, values)


def declare_reach(scope: Scope, name: str, values: Values | None) -> Mapping[str, Sequence[str]]:
    """Write into a bundle's ``bundle.yaml`` what it reaches and does not declare; return what was added.

    Args:
        scope: the session's cluster, files and limits.
        name: path or name of the bundle.
        values: to render it with.

    Raises:
        BundlerError: when the bundle cannot be rendered or written.
    """
    return _checked(reaching.declare_reach, scope, name, values)


def _checked(check: Callable[..., Result], scope: Scope, name: str, values: Values | None) -> Result:
    location = find_bundle(name, search_path=scope.options.search_path)
    inputs = library.bundles.read_values(scope, values or Values())
    return check(
        location,
        inputs,
        namespace=library.bundles.namespace_without_cluster(scope, inputs.named_site),
        fetch=partial(library.bundles.fetch_component, scope),
        limits=scope.limits,
        confinement=scope.host.confinement,
    )
