"""ClusterClient's contract: volume claims that grow, and pods that are taken up. Held against the sandbox and the real API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors.cluster import ForbiddenError, RejectedError
from bundler.model.refs import ObjectRef
from tests.contract.bodies import stateful_set

if TYPE_CHECKING:
    from bundler.model.cluster import Answer
    from tests.contract.conftest import Subject

pytestmark = pytest.mark.slow


def _is_ready(cluster: Subject) -> bool:
    body = cluster.get("StatefulSet", "db", "apps")
    return bool(body and body.get("status", {}).get("readyReplicas") == 1)


def rigid_class(cluster: Subject) -> str:
    name = f"rigid-{cluster.namespace}"
    body = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "bundler.test/volumes",
        "allowVolumeExpansion": False,
    }
    cluster.client.apply(cluster.payload(body, namespace=""))
    return name


def resized(cluster: Subject, size: str) -> Answer:
    spec = {"resources": {"requests": {"storage": size}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-db-0"}, "spec": spec}
    return cluster.apply(claim, is_forced=True, is_dry_run=True)


def bound(cluster: Subject) -> None:
    cluster.wait(
        "a bound claim",
        lambda: [one["status"]["phase"] for one in cluster.list("PersistentVolumeClaim").items] == ["Bound"],
    )


def test_a_claim_grows_where_its_class_allows_it_and_never_shrinks(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set())
    bound(cluster)
    assert resized(cluster, "2Gi").body["spec"]["resources"]["requests"]["storage"] == "2Gi"  # type: ignore[index, call-overload]
    with pytest.raises(RejectedError):
        resized(cluster, "512Mi")


def test_a_claim_of_a_class_without_expansion_does_not_grow(cluster: Subject) -> None:
    cluster.furnish()
    name = rigid_class(cluster)
    claim = {
        "storageClassName": name,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    cluster.apply(stateful_set(volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": claim}]))
    bound(cluster)
    with pytest.raises(ForbiddenError) as caught:
        resized(cluster, "2Gi")
    assert "must support resize" in caught.value.context[0]
    cluster.client.delete(ObjectRef("storage.k8s.io", "StorageClass", "", name))


def test_a_stateful_set_takes_up_the_pods_of_its_name(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set())
    cluster.wait("a ready pod", lambda: _is_ready(cluster))
    before = cluster.get("Pod", "db-0")["metadata"]["uid"]
    ref = cluster.ref("StatefulSet", "db", "apps")
    cluster.client.delete(ref, propagation="Orphan")
    cluster.wait("gone", lambda: cluster.client.get(ref) is None)
    cluster.apply(stateful_set())
    cluster.wait("the pod again", lambda: _is_ready(cluster))
    pod = cluster.get("Pod", "db-0")["metadata"]
    assert pod["uid"] == before
    assert pod["ownerReferences"][0]["uid"] == cluster.get("StatefulSet", "db", "apps")["metadata"]["uid"]
