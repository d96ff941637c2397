"""What a release has outside of a namespace that is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler import ListQuery, ObjectRef, Payload, ReleaseRequest
from bundler.controller.order import Deletion
from bundler.controller.outside import clear, outside
from bundler.errors.cluster import ForbiddenError
from bundler.model.refs import ref_of
from tests.lib.bundles import make_bundle
from tests.lib.clocks import FakeClock
from tests.lib.faulty import FaultyCluster
from tests.lib.sandboxes import open_sandbox
from tests.lib.sessions import session_on
from tests.unit.controller.builders import order

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.controller.order import Order
    from bundler.controller.outside import Cleared

pytestmark = pytest.mark.medium
TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: inside}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: default}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: default}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
REACH = {
    "clusterScoped": ["ClusterRole", "PriorityClass"],
    "namespaces": ["default"],
}


class Place:
    """A release with objects outside of its namespace, of which no record is left."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.cluster = FaultyCluster(open_sandbox(self.clock), counts=lambda verb, dry: verb == "delete")
        self.session = session_on(self.cluster, self.clock, "prod")
        bundle = make_bundle(folder, {"templates/all.yaml": TEMPLATE}, name="shop", reach=REACH)
        done = self.session.apply(ReleaseRequest(bundle=str(bundle), release="shop"))
        assert done.revision is not None
        self.entries = outside(order(), done.revision.inventory)
        for body in self.cluster.list(ListQuery(group="", kind="Secret", namespace="prod")).items:
            self.cluster.delete(ref_of(body))

    def clear(self, found: Order) -> Cleared:
        return clear(found, self.entries, self.session, self.clock)

    def is_there(self, group: str, kind: str, namespace: str, name: str) -> bool:
        return self.cluster.get(ObjectRef(group, kind, namespace, name)) is not None


def test_what_is_outside_is_deleted_without_the_record_and_what_holds_data_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert [entry.ref.name for entry in place.entries] == ["other", "data", "urgent", "reader"]
    cleared = place.clear(order())
    assert cleared.deleted == ("ConfigMap/other", "PriorityClass/urgent", "ClusterRole/reader")
    assert cleared.left == ("PersistentVolumeClaim/data (holds data)",)
    assert place.is_there("", "ConfigMap", "prod", "inside")
    assert place.clear(order()).deleted == ()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"deletion": Deletion.ORPHAN}, "the order says deletion: Orphan"),
        ({"is_protected": True}, "the order is protected"),
    ],
)
def test_what_is_to_stay_is_named(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    place = Place(tmp_path)
    cleared = place.clear(order(**changed))
    assert cleared.deleted == ()
    assert f"ConfigMap/other ({why})" in cleared.left
    assert place.is_there("", "ConfigMap", "default", "other")


def test_what_may_not_be_deleted_is_named_with_the_reason_and_what_is_another_s_is_not_touched(tmp_path: Path) -> None:
    place = Place(tmp_path)
    no = ForbiddenError("deleting", context=["no"], hint="ask")
    place.cluster.fail_when(
        lambda call: isinstance(call.subject, ObjectRef) and call.subject.name == "urgent", before=no
    )
    ref = ObjectRef("", "ConfigMap", "default", "other")
    assert place.cluster.delete(ref)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": "default"}}
    place.cluster.create(Payload.of(body))
    cleared = place.clear(order())
    assert cleared.deleted == ("ClusterRole/reader",)
    assert "PriorityClass/urgent (no)" in cleared.left
    assert place.is_there("", "ConfigMap", "default", "other")
