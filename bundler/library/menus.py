"""What a session says of the kinds that bundles are ordered as. Layer: library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.compose.user_values import Values
from bundler.errors import BundlerError
from bundler.library.requests import ReleaseRequest
from bundler.menu.offer import order_kind
from bundler.menu.order_values import secrets_of_order, values_of_order
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.kind import OrderKind, OrderProblem, SecretKey

if TYPE_CHECKING:
    from bundler.actions.acquire.bundle import AcquiredBundle
    from bundler.library.scope import Scope


def menu(scope: Scope, name: str | AcquiredBundle, source: str) -> OrderKind:
    """Return the kind that a bundle can be ordered as.

    Args:
        scope: the session's cluster, files and limits.
        name: path or name of the bundle.
        source: the repository that a controller takes it from; empty: where it came from.

    Raises:
        BundlerError: when the bundle cannot be had, or has no menu.
    """
    bundle = library.bundles.acquired(scope, ReleaseRequest(bundle=name)).bundle
    doing = f"translating the schema of {bundle.metadata.name} {bundle.metadata.version}"
    return scope.host.confinement.run(lambda: order_kind(bundle, source=source), doing=doing)


def broken_orders(
    scope: Scope, name: str | AcquiredBundle, orders: Iterable[Body], secrets: Mapping[tuple[str, SecretKey], str]
) -> tuple[OrderProblem, ...]:
    """Return what is wrong with orders if they were of a bundle.

    Args:
        scope: the session's cluster, files and limits.
        name: of the bundle.
        orders: objects of its kind.
        secrets: the texts of Secrets that they name, by namespace and key.

    Raises:
        BundlerError: when the bundle cannot be had, or has no menu.
    """
    taken = library.bundles.acquired(scope, ReleaseRequest(bundle=name))
    kind = menu(scope, taken, "")
    return tuple(problem for order in orders for problem in _wrong(scope, taken, kind, order, secrets))


def _wrong(
    scope: Scope, taken: AcquiredBundle, kind: OrderKind, order: Body, secrets: Mapping[tuple[str, SecretKey], str]
) -> Iterator[OrderProblem]:
    spec = mapping_at(order, "spec")
    namespace, name = text_at(order, "metadata", "namespace"), text_at(order, "metadata", "name")
    known = {key: secrets[namespace, key] for key in secrets_of_order(spec, kind) if (namespace, key) in secrets}
    try:
        values = Values(data=values_of_order(spec, kind, known))
        request = ReleaseRequest(bundle=taken, release=name, namespace=namespace, values=values)
        library.rendering.values(scope, request, shows_secrets=False)
    except BundlerError as error:
        yield from (OrderProblem(namespace, name, str(line)) for line in error.context or (str(error),))
