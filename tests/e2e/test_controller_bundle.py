"""The shipped bundle of the controller on the real API: its rights are enough, and who may order and delete what."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

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
RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
WITHIN_S = 120.0


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the namespace of a controller that is installed, and uninstalled in the end."""
    here = ("-n", f"controller-{uuid.uuid4().hex[:8]}")
    undefine(control_plane)
    with Workplace(control_plane, tmp_path_factory.mktemp("installed") / "admin") as place:
        code, text = place.run(["install", "controller", *here])
        assert code == 0, text
        yield here[1]
        code, text = place.run(["uninstall", "controller", "--yes", *here])
        assert code == 0, text
    control_plane.api("DELETE", f"{NAMESPACES}/{here[1]}")


@pytest.fixture
def orders(control_plane: ControlPlane) -> Iterator[str]:
    """Return a namespace for orders."""
    name = f"orders-{uuid.uuid4().hex[:8]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    control_plane.api("POST", NAMESPACES, body)
    yield name
    with suppress(ApiError):
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


def is_gone(plane: ControlPlane, path: str) -> bool:
    try:
        plane.api("GET", path)
    except ApiError as error:
        return error.status == 404
    return False


def test_those_who_edit_a_namespace_order_in_it_and_a_protected_order_goes_with_its_namespace_alone(
    control_plane: ControlPlane, installed: str, orders: str
) -> None:
    for user, role in (("ada", "edit"), ("bob", "view")):
        group = "rbac.authorization.k8s.io"
        binding = {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": user, "namespace": orders},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        }
        control_plane.api("POST", f"{RBAC}/namespaces/{orders}/rolebindings", binding)
    until("ada may order", lambda: is_allowed(control_plane, "ada", "create", orders))
    until("bob may look", lambda: is_allowed(control_plane, "bob", "list", orders))
    assert not is_allowed(control_plane, "bob", "create", orders)

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


def token_of(plane: ControlPlane, namespace: str, account: str) -> str:
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return plane.api("POST", f"{NAMESPACES}/{namespace}/serviceaccounts/{account}/token", asked)["status"]["token"]


@contextmanager
def controller(plane: ControlPlane, namespace: str, folder: Path) -> Iterator[Path]:
    """Run the controller as its ServiceAccount, and yield the file with its log."""
    context = {"cluster": "c", "user": "u", "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": plane.server, "certificate-authority": str(plane.ca_file)}}],
        "users": [{"name": "u", "user": {"token": token_of(plane, namespace, "controller")}}],
        "contexts": [{"name": "c", "context": context}],
    }
    path, log = folder / "kubeconfig", folder / "log"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    words = [sys.executable, "-m", "bundler", "controller", "run", "--log-format", "json"]
    with log.open("wb") as stream:
        process = subprocess.Popen(words, env={"KUBECONFIG": str(path), "HOME": str(folder)}, stderr=stream)
        try:
            yield log
        finally:
            process.terminate()
            assert process.wait(WITHIN_S) in {0, 130, 143}


def order_nginx(plane: ControlPlane, namespace: str, folder: Path) -> None:
    """Make what someone needs who orders nginx, and the order."""
    with Workplace(plane, folder / "admin") as place:
        code, text = place.run(["rbac", "nginx", "--for-controller", "-n", namespace, "-o", "json"])
        assert code == 0, text
        for body in json.loads(text[text.index("{") :])["items"]:
            api = "/api/v1" if body["apiVersion"] == "v1" else f"/apis/{body['apiVersion']}"
            plane.api("POST", f"{api}/namespaces/{namespace}/{body['kind'].lower()}s", body)
        code, text = place.run(["package", "nginx", "--out", str(folder / "nginx.tgz")])
        assert code == 0, text
    content = base64.b64encode((folder / "nginx.tgz").read_bytes()).decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bundle"}, "data": {"bundle.tgz": content}}
    plane.api("POST", f"{NAMESPACES}/{namespace}/secrets", secret)
    spec: dict[str, Any] = {"bundle": {"source": "secret://bundle"}, "serviceAccountName": "bundler-nginx"}
    order = {"apiVersion": "bundler.dev/v1", "kind": "Release", "metadata": {"name": "nginx"}, "spec": spec}
    plane.api("POST", releases_path(namespace), order)


def is_ready(plane: ControlPlane, namespace: str) -> bool:
    found = plane.api("GET", releases_path(namespace, "nginx")).get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in found)


def test_what_is_printed_and_installed_is_enough_to_keep_a_release(
    control_plane: ControlPlane, installed: str, orders: str, tmp_path: Path
) -> None:
    deployment = f"/apis/apps/v1/namespaces/{orders}/deployments/nginx"
    order_nginx(control_plane, orders, tmp_path)
    with controller(control_plane, installed, tmp_path) as log:
        until("the release is ready", lambda: is_ready(control_plane, orders))
        uid = control_plane.api("GET", deployment)["metadata"]["uid"]
        control_plane.api("DELETE", deployment)
        until("it is deleted", lambda: is_gone(control_plane, deployment) or uid != uid_of(control_plane, deployment))
        until("it is made again", lambda: not is_gone(control_plane, deployment))
        control_plane.api("DELETE", releases_path(orders, "nginx"))
        until("the order is gone", lambda: is_gone(control_plane, releases_path(orders, "nginx")))
        assert is_gone(control_plane, deployment)
    said = log.read_text()
    refused = set(re.findall(r"cannot (\w+ [a-z.]+)", said))
    assert refused <= {"list secrets", "watch secrets"}, said


def uid_of(plane: ControlPlane, path: str) -> str:
    return plane.api("GET", path)["metadata"]["uid"]
