"""Server-side apply; whole histories are held to a real server in tests/e2e/test_apply_differential.py."""

import copy
from typing import Any

import pytest

from bundler.fields.field_set import owned_fields, to_path
from bundler.fields.kinds import schema_for, schema_from_crd, schema_of
from bundler.fields.merge import Applied, applied_fields, server_side_apply, track_update
from tests.lib.random_objects import CRD, Body

T1, T2, T3 = "2026-11-01T12:00:00Z", "2026-11-01T12:00:01Z", "2026-11-01T12:00:02Z"


def deployment(*containers: Body, **spec: Any) -> Body:
    selector = {"matchLabels": {"app": "web"}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers)}}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": selector, "template": template, **spec},
    }  # fmt: skip


def container(name: str, **fields: Any) -> Body:
    return {"name": name, "image": f"{name}:1", **fields}


def config(**data: str) -> Body:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}, "data": dict(data)}


def apply(live: Any, body: Body, manager: str = "bundler", *, time: str = T1, is_forced: bool = False) -> Any:
    schema = schema_from_crd(CRD, "v1") if body["kind"] == "Gadget" else schema_of(body)
    return server_side_apply(live=live, applied=body, manager=manager, is_forced=is_forced, schema=schema, time=time)


def owned(body: Any, manager: str = "bundler", operation: str = "Apply") -> list[str]:
    return [to_path(path) for path in owned_fields(body, manager, operation=operation).paths()]


def edited(live: Any, manager: str = "kubectl-edit", subresource: str = "", **changes: Any) -> Any:
    after = {**copy.deepcopy(live), **changes}
    return track_update(live, after, manager=manager, schema=schema_of(live), time=T2, subresource=subresource)


def names(body: Any) -> list[str]:
    return [item["name"] for item in body["spec"]["template"]["spec"]["containers"]]


def managers_of(body: Body) -> tuple[str, ...]:
    return tuple(sorted({entry["manager"] for entry in body["metadata"].get("managedFields", [])}))


def test_a_first_apply_owns_what_it_sends_and_no_identity() -> None:
    done = apply(
        None, {**config(a="1"), "metadata": {"name": "c", "labels": {"x": "y"}, "uid": "1", "resourceVersion": "2"}}
    )
    assert (done.is_changed, done.conflicts) == (True, ())
    assert owned(done.body) == [".data.a", ".metadata.labels.x"]
    assert done.body["metadata"]["managedFields"] == [
        {
            "manager": "bundler", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "time": T1,
            "fieldsV1": {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {"f:x": {}}}},
        }
    ]  # fmt: skip


def test_the_same_apply_again_changes_nothing_and_keeps_the_time() -> None:
    first = apply(None, deployment(container("web", ports=[{"containerPort": 80}]))).body
    again = apply(first, deployment(container("web", ports=[{"containerPort": 80}])), time=T2)
    assert again == Applied(body=first, is_changed=False)


def test_a_field_applied_no_more_goes_if_nobody_else_owns_it() -> None:
    both = apply(apply(None, config(a="1", b="2", c="3")).body, config(b="2"), "argo").body
    after = apply(both, config(a="1")).body
    assert after["data"] == {"a": "1", "b": "2"}
    assert (owned(after), owned(after, "argo")) == ([".data.a"], [".data.b"])


def test_a_field_of_an_update_stays_when_it_is_applied_no_more() -> None:
    live = edited(apply(None, config(a="1", b="2")).body, data={"a": "1", "b": "edited"})
    assert owned(live) == [".data.a"]
    after = apply(live, config(a="1"))
    assert after.body["data"] == {"a": "1", "b": "edited"}


def test_another_managers_field_with_another_value_is_a_conflict() -> None:
    live = edited(apply(None, config(a="1")).body, data={"a": "2"})
    done = apply(live, config(a="3"))
    assert [(c.path, c.manager, c.message) for c in done.conflicts] == [
        (".data.a", "kubectl-edit", 'conflict with "kubectl-edit" using v1')
    ]
    assert done.body is live


def test_the_same_value_is_no_conflict_and_is_then_owned_by_both() -> None:
    live = edited(apply(None, config(a="1")).body, data={"a": "2"})
    done = apply(live, config(a="2"))
    assert done.conflicts == ()
    assert (owned(done.body), owned(done.body, "kubectl-edit", "Update")) == ([".data.a"], [".data.a"])


def test_a_shared_field_that_one_of_two_applies_no_more_stays_and_is_the_others() -> None:
    both = apply(apply(None, config(a="1", b="2")).body, config(a="1", b="2"), "argo").body
    assert owned(both) == owned(both, "argo") == [".data.a", ".data.b"]
    after = apply(both, config(a="1"))
    assert after.is_changed
    assert after.body["data"] == {"a": "1", "b": "2"}
    assert (owned(after.body), owned(after.body, "argo")) == ([".data.a"], [".data.a", ".data.b"])


def test_a_shared_field_cannot_be_changed_by_one_of_two_without_the_other() -> None:
    both = apply(apply(None, config(a="1")).body, config(a="1"), "argo").body
    done = apply(both, config(a="2"))
    assert [(conflict.path, conflict.manager) for conflict in done.conflicts] == [(".data.a", "argo")]


def test_of_two_entries_of_one_manager_the_last_counts_as_on_a_server() -> None:
    live = apply(None, config(a="1", b="2")).body
    (entry,) = live["metadata"]["managedFields"]
    live["metadata"]["managedFields"] = [entry, {**entry, "fieldsV1": {"f:data": {"f:a": {}}}}]
    after = apply(live, config(a="2")).body
    assert after["data"] == {"a": "2", "b": "2"}
    assert len(after["metadata"]["managedFields"]) == 1


def test_force_takes_the_field_over() -> None:
    live = edited(apply(None, config(a="1", b="2")).body, data={"a": "2", "b": "3"})
    done = apply(live, config(a="3"), is_forced=True)
    assert done.conflicts == ()
    assert done.body["data"] == {"a": "3", "b": "3"}
    assert owned(done.body, "kubectl-edit", "Update") == [".data.b"]


def test_conflicts_name_appliers_and_subresources_in_the_servers_words() -> None:
    first = apply(None, deployment(container("web"), replicas=1), "argo").body
    scaled = edited(first, "hpa", "scale", spec={**first["spec"], "replicas": 5})
    done = apply(scaled, deployment(container("web", image="web:2"), replicas=2))
    assert [(c.path, c.message) for c in done.conflicts] == [
        (".spec.replicas", 'conflict with "hpa" with subresource "scale" using apps/v1'),
        ('.spec.template.spec.containers[name="web"].image', 'conflict with "argo"'),
    ]


def test_items_of_a_map_list_merge_by_key_with_defaults_counted() -> None:
    live = apply(None, deployment(container("web", ports=[{"containerPort": 80, "protocol": "TCP"}]))).body
    done = apply(live, deployment(container("web", ports=[{"containerPort": 80, "name": "http"}])), "argo")
    ports = done.body["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert ports == [{"containerPort": 80, "protocol": "TCP", "name": "http"}]


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("abc", "cb", ["a", "c", "b"]),
        ("abc", "abc", ["a", "b", "c"]),
        ("abc", "xb", ["a", "x", "b", "c"]),
        ("ab", "ba", ["b", "a"]),
        ("abcd", "da", ["b", "c", "d", "a"]),
    ],
)
def test_shared_items_take_the_order_applied_and_others_keep_their_place(
    live: str, applied: str, merged: list[str]
) -> None:
    before = apply(None, deployment(*map(container, live)), "argo").body
    assert names(apply(before, deployment(*map(container, applied))).body) == merged


def test_an_item_of_nobody_goes_and_one_of_another_stays() -> None:
    live = apply(None, deployment(container("web"), container("log"))).body
    live = apply(live, deployment(container("side")), "istio").body
    assert names(apply(live, deployment(container("web"))).body) == ["web", "side"]


def test_sets_merge_and_atomic_lists_are_replaced() -> None:
    body = {"apiVersion": "fields.test/v1", "kind": "Gadget", "metadata": {"name": "g"}}
    live = apply(None, {**body, "spec": {"tags": ["x"], "words": ["a", "b"]}}).body
    done = apply(live, {**body, "spec": {"tags": ["y"], "words": ["c"]}}, "argo", is_forced=True)
    assert done.body["spec"] == {"tags": ["x", "y"], "words": ["c"]}
    assert owned(done.body) == ['.spec.tags[="x"]']


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (deployment(container("web"), container("web")), "more than once"),
        ({**config(), "metadata": {"name": "c", "finalizers": ["a", "a"]}}, "more than once"),
        (
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {},
                "spec": {"volumes": [{"name": "v"}], "hostAliases": [1]},
            },
            "",
        ),
    ],
)
def test_an_item_given_twice_is_refused(body: Body, said: str) -> None:
    if not said:
        assert apply(None, body).is_changed
        return
    with pytest.raises(ValueError, match=said):
        apply(None, body)


def test_a_kind_nobody_knows_merges_maps_and_replaces_lists() -> None:
    body = {"apiVersion": "x.example/v1", "kind": "Thing", "metadata": {"name": "t"}}
    live = apply(None, {**body, "spec": {"a": {"b": 1, "c": [1, 2]}}}).body
    done = apply(live, {**body, "spec": {"a": {"d": 1, "c": [3]}}}, "argo", is_forced=True)
    assert done.body["spec"] == {"a": {"b": 1, "c": [3], "d": 1}}


def test_status_is_never_owned_where_it_is_a_subresource() -> None:
    body = {**deployment(container("web")), "status": {"replicas": 3}}
    live = apply(None, body).body
    assert "status" not in live
    assert applied_fields(body, schema_of(body)) == applied_fields(deployment(container("web")), schema_of(body))


def test_an_object_that_nobody_tracked_belongs_to_before_first_apply() -> None:
    live = {**config(a="1", b="2"), "metadata": {"name": "c", "namespace": "shop", "uid": "1"}}
    done = apply(live, config(a="2"))
    assert [(c.path, c.manager) for c in done.conflicts] == [(".data.a", "before-first-apply")]
    taken = apply(live, config(a="1"))
    assert managers_of(taken.body) == ("before-first-apply", "bundler")


def test_what_the_server_stores_is_canonical() -> None:
    resources = {"limits": {"cpu": "1000m", "memory": 1073741824}, "requests": {}}
    done = apply(None, deployment(container("web", resources=resources, env=[]), replicas=0))
    found = done.body["spec"]["template"]["spec"]["containers"][0]
    assert found == {"name": "web", "image": "web:1", "resources": {"limits": {"cpu": "1", "memory": "1073741824"}}}


def test_an_empty_object_that_means_something_is_kept() -> None:
    volumes = [{"name": "v", "emptyDir": {}}]
    body = deployment(container("web"))
    body["spec"]["template"]["spec"] |= {"volumes": volumes, "nodeSelector": {}}
    assert apply(None, body).body["spec"]["template"]["spec"]["volumes"] == volumes
    assert "nodeSelector" not in apply(None, body).body["spec"]["template"]["spec"]
    assert apply(None, CRD).body["spec"]["versions"][0]["subresources"] == {"status": {}}


def test_a_zero_that_the_server_left_out_stays_out() -> None:
    body = deployment(container("web", tty=False))
    live = copy.deepcopy(apply(None, body).body)
    del live["spec"]["template"]["spec"]["containers"][0]["tty"]
    assert not apply(live, body, time=T2).is_changed


def test_the_inputs_of_an_apply_stay_as_they_are() -> None:
    live, body = apply(None, deployment(container("a"), container("b"))).body, deployment(container("b", image="new"))
    before = copy.deepcopy((live, body))
    apply(live, body, "argo", is_forced=True)
    assert (live, body) == before


# --- other writes ------------------------------------------------------------------------------------------------


def test_an_update_owns_what_it_changes_and_the_others_lose_it() -> None:
    live = edited(apply(None, config(a="1", b="2")).body, data={"a": "2", "c": "3"})
    assert owned(live) == []
    assert owned(live, "kubectl-edit", "Update") == [".data.a", ".data.c"]


def test_an_update_that_changes_nothing_leaves_no_trace() -> None:
    live = apply(None, config(a="1")).body
    assert edited(live) == live


def test_a_second_update_adds_to_the_entry() -> None:
    live = edited(
        edited(apply(None, config(a="1")).body, data={"a": "1", "b": "2"}), data={"a": "1", "b": "2", "c": "3"}
    )
    assert owned(live, "kubectl-edit", "Update") == [".data.b", ".data.c"]


def test_a_create_owns_everything_with_its_parents() -> None:
    made = track_update(None, config(a="1"), manager="kubectl", schema=schema_of(config()), time=T1)
    assert owned(made, "kubectl", "Update") == [".data", ".data.a"]


def test_a_status_write_owns_status_alone() -> None:
    live = apply(None, deployment(container("web"))).body
    after = edited(live, "controller", "status", status={"replicas": 1})
    entry = after["metadata"]["managedFields"][-1]
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {".": {}, "f:replicas": {}}})


def test_scaling_is_tracked_only_where_somebody_owns_the_replicas() -> None:
    nobodys = apply(None, deployment(container("web"))).body
    scaled = edited(nobodys, "hpa", "scale", spec={**nobodys["spec"], "replicas": 9})
    assert managers_of(scaled) == ("bundler",)
    ours = apply(None, deployment(container("web"), replicas=5)).body
    scaled = edited(ours, "hpa", "scale", spec={**ours["spec"], "replicas": 9})
    assert managers_of(scaled) == ("bundler", "hpa")
    assert ".spec.replicas" not in owned(scaled)


def test_after_scaling_to_zero_nobody_owns_the_replicas() -> None:
    ours = apply(None, deployment(container("web"), replicas=5))
    live = edited(ours.body, "hpa", "scale", spec={**ours.body["spec"], "replicas": 0})
    assert managers_of(live) == ("bundler",)
    assert ".spec.replicas" not in owned(live)


@pytest.mark.parametrize("given", [[], [{}]])
def test_an_empty_list_of_managed_fields_stops_the_tracking(given: list[Any]) -> None:
    live = apply(None, config(a="1")).body
    after = edited(live, metadata={**live["metadata"], "managedFields": given})
    assert "managedFields" not in after["metadata"]
    assert "managedFields" not in edited(after, data={"a": "2"})["metadata"]


def test_managed_fields_in_an_update_replace_the_old_ones() -> None:
    live = apply(None, config(a="1")).body
    entries = [{**entry, "manager": "renamed"} for entry in live["metadata"]["managedFields"]]
    after = edited(live, metadata={**live["metadata"], "managedFields": entries})
    assert managers_of(after) == ("renamed",)


def test_more_than_ten_updaters_are_folded_into_one() -> None:
    live: Any = apply(None, config(a="1")).body
    for number in range(15):
        live = edited(live, f"m{number:02}", data={**live["data"], f"k{number:02}": "x"})
    updates = [entry["manager"] for entry in live["metadata"]["managedFields"] if entry["operation"] == "Update"]
    assert len(updates) == 10
    assert "ancient-changes" in updates
    assert len(owned(live, "ancient-changes", "Update")) == 6


def test_metadata_that_nobody_owns_survives_the_last_owned_label():
    first = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n", "labels": {"l": "1"}}}
    time = "2026-11-01T12:00:00Z"
    schema = schema_for("", "v1", "ConfigMap")
    made = server_side_apply(live=None, applied=first, manager="bundler", schema=schema, time=time).body
    servers = {"uid": "u-1", "annotations": {"k": "v"}, "finalizers": ["x/y"], "resourceVersion": "7"}
    live = {**made, "metadata": {**made["metadata"], **servers}}
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": {"z": "1"}}
    after = server_side_apply(live=live, applied=bare, manager="bundler", schema=schema, time=time).body
    metadata = {key: value for key, value in after["metadata"].items() if key != "managedFields"}
    assert metadata == {"name": "a", "namespace": "n", **servers}
