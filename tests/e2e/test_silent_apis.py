"""What cannot be asked is not absent: an aggregated API whose own server is down, on the real control plane."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state, wait_for_release
from bundler.errors.bundle import TemplateError
from bundler.errors.change import WaitTimeoutError
from bundler.errors.cluster import ApiUnavailableError
from bundler.model.health import Status
from tests.lib.bundles import make_bundle
from tests.lib.enough_time import with_enough_time
from tests.lib.operator import Operator
from tests.lib.raw_api import MERGE_PATCH
from tests.lib.real import open_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = pytest.mark.controlplane

GADGET = """
apiVersion: {group}/v1
kind: Gadget
metadata: {{name: one}}
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: has-api}}
data: {{kind: "{{{{ capabilities.has_api('{group}/v1/Gadget') }}}}", version: "{{{{ capabilities.has_api('{group}/v1') }}}}"}}
"""


class SilentApi:
    """An API group of its own that is taken over by a server that does not exist, and given back."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.group = plane, f"g{uuid.uuid4().hex[:8]}.example"
        self._crd, self._service = (
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.{self.group}",
            f"/apis/apiregistration.k8s.io/v1/apiservices/v1.{self.group}",
        )

    def define(self) -> None:
        names = {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"}
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        version = {"name": "v1", "served": True, "storage": True, "schema": schema}
        spec = {"group": self.group, "scope": "Namespaced", "names": names, "versions": [version]}
        body = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"gadgets.{self.group}"},
            "spec": spec,
        }
        self.plane.api("POST", self._crd.rpartition("/")[0], body)
        self._await(lambda: self._is_available("True"))

    def fall_silent(self) -> None:
        # A patch: the server's own controller writes the status between a look and a replace.
        nowhere = {"service": {"namespace": "default", "name": "nowhere"}, "insecureSkipTLSVerify": True}
        patch = {"metadata": {"labels": None}, "spec": nowhere}
        self.plane.api("PATCH", self._service, patch, content_type=MERGE_PATCH)
        self._await(lambda: self._is_available("False"))

    def come_back(self) -> None:
        self.plane.api("DELETE", self._service)
        self._await(lambda: self._is_available("True"))

    def remove(self) -> None:
        self.plane.api("DELETE", self._crd)

    def _is_available(self, status: str) -> bool:
        try:
            conditions = self.plane.api("GET", self._service).get("status", {}).get("conditions", [])
        except Exception:
            return False
        return any(c["type"] == "Available" and c["status"] == status for c in conditions)

    def _await(self, is_so) -> None:
        ends = time.monotonic() + 120
        while not is_so():
            assert time.monotonic() < ends
            time.sleep(0.1)


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[SilentApi]:
    api = SilentApi(control_plane)
    api.define()
    yield api
    api.remove()


@pytest.fixture
def operator(control_plane: ControlPlane, namespace: str) -> Iterator[Callable[[], Operator]]:
    """Makes operators whose clients know nothing yet."""
    with ExitStack() as stack:

        def make() -> Operator:
            client = open_client(control_plane.kubeconfig("admin"))
            stack.callback(client.close)
            return Operator(client, namespace)

        yield make


def test_while_an_api_is_silent_nothing_of_it_counts_as_gone(
    api: SilentApi, operator: Callable[[], Operator], namespace: str, tmp_path: Path
) -> None:
    both = {"templates/a.yaml": GADGET.format(group=api.group), "templates/b.yaml": CONFIG.format(group=api.group)}
    with_gadget = make_bundle(tmp_path / "1", both)
    without = make_bundle(tmp_path / "2", {"templates/c.yaml": CONFIG.format(group="other.example")})
    asking = make_bundle(tmp_path / "3", {"templates/b.yaml": CONFIG.format(group=api.group)}, name="asking")

    operator().install(with_gadget)
    assert operator().live("ConfigMap", "has-api")["data"] == {"kind": "true", "version": "true"}
    api.fall_silent()
    for act in (
        lambda: operator().uninstall(),
        lambda: operator().upgrade(without),
        lambda: operator().upgrade(with_gadget),
        lambda: operator().install(asking, release="other"),
    ):
        with pytest.raises((ApiUnavailableError, TemplateError)) as raised:
            act()
        assert f"APIService/v1.{api.group} does not answer" in "\n".join(raised.value.context)
    assert operator().statuses() == ["deployed"]
    state = release_state(operator().ports(), namespace, "shop")
    health = {one.entry.ref.kind: one.health for one in state.objects}
    assert health["ConfigMap"].status is Status.CURRENT
    assert health["Gadget"].status is Status.UNKNOWN
    assert health["Gadget"].message.startswith(f"APIService/v1.{api.group} does not answer")
    assert not state.is_ready

    def waited_for(seconds: int) -> tuple[str, ...]:
        with pytest.raises(WaitTimeoutError) as timed_out:
            wait_for_release(replace(operator(), timeout_s=seconds).ports(), namespace, "shop")
        return tuple(timed_out.value.context)

    lines = with_enough_time(waited_for, lambda lines: any(api.group in line for line in lines))
    assert [line for line in lines if api.group in line and "does not answer" in line]
    assert not [line for line in lines if "ConfigMap/" in line]
    patient = operator()
    repair = threading.Timer(2, api.come_back)
    repair.start()
    assert wait_for_release(patient.ports(), namespace, "shop").is_ready
    repair.join()
    removed = operator().uninstall()
    assert {change.ref.kind for change in removed.proposal.plan.changes} == {"Gadget", "ConfigMap"}
    assert operator().statuses() == []
