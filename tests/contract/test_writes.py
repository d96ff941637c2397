"""ClusterClient's contract: what writes do. Held against the sandbox and the real API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import (
    AlreadyExistsError,
    ConflictError,
    ObjectNotFoundError,
    RejectedError,
    UnknownKindError,
)
from bundler.model.refs import ObjectRef
from tests.contract.bodies import (
    config_map,
    deployment,
    job,
    lease,
    secret,
    service,
    stateful_set,
    with_metadata,
)
from tests.lib.editing import edit_until_accepted

if TYPE_CHECKING:
    from tests.contract.conftest import Subject


def version(body: Any) -> str:
    return str(body["metadata"]["resourceVersion"])


def managers(body: Any) -> set[tuple[str, str, str]]:
    entries = body["metadata"].get("managedFields", [])
    return {(one["manager"], one["operation"], one.get("subresource", "")) for one in entries}


def fields_of(body: Any, manager: str) -> Any:
    return [one["fieldsV1"] for one in body["metadata"]["managedFields"] if one["manager"] == manager]


def said(error: Any) -> str:
    return " ".join(error.context)


# --- apply ---------------------------------------------------------------------------------------------------------


def test_the_first_apply_creates_and_the_second_changes_nothing(cluster: Subject) -> None:
    first = cluster.apply(config_map())
    second = cluster.apply(config_map())
    assert first.is_created
    assert not second.is_created
    assert version(first.body) == version(second.body)
    assert first.body["metadata"]["uid"] == second.body["metadata"]["uid"]
    assert managers(second.body) == {("bundler", "Apply", "")}
    assert first.body["apiVersion"] == "v1"
    assert first.body["kind"] == "ConfigMap"


def test_an_apply_that_changes_moves_the_version_and_nothing_else_that_identifies(cluster: Subject) -> None:
    first = cluster.apply(config_map(colour="red")).body
    second = cluster.apply(config_map(colour="blue")).body
    assert second["data"] == {"colour": "blue"}
    assert version(second) != version(first)
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert second["metadata"]["creationTimestamp"] == first["metadata"]["creationTimestamp"]


def test_a_field_that_is_no_longer_applied_goes_away(cluster: Subject) -> None:
    cluster.apply(config_map(colour="red", size="big"))
    assert cluster.apply(config_map(colour="red")).body["data"] == {"colour": "red"}


@pytest.mark.parametrize("body", [config_map(), deployment(), service(), secret(), stateful_set(replicas=0), job()])
def test_the_same_apply_again_is_no_change_whatever_the_kind(cluster: Subject, body: dict[str, Any]) -> None:
    cluster.apply(body)
    before = cluster.get(body["kind"], body["metadata"]["name"], body["apiVersion"].rpartition("/")[0])
    again = cluster.apply(body).body
    owned = fields_of(before, "bundler")
    assert owned == fields_of(again, "bundler")
    assert before["spec" if "spec" in before else "data"] == again["spec" if "spec" in again else "data"]


def test_generation_counts_changes_of_the_spec_only(cluster: Subject) -> None:
    assert cluster.apply(deployment()).body["metadata"]["generation"] == 1
    labelled = with_metadata(deployment(), labels={"tier": "web"})
    assert cluster.apply(labelled).body["metadata"]["generation"] == 1
    changed = with_metadata(deployment(image="web:2"), labels={"tier": "web"})
    assert cluster.apply(changed).body["metadata"]["generation"] == 2


@pytest.mark.parametrize("body", [config_map(), secret(), service()])
def test_some_kinds_have_no_generation(cluster: Subject, body: dict[str, Any]) -> None:
    assert "generation" not in cluster.apply(body).body["metadata"]


def test_an_apply_owns_exactly_what_it_sent(cluster: Subject) -> None:
    container = 'k:{"name":"web"}'
    answer = cluster.apply(with_metadata(deployment(), labels={"a": "b"})).body
    assert fields_of(answer, "bundler") == [
        {
            "f:metadata": {"f:labels": {"f:a": {}}},
            "f:spec": {
                "f:replicas": {},
                "f:selector": {},
                "f:template": {
                    "f:metadata": {"f:labels": {"f:app": {}}},
                    "f:spec": {"f:containers": {container: {".": {}, "f:name": {}, "f:image": {}}}},
                },
            },
        }
    ]


def test_conflicts_name_every_field_and_its_manager(cluster: Subject) -> None:
    cluster.apply(deployment())
    cluster.edit(cluster.ref("Deployment", "web", "apps"), {"spec": {"minReadySeconds": 3, "replicas": 2}})
    with pytest.raises(ConflictError) as caught:
        cluster.apply(deployment(replicas=0, minReadySeconds=4))
    assert sorted(caught.value.conflicts) == [
        (".spec.minReadySeconds", "kubectl-edit"),
        (".spec.replicas", "kubectl-edit"),
    ]


def test_a_conflict_changes_nothing(cluster: Subject) -> None:
    cluster.apply(config_map(colour="red"))
    cluster.edit(cluster.ref("ConfigMap", "settings"), {"data": {"colour": "green"}})
    before = cluster.get("ConfigMap", "settings")
    with pytest.raises(ConflictError) as caught:
        cluster.apply(config_map(colour="blue"))
    assert caught.value.conflicts == ((".data.colour", "kubectl-edit"),)
    assert cluster.get("ConfigMap", "settings") == before


def test_a_forced_apply_takes_the_fields_over(cluster: Subject) -> None:
    cluster.apply(config_map(colour="red"))
    cluster.edit(cluster.ref("ConfigMap", "settings"), {"data": {"colour": "green"}})
    body = cluster.apply(config_map(colour="blue"), is_forced=True).body
    assert body["data"] == {"colour": "blue"}
    assert managers(body) == {("bundler", "Apply", "")}


def test_the_same_value_as_another_managers_is_shared_without_a_conflict(cluster: Subject) -> None:
    cluster.apply(config_map(colour="red"))
    cluster.edit(cluster.ref("ConfigMap", "settings"), {"data": {"colour": "green", "size": "big"}})
    body = cluster.apply(config_map(colour="green")).body
    assert managers(body) == {("bundler", "Apply", ""), ("kubectl-edit", "Update", "")}
    assert body["data"] == {"colour": "green", "size": "big"}


def test_a_scale_by_somebody_else_owns_replicas(cluster: Subject) -> None:
    cluster.apply(deployment(replicas=0))
    cluster.edit(
        cluster.ref("Deployment", "web", "apps"), {"spec": {"replicas": 1}}, manager="hpa", subresource="scale"
    )
    with pytest.raises(ConflictError) as caught:
        cluster.apply(deployment(replicas=0))
    assert caught.value.conflicts == ((".spec.replicas", "hpa"),)
    assert cluster.apply(deployment(replicas=1)).body["spec"]["replicas"] == 1


def test_a_uid_is_a_precondition(cluster: Subject) -> None:
    uid = cluster.apply(config_map(colour="red")).body["metadata"]["uid"]
    cluster.apply(with_metadata(config_map(colour="blue"), uid=uid))
    with pytest.raises(ConflictError) as caught:
        cluster.apply(with_metadata(config_map(colour="green"), uid="00000000-0000-0000-0000-000000000000"))
    assert caught.value.conflicts == ()
    assert cluster.get("ConfigMap", "settings")["data"] == {"colour": "blue"}


def test_a_uid_of_an_object_that_is_gone_creates_nothing(cluster: Subject) -> None:
    with pytest.raises(ConflictError):
        cluster.apply(with_metadata(config_map(), uid="00000000-0000-0000-0000-000000000000"))
    assert cluster.get("ConfigMap", "settings") is None


def test_an_apply_into_a_missing_namespace_says_so(cluster: Subject) -> None:
    for is_dry_run in (True, False):
        with pytest.raises(ObjectNotFoundError) as caught:
            cluster.client.apply(cluster.payload(config_map(), namespace="nowhere"), is_dry_run=is_dry_run)
        assert 'namespaces "nowhere" not found' in said(caught.value)


def test_an_unknown_kind_is_told_apart_from_a_missing_object(cluster: Subject) -> None:
    body = {"apiVersion": "nonsense.example.com/v1", "kind": "Nothing", "metadata": {"name": "x"}}
    with pytest.raises(UnknownKindError):
        cluster.apply(body)
    assert cluster.client.get(ObjectRef("nonsense.example.com", "Nothing", cluster.namespace, "x")) is None
    assert cluster.client.delete(ObjectRef("nonsense.example.com", "Nothing", cluster.namespace, "x")) is False


# --- dry-run -------------------------------------------------------------------------------------------------------


def test_a_dry_run_of_a_create_leaves_no_trace(cluster: Subject) -> None:
    answer = cluster.apply(config_map(), is_dry_run=True)
    assert answer.is_created
    assert answer.body["data"] == {"colour": "red"}
    assert "resourceVersion" not in answer.body["metadata"]
    assert cluster.get("ConfigMap", "settings") is None


def test_a_dry_run_of_a_change_leaves_no_trace(cluster: Subject) -> None:
    cluster.apply(config_map())
    before = cluster.get("ConfigMap", "settings")
    answer = cluster.apply(config_map(colour="blue"), is_dry_run=True)
    assert answer.body["data"] == {"colour": "blue"}
    assert version(answer.body) == version(before)
    assert not answer.is_created
    assert cluster.get("ConfigMap", "settings") == before


def test_a_dry_run_of_a_post_and_of_a_delete_leave_no_trace(cluster: Subject) -> None:
    cluster.create(config_map("other"), is_dry_run=True)
    assert cluster.get("ConfigMap", "other") is None
    cluster.apply(config_map())
    assert cluster.client.delete(cluster.ref("ConfigMap", "settings"), is_dry_run=True) is True
    assert cluster.get("ConfigMap", "settings") is not None


def test_a_dry_run_meets_the_same_conflicts(cluster: Subject) -> None:
    cluster.apply(config_map())
    cluster.edit(cluster.ref("ConfigMap", "settings"), {"data": {"colour": "green"}})
    with pytest.raises(ConflictError) as caught:
        cluster.apply(config_map(colour="blue"), is_dry_run=True)
    assert caught.value.conflicts == ((".data.colour", "kubectl-edit"),)


# --- create and replace --------------------------------------------------------------------------------------------


def test_create_refuses_a_name_that_is_taken(cluster: Subject) -> None:
    answer = cluster.create(secret())
    assert answer.is_created
    assert managers(answer.body) == {("bundler", "Update", "")}
    for is_dry_run in (True, False):
        with pytest.raises(AlreadyExistsError):
            cluster.create(secret(data={"key": "b3RoZXI="}), is_dry_run=is_dry_run)
    assert cluster.get("Secret", "password")["data"] == {"key": "aHVudGVyMi0x"}


def test_a_replace_moves_only_from_the_version_that_was_read(cluster: Subject) -> None:
    read = cluster.create(lease()).body
    stamped = with_metadata(lease(holderIdentity="you"), resourceVersion=version(read))
    assert cluster.replace(stamped).body["spec"]["holderIdentity"] == "you"
    with pytest.raises(ConflictError) as caught:
        cluster.replace(stamped)
    assert caught.value.conflicts == ()
    assert cluster.get("Lease", "lock", "coordination.k8s.io")["spec"]["holderIdentity"] == "you"


def test_a_lease_is_only_replaced_with_a_version(cluster: Subject) -> None:
    cluster.create(lease())
    with pytest.raises(RejectedError) as caught:
        cluster.replace(lease(holderIdentity="you"))
    assert "metadata.resourceVersion" in said(caught.value)


def test_a_replace_of_what_is_gone_says_so(cluster: Subject) -> None:
    with pytest.raises(ObjectNotFoundError):
        cluster.replace(with_metadata(config_map(), resourceVersion="1"))


def test_a_replace_drops_what_it_does_not_hold_and_keeps_identity(cluster: Subject) -> None:
    before = cluster.create(config_map(colour="red", size="big")).body
    after = cluster.replace(config_map(colour="red")).body
    assert after["data"] == {"colour": "red"}
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_a_dry_run_of_a_replace_answers_and_writes_nothing(cluster: Subject) -> None:
    before = cluster.create(config_map(colour="red", size="big")).body
    answer = cluster.replace(config_map(colour="blue"), is_dry_run=True).body
    assert answer["data"] == {"colour": "blue"}
    name = str(before["metadata"]["name"])
    assert cluster.get("ConfigMap", name)["data"] == {"colour": "red", "size": "big"}


def test_a_replace_hands_fields_over_to_another_manager(cluster: Subject) -> None:
    made = cluster.create(config_map(colour="red")).body
    (entry,) = made["metadata"]["managedFields"]
    handed = {**entry, "operation": "Apply"}
    metadata = {**made["metadata"], "managedFields": [handed]}
    after = cluster.replace({**made, "metadata": metadata}).body
    assert managers(after) == {("bundler", "Apply", "")}
    assert cluster.apply(config_map(size="big")).body["data"] == {"size": "big"}


def test_a_replace_with_another_uid_is_a_conflict(cluster: Subject) -> None:
    cluster.create(config_map())
    with pytest.raises(ConflictError):
        cluster.replace(with_metadata(config_map(colour="blue"), uid="00000000-0000-0000-0000-000000000000"))


def test_what_is_created_or_replaced_is_the_managers_who_does_it(cluster: Subject) -> None:
    made = cluster.client.create(cluster.payload(config_map(colour="red"), manager="first")).body
    assert managers(made) == {("first", "Update", "")}
    after = cluster.client.replace(cluster.payload(config_map(colour="blue"), manager="second")).body
    assert fields_of(after, "second") == [{"f:data": {"f:colour": {}}}]


def test_a_replace_of_the_status_moves_nothing_else_and_only_from_the_version_that_was_read(cluster: Subject) -> None:
    read: Any = cluster.apply(deployment()).body
    seen = {"observedGeneration": 1, "replicas": 1}
    body = {**read, "spec": {**read["spec"], "replicas": 7}, "status": seen}
    answer: Any = edit_until_accepted(
        cluster.client,
        cluster.ref("Deployment", "web", "apps"),
        lambda live: with_metadata(body, resourceVersion=version(live)),
        subresource="status",
        manager="status-writer",
    ).body
    assert answer["spec"]["replicas"] != 7
    # In the answer: a controller writes its own status soon, and the fields of it are its own then.
    assert ("status-writer", "Update", "status") in managers(answer)
    with pytest.raises(ConflictError):
        cluster.client.replace(cluster.payload(body, subresource="status", manager="status-writer"))


def test_a_finalizer_of_another_manager_is_taken_off_by_a_replace(cluster: Subject) -> None:
    ours = with_metadata(config_map(), finalizers=["example.com/ours"])
    cluster.client.apply(cluster.payload(ours, manager="first"))
    ref = cluster.ref("ConfigMap", "settings")
    assert cluster.client.delete(ref) is True
    live: Any = cluster.get("ConfigMap", "settings")
    assert live["metadata"]["deletionTimestamp"]
    freed = {**live, "metadata": {**live["metadata"], "finalizers": []}}
    cluster.client.replace(cluster.payload(freed, manager="second"))
    assert cluster.get("ConfigMap", "settings") is None


def test_texts_arrive_as_they_were_sent(cluster: Subject) -> None:
    texts = {f"c{ord(one):x}": f"a{one}b" for one in "\x7f\x80\x85\x9f\u2028\u2029\ufeff\ufffe\uffff\r\n\t😀"}
    assert cluster.apply(config_map(**texts)).body["data"] == texts
