"""Orders of releases, as a session reads and changes them. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.ordering import edit, keeping, wait
from bundler.model.orders import order_ref
from bundler.model.refs import ref_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.library.scope import Scope
    from bundler.model.json import Body
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


def change(scope: Scope, release: str, namespace: str, said: Callable[[Body], Body]) -> Body:
    """Change the order of a release in place, and return it as it is then.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        said: returns the order as it is to be.

    Raises:
        OrderNotFoundError: when there is none.
    """
    return edit.edit_order(order_ref(scope.namespace(namespace), release), said, scope.cluster())


def wait_for(scope: Scope, written: Body) -> Body:
    """Wait until the controller has carried the order of a release out.

    Args:
        scope: the session's cluster, files and limits.
        written: the order as it was written last.

    Raises:
        OrderNotFoundError, OrderStalledError, WaitTimeoutError: when it does not come to that.
    """
    return wait.wait_for_order(ref_of(written), written, scope.ports())
