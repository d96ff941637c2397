"""Orders of releases, as a session changes them and waits for them. Layer: library."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.ordering import edit, wait
from bundler.model.orders import order_ref
from bundler.model.refs import ref_of
from bundler.model.values import LayerKind, UserLayers, UserValues
from bundler.values.merge import make_layer
from bundler.values.user import fold_user_values

if TYPE_CHECKING:
    from bundler.actions.acquire.bundle import AcquiredBundle
    from bundler.actions.compose.user_values import Values
    from bundler.library.scope import Scope
    from bundler.model.json import Body


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


def values_of_order(scope: Scope, taken: AcquiredBundle, kept: Body, given: Values) -> UserValues:
    """Return the values of an order once more are given: typed by the schema of its bundle, folded into one mapping.

    Args:
        scope: the session's cluster, files and limits.
        taken: the bundle.
        kept: the values that the order has.
        given: files, assignments and what is taken out, over them.

    Raises:
        ValuesError: with everything that cannot be read, or does not fit.
    """
    inputs = library.bundles.read_values(scope, given, taken.bundle)
    base = make_layer(kept, LayerKind.RECORDED, "the order")
    user = UserLayers(layers=(base, *inputs.user.layers), assignments=inputs.user.assignments, unset=given.unset)
    return scope.host.confinement.run(
        lambda: fold_user_values(taken.bundle, user), doing=f"reading the values of {taken.bundle.metadata.name}"
    )
