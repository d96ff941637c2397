"""ClusterClient's contract: deletes, finalizers, what goes with an owner. Held against the sandbox and the real API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import ConflictError, ForbiddenError
from bundler.model.refs import ObjectRef
from tests.contract.bodies import config_map, deployment, stateful_set, with_metadata

if TYPE_CHECKING:
    from tests.contract.conftest import Subject

HELD = "example.com/held"


def test_a_delete_deletes_and_the_next_one_finds_nothing(cluster: Subject) -> None:
    cluster.apply(config_map())
    ref = cluster.ref("ConfigMap", "settings")
    assert cluster.client.delete(ref) is True
    assert cluster.client.get(ref) is None
    assert cluster.client.delete(ref) is False


@pytest.mark.parametrize("field", ["uid", "resource_version"])
def test_a_delete_with_a_precondition_that_does_not_hold_is_a_conflict(cluster: Subject, field: str) -> None:
    body: Any = cluster.apply(config_map()).body
    ref = cluster.ref("ConfigMap", "settings")
    with pytest.raises(ConflictError) as caught:
        cluster.client.delete(ref, **{field: "1"})  # type: ignore[arg-type]
    assert caught.value.conflicts == ()
    assert cluster.client.get(ref) is not None
    metadata = body["metadata"]
    assert cluster.client.delete(ref, uid=metadata["uid"], resource_version=metadata["resourceVersion"]) is True


def test_a_precondition_on_what_is_gone_is_no_conflict(cluster: Subject) -> None:
    assert cluster.client.delete(cluster.ref("ConfigMap", "nothing"), uid="1") is False


def test_a_finalizer_holds_an_object_until_it_is_taken_off(cluster: Subject) -> None:
    cluster.apply(with_metadata(config_map(), finalizers=[HELD]))
    ref = cluster.ref("ConfigMap", "settings")
    assert cluster.client.delete(ref) is True
    held: Any = cluster.client.get(ref)
    assert held["metadata"]["deletionTimestamp"]
    assert cluster.client.delete(ref) is True
    again: Any = cluster.client.get(ref)
    assert again["metadata"]["resourceVersion"] == held["metadata"]["resourceVersion"]
    cluster.edit(ref, {"metadata": {"finalizers": None}})
    assert cluster.client.get(ref) is None


def test_an_apply_that_drops_its_finalizer_lets_a_deleted_object_go(cluster: Subject) -> None:
    cluster.apply(with_metadata(config_map(), finalizers=[HELD]))
    cluster.client.delete(cluster.ref("ConfigMap", "settings"))
    cluster.apply(config_map(colour="blue"))
    assert cluster.get("ConfigMap", "settings") is None


def test_what_an_owner_made_goes_with_it(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=1))
    cluster.wait("a pod", lambda: cluster.names("Pod"))
    assert cluster.client.delete(cluster.ref("Deployment", "web", "apps")) is True
    cluster.wait("no pods", lambda: not cluster.names("Pod") and not cluster.names("ReplicaSet", group="apps"))


def test_a_foreground_delete_ends_when_the_dependents_are_gone(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=1))
    cluster.wait("a pod", lambda: cluster.names("Pod"))
    ref = cluster.ref("Deployment", "web", "apps")
    assert cluster.client.delete(ref, propagation="Foreground") is True
    cluster.wait("gone", lambda: cluster.client.get(ref) is None)
    assert cluster.names("ReplicaSet", group="apps") == []


def test_an_orphaning_delete_leaves_the_dependents(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=1))
    cluster.wait("a pod", lambda: cluster.names("Pod"))
    ref = cluster.ref("Deployment", "web", "apps")
    assert cluster.client.delete(ref, propagation="Orphan") is True
    cluster.wait("gone", lambda: cluster.client.get(ref) is None)
    (left,) = cluster.list("ReplicaSet", group="apps").items
    assert "ownerReferences" not in left["metadata"]
    assert len(cluster.names("Pod")) == 1


def test_a_dependent_named_in_owner_references_goes_too(cluster: Subject) -> None:
    owner: Any = cluster.apply(config_map("owner")).body
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    cluster.apply(with_metadata(config_map("dependent"), ownerReferences=[reference]))
    cluster.client.delete(cluster.ref("ConfigMap", "owner"))
    cluster.wait("gone", lambda: cluster.get("ConfigMap", "dependent") is None)


def test_claims_of_a_stateful_set_stay(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set())
    cluster.wait(
        "a bound claim",
        lambda: [one["status"]["phase"] for one in cluster.list("PersistentVolumeClaim").items] == ["Bound"],
    )
    cluster.client.delete(cluster.ref("StatefulSet", "db", "apps"))
    cluster.wait("no pods", lambda: not cluster.names("Pod"))
    assert cluster.names("PersistentVolumeClaim") == ["data-db-0"]
    assert cluster.client.delete(cluster.ref("PersistentVolumeClaim", "data-db-0")) is True
    cluster.wait("the claim is gone", lambda: not cluster.names("PersistentVolumeClaim"))


def test_a_claim_in_use_is_kept_until_its_pod_is_gone(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set())
    # A claim is in use once its pod has a node, and kept once it says so.
    cluster.wait("used", lambda: any(one["spec"].get("nodeName") for one in cluster.list("Pod").items))
    cluster.wait("guarded", lambda: cluster.get("PersistentVolumeClaim", "data-db-0")["metadata"].get("finalizers"))
    cluster.client.delete(cluster.ref("PersistentVolumeClaim", "data-db-0"))
    assert cluster.get("PersistentVolumeClaim", "data-db-0")["metadata"]["deletionTimestamp"]
    cluster.client.delete(cluster.ref("StatefulSet", "db", "apps"))
    cluster.wait("gone", lambda: cluster.get("PersistentVolumeClaim", "data-db-0") is None)


def test_a_namespace_takes_everything_with_it(cluster: Subject) -> None:
    name = f"{cluster.namespace}-x"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    created: Any = cluster.client.apply(cluster.payload(body, namespace="")).body
    assert created["metadata"]["labels"]["kubernetes.io/metadata.name"] == name
    cluster.client.apply(cluster.payload(with_metadata(config_map("held"), finalizers=[HELD]), namespace=name))
    ref = ObjectRef("", "Namespace", "", name)
    assert cluster.client.delete(ref) is True
    terminating: Any = cluster.client.get(ref)
    assert terminating["status"]["phase"] == "Terminating"
    with pytest.raises(ForbiddenError) as caught:
        cluster.client.apply(cluster.payload(config_map("late"), namespace=name))
    assert "being terminated" in " ".join(caught.value.context)
    assert (caught.value.is_leaving, caught.value.is_quota) == (True, False)
    held = ObjectRef("", "ConfigMap", name, "held")

    def is_leaving() -> bool:
        live: Any = cluster.client.get(held)
        return "deletionTimestamp" in live["metadata"]

    cluster.wait("emptied", is_leaving)
    cluster.edit(held, {"metadata": {"finalizers": None}})
    cluster.wait("gone", lambda: cluster.client.get(ref) is None)


def test_a_namespace_that_the_cluster_needs_stays(cluster: Subject) -> None:
    with pytest.raises(ForbiddenError):
        cluster.client.delete(ObjectRef("", "Namespace", "", "default"))
