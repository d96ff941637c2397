"""Every scenario runs on the sandbox in memory, and where a server has a say in it, on the real control plane, too."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bundler.health.pods import FailFast
from bundler.model.cluster import FIELD_MANAGER, Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef, group_of
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator, RealClock
from tests.lib.overtaken import OvertakenCluster
from tests.lib.sandboxes import closed_when_dropped, open_sandbox
from tests.lib.widgets import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.ports import Clock, ClusterClient


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every scenario: it goes through the life of a release."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("medium")


IN_MEMORY = pytest.mark.parametrize("world", ["sandbox"], indirect=True)
"""For a rule that lies in records, plans and words alone. What it does in a cluster others do on the real API as well:
the lives of `test_release`, one of the same file, and the contract that holds the sandbox to the server."""
FAILING_IN_MEMORY = pytest.mark.parametrize("failing_world", ["sandbox"], indirect=True)
TIMED_IN_MEMORY = pytest.mark.parametrize("timed_world", ["sandbox"], indirect=True)

QUICK_FAILURE = FailFast(min_failures=1, min_s=0.0)


_ALLOCATED = ("managedFields", "uid", "resourceVersion", "creationTimestamp")


def _ref_of(body) -> ObjectRef:
    metadata = body["metadata"]
    return ObjectRef(group_of(body["apiVersion"]), body["kind"], metadata.get("namespace", ""), metadata["name"])


def _unselected(body):
    """Return a Job without what the server puts into its selector, as backup tools restore it."""
    if body["kind"] != "Job":
        return body
    template = body["spec"]["template"]
    labels = {k: v for k, v in template["metadata"].get("labels", {}).items() if not k.endswith(("-uid", "job-name"))}
    spec = {key: value for key, value in body["spec"].items() if key != "selector"}
    spec["template"] = {**template, "metadata": {**template["metadata"], "labels": labels}}
    return {key: value for key, value in body.items() if key != "status"} | {"spec": spec}


@dataclass
class World:
    """A cluster, an operator on it, and the hand of chance."""

    cluster: ClusterClient
    operator: Operator
    menu: Path
    is_sandbox: bool

    def another_operator(self, name: str = "bob@ci", **fields: object) -> Operator:
        first = self.operator
        fields = {"fail_fast": QUICK_FAILURE, "timeout_s": first.timeout_s, "boot_id": "another boot", **fields}
        return Operator(self.cluster, first.namespace, clock=first.clock, name=name, **fields)  # type: ignore[arg-type]

    def break_web(self, release: str = "shop") -> str:
        """Make the image below one that cannot be pulled; return it."""
        if self.is_sandbox:
            self.cluster.fail("Deployment", f"{release}-web", "ImagePullBackOff", self.operator.namespace)  # type: ignore[attr-defined]
        return "docker.io/library/broken:1"

    def mend_web(self, release: str = "shop") -> None:
        if self.is_sandbox:
            self.cluster.heal("Deployment", f"{release}-web", self.operator.namespace)  # type: ignore[attr-defined]

    def scale_web(self, replicas: int, release: str = "shop", manager: str = "kube-controller-manager") -> None:
        """What an autoscaler does, or `kubectl scale`: set the number through the scale subresource."""
        self.scaler(f"{release}-web", replicas, manager)

    def edit(self, kind: str, name: str, patch: dict[str, object], group: str = "") -> None:
        """What a colleague does with kubectl edit."""
        self.editor(group, kind, name, patch)

    def inject(self, name: str, bundle: str) -> None:
        """What a certificate injector does: write caBundle where a webhook's template left it empty."""
        self.injector(name, bundle)  # type: ignore[attr-defined]

    def restore(self, *kinds: tuple[str, str]) -> None:
        """What a restore from a plain backup does: all objects of (group, kind) go, and are created again by kubectl."""
        saved = [body for group, kind in kinds for body in self.bodies(kind, group).values()]
        saved = [body for body in saved if not body["metadata"]["name"].startswith("kube-")]  # controllers make these
        for body in saved:
            self.cluster.delete(_ref_of(body))
        for body in saved:
            metadata = {key: body["metadata"][key] for key in body["metadata"] if key not in _ALLOCATED}
            self.creator({**_unselected(body), "metadata": metadata})  # type: ignore[attr-defined]

    def bodies(self, kind: str, group: str = "") -> dict[str, dict]:
        from bundler.model.cluster import ListQuery

        found = self.cluster.list(ListQuery(group=group, kind=kind, namespace=self.operator.namespace)).items
        return {body["metadata"]["name"]: body for body in found}  # type: ignore[index, call-overload, misc]

    def overtake(self, kind: str, group: str = "", *, times: int = 3) -> None:
        """Let a controller write the objects of a kind right before they are replaced, a few times."""

        def note(ref: ObjectRef, left: int) -> None:
            self.edit(kind, ref.name, {"metadata": {"annotations": {"example.com/seen": str(left)}}}, group)

        self.operator.cluster = OvertakenCluster(self.cluster, note, kind=kind, times=times)

    def get(self, kind: str, name: str, group: str = "") -> dict | None:
        return self.cluster.get(ObjectRef(group, kind, self.operator.namespace, name))  # type: ignore[return-value]


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.controlplane)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    menu = small_bundle(tmp_path)
    if request.param == "sandbox":
        yield _sandbox_world(menu)
    else:
        yield from _real_world(request.getfixturevalue("control_plane"), menu)


@pytest.fixture
def group(world: World) -> Iterator[str]:
    """A group of its own: definitions are shared by the whole cluster."""
    name = f"g{uuid.uuid4().hex[:8]}.example"
    yield name
    world.cluster.delete(ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{name}"))


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.controlplane)])
def timed_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """For what depends on real time passing: heartbeats of locks."""
    menu = small_bundle(tmp_path)
    if request.param == "sandbox":
        yield _sandbox_world(menu, RealClock())
    else:
        yield from _real_world(request.getfixturevalue("control_plane"), menu)


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.controlplane)])
def failing_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """For images that fail: ``broken`` cannot be pulled, in the sandbox either."""
    menu = small_bundle(tmp_path)
    if request.param == "sandbox":
        clock = FakeClock()
        yield _sandbox_world(menu, clock, open_sandbox(clock))
    else:
        yield from _real_world(request.getfixturevalue("control_plane"), menu)


@pytest.fixture
def failing_sandbox(tmp_path: Path) -> World:
    """The sandbox of :func:`failing_world`."""
    clock = FakeClock()
    return _sandbox_world(small_bundle(tmp_path), clock, open_sandbox(clock))


@pytest.fixture
def sandbox_world(tmp_path: Path) -> World:
    return _sandbox_world(small_bundle(tmp_path))


def _sandbox_world(menu: Path, clock: Clock | None = None, client: SandboxClient | None = None) -> World:
    clock = clock or FakeClock()
    client = client or closed_when_dropped(SandboxClient.open(None, clock))
    operator = Operator(client, "prod", clock=clock, fail_fast=QUICK_FAILURE, timeout_s=300)
    world = World(client, operator, menu, is_sandbox=True)
    world.scaler = lambda name, replicas, manager="kube-controller-manager": client.scale(  # type: ignore[attr-defined]
        "Deployment", name, replicas, namespace="prod", manager=manager
    )
    world.editor = lambda group, kind, name, patch, version="": client.edit(  # type: ignore[attr-defined]
        ObjectRef(group, kind, "prod", name), patch, version=version
    )
    world.creator = lambda body: create_as_kubectl(client, body)  # type: ignore[attr-defined]
    hooks = "MutatingWebhookConfiguration"
    hook = ("admissionregistration.k8s.io", hooks, "")
    world.injector = lambda name, bundle: client.edit(  # type: ignore[attr-defined]
        ObjectRef(*hook, name),
        {"webhooks": [_injected(client.get(ObjectRef(*hook, name)), bundle)]},
        manager="injector",
    )
    return world


def create_as_kubectl(client: SandboxClient, body) -> None:
    client.create(Payload(ref=_ref_of(body), api_version=body["apiVersion"], content=canonical_json(body)))
    made = client.get(_ref_of(body))["metadata"]["managedFields"]  # type: ignore[index]
    renamed = [
        {**entry, "manager": "kubectl-create"} if entry["manager"] == FIELD_MANAGER else entry  # type: ignore[union-attr, dict-item, index, call-overload]
        for entry in made  # type: ignore[union-attr]
    ]
    client.edit(_ref_of(body), {"metadata": {"managedFields": renamed}}, manager="kubectl-create")


def _injected(hook, bundle: str) -> dict:
    (first,) = hook["webhooks"]
    return {**first, "clientConfig": {**first["clientConfig"], "caBundle": bundle}}


def _real_world(plane, menu: Path) -> Iterator[World]:
    from tests.lib.real import open_client

    namespace = f"scenario-{uuid.uuid4().hex[:8]}"
    client = open_client(plane.kubeconfig("admin"))
    operator = Operator(client, namespace, clock=RealClock(), fail_fast=QUICK_FAILURE, timeout_s=300)
    world = World(client, operator, menu, is_sandbox=False)
    merge = "application/merge-patch+json"

    def scale(name, replicas, manager="kube-controller-manager"):
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale?fieldManager={manager}"
        plane.api("PATCH", path, {"spec": {"replicas": replicas}}, content_type=merge)

    def edit(group, kind, name, patch, version=""):
        served = client.resource_type(group, kind, version)
        root = f"/apis/{group}/{served.version}" if group else "/api/v1"
        path = f"{root}/namespaces/{namespace}/{served.plural}/{name}?fieldManager=kubectl-edit"
        plane.api("PATCH", path, patch, content_type=merge)

    def inject(name, bundle):
        path = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{name}"
        patch = {"webhooks": [_injected(plane.api("GET", path), bundle)]}
        plane.api("PATCH", f"{path}?fieldManager=injector", patch, content_type=merge)

    def create(body):
        ref = _ref_of(body)
        served = client.resource_type(ref.group, ref.kind)
        root = f"/apis/{ref.group}/{served.version}" if ref.group else "/api/v1"
        place = f"namespaces/{namespace}/" if ref.namespace else ""
        path = f"{root}/{place}{served.plural}?fieldManager=kubectl-create"
        plane.api("POST", path, body)

    def patch_status(name, patch):
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/status?fieldManager=kubelet"
        plane.api("PATCH", path, patch, content_type=merge)

    world.patch_status = patch_status  # type: ignore[attr-defined]
    world.scaler, world.editor, world.injector, world.creator = scale, edit, inject, create  # type: ignore[attr-defined]
    yield world
    client.delete(ObjectRef("", "Namespace", "", namespace))
    client.close()
