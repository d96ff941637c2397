"""Orders that are made of orders on the real API: one controller as a process, with room for one change of a depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.lib.bundles import make_bundle
from tests.lib.controller_runs import ACCOUNT, RBAC, OrderSite, running
from tests.lib.controller_site import define

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]
COOK = "cook"
GROUPS = ["", "apps", "batch", "bundler.dev", "coordination.k8s.io", "events.k8s.io"]
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete"]
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ release.name }}"}, "data": {"a": "b"}}


def inner(name: str, **spec: Any) -> dict[str, Any]:
    meta = {"name": "{{ release.name }}-" + name}
    named = {"bundle": {"source": "secret://config"}, **spec}
    return {"apiVersion": "bundler.dev/v1", "kind": "Release", "metadata": meta, "spec": named}


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[OrderSite]:
    """A namespace with a ServiceAccount that may do a lot, and one that may do what its bundles need."""
    define(control_plane)
    made = OrderSite(control_plane, namespace, tmp_path)
    made.admit()
    control_plane.api("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": COOK}})
    place = f"{RBAC}/namespaces/{namespace}"
    rules = [{"apiGroups": GROUPS, "resources": ["*"], "verbs": VERBS}]
    control_plane.api("POST", f"{place}/roles", {"metadata": {"name": COOK}, "rules": rules})
    subjects = [{"kind": "ServiceAccount", "name": COOK, "namespace": namespace}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": COOK}
    control_plane.api(
        "POST", f"{place}/rolebindings", {"metadata": {"name": COOK}, "roleRef": role, "subjects": subjects}
    )
    made.publish(make_bundle(tmp_path, {"templates/config.yaml": CONFIG}, name="config"), "config")
    yield made
    made.forget_orders()


def test_a_release_of_orders_comes_and_goes_and_none_of_them_gets_rights_that_the_first_one_lacks(site, tmp_path):
    site.publish(make_bundle(tmp_path, {"templates/order.yaml": inner("db")}, name="stack"), "stack")
    files, reach = {"templates/order.yaml": inner("db", serviceAccountName=ACCOUNT)}, {"grants": ["foreign-accounts"]}
    site.publish(make_bundle(tmp_path, files, name="greedy", reach=reach), "greedy")
    with running(site, "--changes", "1"):
        site.order("shop", "stack", serviceAccountName=COOK)
        site.wait(lambda: site.status("shop")["is_ready"], "the shop is ready")
        assert site.status("shop-db")["is_ready"]
        assert site.find("v1/.../configmaps/shop-db")
        site.delete("bundler.dev/v1/.../releases/shop")
        site.order("mall", "greedy", serviceAccountName=COOK, timeout="30s")
        site.wait(lambda: "Stalled" in site.conditions("mall-db"), "the greedy order is refused")
        assert f"'{ACCOUNT}' is not for what '{COOK}' orders" in site.conditions("mall-db")["Stalled"]["message"]
        site.wait(lambda: site.find("bundler.dev/v1/.../releases/shop") is None, "the shop is gone")
        assert site.find("bundler.dev/v1/.../releases/shop-db") is None
        assert site.find("v1/.../configmaps/shop-db") is None
