"""The shipped bundle of the controller on the real API: who may order, and what is not deleted."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.lib.controller_site import releases_path, undefine
from tests.lib.raw_api import ApiError
from tests.lib.sweep import Workplace
from tests.unit.controller.orders import order_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

NAMESPACES = "/api/v1/namespaces"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings"
WITHIN_S = 20.0


@pytest.fixture
def installed(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[str]:
    """Return the namespace of a controller that is installed, and uninstalled in the end."""
    here = ("-n", namespace)
    undefine(control_plane)
    with Workplace(control_plane, tmp_path / "admin") as place:
        code, text = place.run(["install", "controller", *here])
        assert code == 0, text
        yield namespace
        code, text = place.run(["uninstall", "controller", "--yes", *here])
        assert code == 0, text


@pytest.fixture
def orders(control_plane: ControlPlane) -> Iterator[str]:
    """Return a namespace for orders."""
    name = f"orders-{uuid.uuid4().hex[:8]}"
    metadata = {"name": name}
    control_plane.api("POST", NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield name
    if not is_gone(control_plane, f"{NAMESPACES}/{name}"):
        control_plane.api("DELETE", f"{NAMESPACES}/{name}")


def is_allowed(plane: ControlPlane, user: str, verb: str, namespace: str) -> bool:
    attributes = {"namespace": namespace, "verb": verb, "group": "bundler.dev", "resource": "releases"}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    asked = {**body, "spec": {"user": user, "resourceAttributes": attributes}}
    return plane.api("POST", REVIEWS, asked)["status"]["allowed"]


def until(what: str, is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < end_s, f"{what}: not within {WITHIN_S} s"
        time.sleep(0.05)


def test_who_edits_a_namespace_orders_in_it_and_a_protected_order_goes_with_its_namespace_alone(
    control_plane: ControlPlane, installed: str, orders: str
) -> None:
    for user, role in (("ada", "edit"), ("bob", "view")):
        metadata = {"name": user, "namespace": orders}
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
        subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata}
        control_plane.api("POST", BINDINGS.format(orders), {**binding, "roleRef": ref, "subjects": subjects})
    until("ada may order", lambda: is_allowed(control_plane, "ada", "create", orders))
    until("bob may look", lambda: is_allowed(control_plane, "bob", "list", orders))
    assert not is_allowed(control_plane, "bob", "create", orders)
    account = f"system:serviceaccount:{installed}:controller"
    assert is_allowed(control_plane, account, "watch", orders)

    body = order_body()
    body["metadata"] = {"name": "shop", "namespace": orders, "annotations": {"bundler.dev/protect": "true"}}
    control_plane.api("POST", releases_path(orders), body)

    def is_refused() -> bool:
        try:
            control_plane.api("DELETE", f"{releases_path(orders, 'shop')}?dryRun=All")
        except ApiError as error:
            return "Release shop is protected" in str(error)
        return False

    until("its deletion is refused", is_refused)  # a policy takes a moment to count
    control_plane.api("DELETE", f"{NAMESPACES}/{orders}")
    until("the namespace is gone", lambda: is_gone(control_plane, f"{NAMESPACES}/{orders}"))


def is_gone(plane: ControlPlane, path: str) -> bool:
    try:
        plane.api("GET", path)
    except ApiError as error:
        return error.status == 404
    return False
