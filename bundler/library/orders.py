"""Orders of releases, as a session reads them. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.ordering import keeping

if TYPE_CHECKING:
    from bundler.library.scope import Scope
    from bundler.model.orders import KeepingOrder


def orders(scope: Scope, release: str, namespace: str | None) -> tuple[KeepingOrder, ...]:
    """Return the orders that keep releases.

    Args:
        scope: the session's cluster, files and limits.
        release: the one that is meant; empty: all.
        namespace: of the releases; None: all.
    """
    place = "" if namespace is None else scope.namespace(namespace)
    return keeping.orders_shown(place, release, scope.ports())
