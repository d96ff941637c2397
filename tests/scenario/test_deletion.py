"""How objects are deleted: in the foreground where pods end with them, in the background where nothing does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import ForbiddenError, RejectedError
from bundler.model.cluster import Payload
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.lib.widgets import widgets

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.ports import ClusterClient
    from tests.scenario.conftest import World


class Recording(FaultyCluster):
    """Notes how each object was deleted."""

    def __init__(self, cluster: ClusterClient, **options: Any) -> None:
        super().__init__(cluster, **options)
        self.noted: dict[str, str] = {}

    def delete(self, ref: ObjectRef, *, propagation="Background", **options) -> bool:
        self.noted[ref.kind] = propagation
        return super().delete(ref, propagation=propagation, **options)


@pytest.mark.parametrize(("replicas", "expected"), [("1", "Foreground"), ("0", "Background")])
def test_uninstall_waits_in_the_foreground_only_for_what_has_pods(sandbox_world: World, replicas, expected):
    world = sandbox_world
    world.operator.cluster = cluster = Recording(world.cluster)
    world.operator.install(world.menu, replicas=replicas)
    world.operator.uninstall()
    assert cluster.noted["Deployment"] == expected
    assert cluster.noted["ConfigMap"] == "Background"
    assert world.bodies("Deployment", "apps") == world.bodies("Pod") == {}


def test_the_record_of_an_uninstall_that_stopped_says_why(sandbox_world: World):
    operator = sandbox_world.operator
    operator.install(sandbox_world.menu)
    faulty = FaultyCluster(sandbox_world.cluster)
    faulty.fail_when(
        lambda call: call.verb == "delete" and call.subject.kind == "Deployment",
        before=RejectedError("deleting", context=["denied: not on Fridays"], hint="wait"),
    )
    operator.cluster = faulty  # type: ignore[assignment]
    with pytest.raises(RejectedError):
        operator.uninstall()
    assert operator.history()[-1].description == "rejected: denied: not on Fridays"


FAR = """
apiVersion: v1
kind: ConfigMap
metadata: {name: far, namespace: elsewhere}
"""
NEAR = """
apiVersion: v1
kind: ConfigMap
metadata: {name: near}
"""


def test_an_uninstall_in_a_namespace_that_is_deleted_names_what_stays_outside_of_it(
    sandbox_world: World, tmp_path: Path
):
    reach = {"namespaces": ["elsewhere"]}
    files = {"templates/far.yaml": FAR, "templates/near.yaml": NEAR}
    menu = make_bundle(tmp_path, files, name="wide", reach=reach)
    sandbox_world.operator.install(menu)
    leaving = ForbiddenError("creating Lease", context=["it is being terminated"], hint="wait", is_leaving=True)
    faulty = FaultyCluster(sandbox_world.cluster)
    faulty.fail_when(lambda call: call.subject.kind == "Lease", before=leaving)
    sandbox_world.operator.cluster = faulty  # type: ignore[assignment]
    with pytest.raises(ForbiddenError) as raised:
        sandbox_world.operator.uninstall()
    assert raised.value.context[-1] == (
        "the record of the release goes with the namespace, and these stay: ConfigMap/far in elsewhere"
    )
    assert "install shop again with -n prod, which takes them up" in raised.value.hint


def test_an_upgrade_prunes_in_the_background(sandbox_world: World):
    world = sandbox_world
    world.operator.cluster = cluster = Recording(world.cluster)
    world.operator.install(world.menu, extra="true")
    world.operator.upgrade(world.menu, extra="false")
    assert cluster.noted["ConfigMap"] == "Background"
    assert "shop-extra" not in world.bodies("ConfigMap")


GROUP = "widgets.example"


@pytest.fixture
def recording(sandbox_world: World, tmp_path: Path) -> Recording:
    """A release with a Widget, made a moment ago."""
    cluster = sandbox_world.operator.cluster = Recording(sandbox_world.cluster, counts=lambda verb, dry: verb == "list")
    sandbox_world.operator.install(widgets(tmp_path / "own", GROUP), "w")
    return cluster


def propagation_of_widget(world: World, recording: Recording) -> str:
    world.operator.uninstall("w")
    assert world.bodies("Widget", GROUP) == {}
    return recording.noted["Widget"]


def own_pod(world: World, owner: dict) -> None:
    """Make a pod as an operator would."""
    reference = {key: owner[key] for key in ("apiVersion", "kind")}
    reference |= {key: owner["metadata"][key] for key in ("name", "uid")}
    metadata = {"name": "p", "namespace": "prod", "ownerReferences": [reference]}
    spec = {"containers": [{"name": "c", "image": "docker.io/library/web:1"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    ref = ObjectRef("", "Pod", "prod", "p")
    world.cluster.create(Payload(ref=ref, api_version="v1", content=json.dumps(body).encode()))


def test_a_custom_object_too_new_for_the_garbage_collector_is_not_left_to_it(sandbox_world, recording):
    assert propagation_of_widget(sandbox_world, recording) == "Background"


def test_a_custom_object_that_the_garbage_collector_has_heard_of_is_deleted_in_the_foreground(sandbox_world, recording):
    sandbox_world.operator.clock.advance(61)
    assert propagation_of_widget(sandbox_world, recording) == "Foreground"


def test_a_new_custom_object_with_pods_is_deleted_in_the_foreground(sandbox_world, recording):
    own_pod(sandbox_world, sandbox_world.get("Widget", "w-widget", GROUP))
    assert propagation_of_widget(sandbox_world, recording) == "Foreground"
    assert sandbox_world.bodies("Pod") == {}


def test_a_new_custom_object_whose_pods_may_not_be_looked_for_is_deleted_in_the_foreground(sandbox_world, recording):
    refused = ForbiddenError("listing Pod", context=["cannot list pods"], hint="ask")
    recording.fail_when(lambda call: call.subject.kind == "Pod", before=refused, is_lasting=True)
    assert propagation_of_widget(sandbox_world, recording) == "Foreground"


class Returning(FaultyCluster):
    """Someone else makes each ConfigMap again as soon as it is deleted."""

    def delete(self, ref: ObjectRef, **options) -> bool:
        is_deleted = super().delete(ref, **options)
        if ref.kind == "ConfigMap":
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ref.name, "namespace": ref.namespace}}
            self.inner.create(Payload(ref=ref, api_version="v1", content=json.dumps(body).encode()))
        return is_deleted


@pytest.mark.parametrize("labelled", [False, True])
def test_an_object_of_the_same_name_that_was_made_since_is_not_waited_for(sandbox_world: World, *, labelled: bool):
    world = sandbox_world
    world.operator.install(world.menu)
    if not labelled:  # what lost its label is in no list, and is read by its name
        world.edit("ConfigMap", "shop-config", {"metadata": {"labels": {"bundler.dev/release-uid": None}}})
    world.operator.cluster = Returning(world.cluster)
    began_s = world.operator.clock.monotonic()
    world.operator.uninstall()
    assert world.operator.clock.monotonic() - began_s < 30
    assert world.operator.history() == ()
    assert "data" not in world.get("ConfigMap", "shop-config")
