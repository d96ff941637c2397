"""The end of a controller: orders that wait for it are named, and let go on request; it never uninstalls itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler import Accepted, ReleaseRequest, UninstallRequest
from bundler.errors.change import OrdersHeldError
from bundler.loader.locate import find_bundle
from bundler.model.json import strings_at
from bundler.model.orders import order_ref
from tests.lib.keeping import Kept

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World


@pytest.fixture
def kept(sandbox_world: World, tmp_path: Path) -> Kept:
    """Return a namespace with the release of a controller, and an order that this keeps."""
    operator = sandbox_world.operator
    kept = Kept(sandbox_world.cluster, operator.clock, operator.namespace, tmp_path)
    kept.session.apply(ReleaseRequest(bundle="controller", release="controller"))
    kept.publish(sandbox_world.menu, "one")
    kept.order()
    kept.settle()
    return kept


def remove(kept: Kept, **accepted: Any) -> object:
    return kept.session.uninstall(UninstallRequest(release="controller", accepted=Accepted(removal=True, **accepted)))


def test_a_controller_is_not_uninstalled_while_orders_wait_for_it_unless_they_are_let_go(kept: Kept) -> None:
    with pytest.raises(OrdersHeldError) as raised:
        remove(kept)
    assert f"Release/shop in namespace {kept.namespace}" in raised.value.context
    assert {"controller", "shop-web"} <= kept.names("Deployment", "apps")
    remove(kept, orphans_orders=True)
    assert not strings_at(kept.cluster.get(order_ref(kept.namespace, "shop")) or {}, "metadata", "finalizers")
    assert "controller" not in kept.names("Deployment", "apps")
    assert "shop-web" in kept.names("Deployment", "apps")
    kept.session.uninstall(UninstallRequest(release="shop", accepted=Accepted(removal=True, suspends_order=True)))


def test_a_controller_whose_own_order_is_deleted_stays_and_says_what_uninstalls_it(kept: Kept) -> None:
    kept.publish(find_bundle("controller").path, "own")
    key = kept.order("controller", bundle={"source": "secret://own"})
    assert kept.settle("controller")["revision"] == 1
    kept.cluster.delete(key)
    kept.settle("controller")
    assert kept.cluster.get(key) is None
    assert "controller" in kept.names("Deployment", "apps")
    assert f"`bundler uninstall controller -n {kept.namespace}`" in kept.news[-1].note
