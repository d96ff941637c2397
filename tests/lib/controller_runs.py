"""Controllers as processes against a real control plane, and the orders that they keep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bundler.archive.writer import write_archive
from tests.lib.access import CONTEXT
from tests.lib.bundles import load_from
from tests.lib.controller_site import releases_path
from tests.lib.raw_api import APPLY_PATCH, MERGE_PATCH, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

ACCOUNT = "deployer"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


class OrderSite:
    """A namespace with orders, a ServiceAccount that may do all in it, and bundles in Secrets."""

    def __init__(self, plane: ControlPlane, namespace: str, scratch: Path) -> None:
        self.plane, self.namespace, self.scratch = plane, namespace, scratch

    def admit(self, account: str = ACCOUNT) -> None:
        """Make the ServiceAccount and its rights."""
        place = f"{RBAC}/namespaces/{self.namespace}"
        self.plane.api("POST", f"/api/v1/namespaces/{self.namespace}/serviceaccounts", {"metadata": {"name": account}})
        binding = {
            "metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.namespace}],
        }
        self.plane.api("POST", f"{place}/rolebindings", binding)

    def allow(self, group: str, resource: str, account: str = ACCOUNT) -> None:
        """Let the ServiceAccount do all with a cluster-scoped kind."""
        name = f"{self.namespace}-{resource}"
        rules = [{"apiGroups": [group], "resources": [resource], "verbs": ["*"]}]
        self.plane.api("POST", f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.namespace}],
        }
        self.plane.api("POST", f"{RBAC}/clusterrolebindings", binding)

    def publish(self, folder: Path, name: str) -> None:
        """Put a bundle into a Secret."""
        archive = self.scratch / f"{name}.tgz"
        archive.unlink(missing_ok=True)
        write_archive(load_from(folder), archive, mtime=0)
        data = {"bundle.tgz": b64encode(archive.read_bytes()).decode()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
        self._apply(f"/api/v1/namespaces/{self.namespace}/secrets/{name}", body)

    def order(self, name: str, source: str, **spec: Any) -> None:
        """Apply a Release, as `kubectl apply --server-side` does; a field that is None is left out."""
        named = {"bundle": {"source": f"secret://{source}"}, "serviceAccountName": ACCOUNT, **spec}
        body = {
            "apiVersion": "bundler.dev/v1",
            "kind": "Release",
            "metadata": {"name": name},
            "spec": {key: value for key, value in named.items() if value is not None},
        }
        self._apply(releases_path(self.namespace, name), body)

    def status(self, name: str) -> dict[str, Any]:
        """Return the status of an order, its conditions by their types."""
        found = self.plane.api("GET", releases_path(self.namespace, name))
        status: dict[str, Any] = found.get("status", {})
        is_seen = status.get("observedGeneration") == found["metadata"]["generation"]
        conditions = {one["type"]: one for one in status.get("conditions", ())}
        return {**status, "conditions": conditions, "is_ready": is_seen and _is_true(conditions, "Ready")}

    def conditions(self, name: str) -> dict[str, Any]:
        """Return the conditions of an order by their types; none where there is no such order."""
        found = self.find(f"bundler.dev/v1/.../releases/{name}") or {}
        return {one["type"]: one for one in found.get("status", {}).get("conditions", ())}

    def wait(self, is_so: Callable[[], object], what: str, within_s: float = 120.0) -> None:
        """Wait until something is so."""
        end_s = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < end_s, f"not within {within_s:.0f} s: {what}"
            time.sleep(0.05)

    def find(self, path: str) -> dict[str, Any] | None:
        """Return an object below the namespace (``apps/v1/.../deployments/web``); None where there is none."""
        try:
            found: dict[str, Any] = self.plane.api("GET", self._place(path))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    def found(self, path: str) -> dict[str, Any]:
        """Return an object that is there."""
        found = self.find(path)
        assert found is not None, f"{path} is not there"
        return found

    def delete(self, path: str) -> None:
        """Delete an object below the namespace."""
        self.plane.api("DELETE", self._place(path))

    def edit(self, path: str, change: dict[str, Any]) -> None:
        """Edit an object below the namespace, as `kubectl edit` does."""
        self.plane.api("PATCH", f"{self._place(path)}?fieldManager=kubectl-edit", change, content_type=MERGE_PATCH)

    def forget_orders(self) -> None:
        """Take the finalizers off all orders, so that the namespace can go."""
        for one in self.plane.api("GET", releases_path(self.namespace))["items"]:
            body = {"metadata": {"finalizers": None}}
            path = releases_path(self.namespace, one["metadata"]["name"])
            self.plane.api("PATCH", path, body, content_type=MERGE_PATCH)

    def _place(self, path: str) -> str:
        root = "/api/" if path.startswith("v1/") else "/apis/"
        return root + path.replace("...", f"namespaces/{self.namespace}")

    def _apply(self, path: str, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.plane.api("PATCH", f"{path}?fieldManager=kubectl&force=true", content, content_type=APPLY_PATCH)


class RunningController:
    """A controller as a process."""

    def __init__(self, site: OrderSite, *words: str) -> None:
        self.site, plane, namespace = site, site.plane, site.namespace
        self.log_path = site.scratch / f"controller-{time.monotonic_ns()}.log"
        place = ["--kubeconfig", str(plane.kubeconfig("admin")), "--context", CONTEXT, "-n", namespace]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bundler", "controller", "run", "--namespaces", namespace, *place, *words],
                stdout=log,
                stderr=log,
                env={"BUNDLER_LOCK_DURATION": "3s", **os.environ, "HOME": str(site.scratch)},
            )

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has said."""
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def says(self, text: str) -> bool:
        """Return whether a line says something."""
        return text in self.log_path.read_text()

    def children(self) -> list[int]:
        """Return the processes of changes that are under way."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", "controller change"],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(word) for word in found.stdout.split()]

    def stop(self) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60.0)


@contextmanager
def running(site: OrderSite, *words: str) -> Iterator[RunningController]:
    """Run a controller; it is killed at the end where it has not ended."""
    controller = RunningController(site, *words)
    try:
        yield controller
    finally:
        controller.process.send_signal(signal.SIGCONT)
        controller.process.kill()
        controller.process.wait()


def answer(address: str, path: str) -> tuple[int, str]:
    """Return what is answered at an address; 0 where no one listens yet."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as found:
            return found.status, found.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def _is_true(conditions: dict[str, Any], kind: str) -> bool:
    return conditions.get(kind, {}).get("status") == "True"
