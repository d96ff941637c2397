"""`is_unchanged`; random histories are held to a real server in tests/e2e/test_unchanged_differential.py."""

import copy
from typing import Any

import pytest

from bundler.fields.kinds import schema_of
from bundler.fields.merge import server_side_apply, track_update
from bundler.fields.unchanged import is_unchanged
from tests.unit.fields.test_merge import T1, T2, config, container, deployment


def stored(body: Any, manager: str = "bundler") -> Any:
    done = server_side_apply(live=None, applied=body, manager=manager, schema=schema_of(body), time=T1)
    return copy.deepcopy(done.body)


WEB = deployment(
    container(
        "web", args=["-v"], ports=[{"containerPort": 80}, {"containerPort": 81, "protocol": "UDP", "name": "m"}], env=[{"name": "A", "value": "1"}],
        resources={"limits": {"cpu": "1000m", "memory": "1024Mi"}},
    ),
    container("log"),
    replicas=2,
)  # fmt: skip


def live_web() -> Any:
    live = stored(WEB)
    live["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = "TCP"
    live["spec"]["progressDeadlineSeconds"] = 600
    live["status"] = {"replicas": 2}
    return live


def web(live: Any) -> Any:
    """Return the first container."""
    return live["spec"]["template"]["spec"]["containers"][0]


def test_what_was_applied_is_unchanged_with_defaults_and_status_around_it() -> None:
    assert is_unchanged(WEB, live_web())


def drop(body: Any, *path: str) -> None:
    *way, last = path
    for step in way:
        body = body[step]
    del body[last]


def entry_of(manager: str, operation: str = "Apply") -> dict[str, Any]:
    fields = {"f:metadata": {"f:labels": {"f:team": {}}}}
    return {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields}


def test_one_entry_of_each_other_manager_is_no_doubt() -> None:
    live = live_web()
    live["metadata"]["managedFields"] += [
        entry_of("argo"),
        entry_of("argo", "Update"),
        entry_of("kubectl-edit", "Update"),
    ]
    assert is_unchanged(WEB, live)


CHANGES: dict[str, Any] = {
    "a value differs": lambda desired, live: web(desired).update(image="web:2"),
    "the live value moved": lambda desired, live: web(live).update(image="web:2"),
    "a field more": lambda desired, live: desired["spec"].update(paused=True),
    "a field less": lambda desired, live: drop(desired, "spec", "replicas"),
    "a label more": lambda desired, live: desired["metadata"].update(labels={"a": "b"}),
    "an item more": lambda desired, live: desired["spec"]["template"]["spec"]["containers"].append(container("new")),
    "an item less": lambda desired, live: desired["spec"]["template"]["spec"]["containers"].pop(),
    "another order of items": lambda desired, live: desired["spec"]["template"]["spec"]["containers"].reverse(),
    "another order in the live list": lambda desired, live: live["spec"]["template"]["spec"]["containers"].reverse(),
    "an item is gone": lambda desired, live: live["spec"]["template"]["spec"]["containers"].pop(),
    "an item twice": lambda desired, live: live["spec"]["template"]["spec"]["containers"].append(container("log")),
    "another key": lambda desired, live: web(desired)["ports"][1].update(protocol="SCTP"),
    "a key that was a default": lambda desired, live: web(desired)["ports"][0].update(protocol="TCP"),
    "another atomic list": lambda desired, live: web(desired).update(args=["-v", "-v"]),
    "another type": lambda desired, live: desired["spec"].update(replicas="2"),
    "true is not one": lambda desired, live: (desired["spec"].update(replicas=True), live["spec"].update(replicas=1)),
    "another quantity": lambda desired, live: web(desired)["resources"]["limits"].update(cpu="1001m"),
    "no quantity": lambda desired, live: web(desired)["resources"]["limits"].update(cpu="many"),
    "another version": lambda desired, live: desired.update(apiVersion="apps/v1beta1"),
    "another kind": lambda desired, live: desired.update(kind="StatefulSet"),
    "another name": lambda desired, live: desired["metadata"].update(name="other"),
    "another uid": lambda desired, live: desired["metadata"].update(uid="1"),
    "it is being deleted": lambda desired, live: live["metadata"].update(deletionTimestamp=T1),
    "no one is tracked": lambda desired, live: live["metadata"].pop("managedFields"),
    "an entry of another version": lambda desired, live: live["metadata"]["managedFields"][0].update(apiVersion="apps/v1beta1"),
    "an entry of a subresource": lambda desired, live: live["metadata"]["managedFields"][0].update(subresource="status"),
    "an entry of an update": lambda desired, live: live["metadata"]["managedFields"][0].update(operation="Update"),
    "two entries": lambda desired, live: live["metadata"]["managedFields"].append(live["metadata"]["managedFields"][0]),
    "two entries of another manager": lambda desired, live: live["metadata"]["managedFields"].extend(2 * [entry_of("argo")]),
    "two entries of an updater": lambda desired, live: live["metadata"]["managedFields"].extend(2 * [entry_of("kubectl-edit", "Update")]),
    "an entry without fields": lambda desired, live: live["metadata"]["managedFields"][0].pop("fieldsV1"),
    "a list where a map was": lambda desired, live: desired["spec"].update(template=[1]),
    "a scalar where a map was": lambda desired, live: desired["spec"].update(template="x"),
    "a map where a scalar was": lambda desired, live: desired["spec"].update(replicas={"a": 1}),
    "an empty map where fields were": lambda desired, live: desired["spec"].update(template={}),
    "an empty list where items were": lambda desired, live: desired["spec"]["template"]["spec"].update(containers=[]),
    "another atomic map": lambda desired, live: desired["spec"].update(selector={"matchLabels": {"app": "x"}}),
    "items that are not maps": lambda desired, live: web(desired).update(ports=[1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_asked_when(name: str) -> None:
    desired, live = copy.deepcopy(WEB), live_web()
    CHANGES[name](desired, live)
    assert not is_unchanged(desired, live)


SPELLINGS: dict[str, Any] = {
    "empty maps": deployment(container("web", securityContext={}, resources={}), strategy={}),
    "empty lists": deployment(container("web", env=[], volumeMounts=[])),
    "quantities": deployment(container("web", resources={"limits": {"cpu": 0.5, "memory": "0.5Gi"}})),
    "mixed numbers and names": deployment(container("web", readinessProbe={"httpGet": {"port": "http", "path": "/"}})),
    "empty annotations": {**config(a="1"), "metadata": {"name": "c", "namespace": "shop", "annotations": {}}},
    "finalizers": {
        **config(a="1"),
        "metadata": {"name": "c", "namespace": "shop", "finalizers": ["b.test/x", "a.test/x"]},
    },
    "items owned as a whole": {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "s"},
        "imagePullSecrets": [{"name": "b"}, {"name": "a"}],
    },
    "no data": {**config(), "metadata": {"name": "c", "namespace": "shop", "labels": {"a": "b"}}},
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_another_spelling_is_unchanged(name: str) -> None:
    assert is_unchanged(SPELLINGS[name], stored(SPELLINGS[name]))


def test_another_spelling_of_a_field_that_others_own_too_is_asked() -> None:
    """Of a field that is ours alone another spelling changes nothing; of a shared one it is a conflict."""
    body, spelled = (deployment(container("web", resources={"limits": {"cpu": cpu}})) for cpu in ("1", "1000m"))
    ours = stored(body)
    both = server_side_apply(live=ours, applied=body, manager="argo", is_forced=False, schema=schema_of(body), time=T2)
    assert both.is_changed
    assert is_unchanged(body, both.body)
    assert is_unchanged(spelled, ours)
    assert not is_unchanged(spelled, both.body)


ZEROS = [("tty", False), ("workingDir", ""), ("command", []), ("resources", {})]


@pytest.mark.parametrize(("field", "value"), ZEROS)
def test_a_zero_that_the_server_leaves_out_is_unchanged(field: str, value: Any) -> None:
    body = deployment(container("web", **{field: value}))
    live = stored(body)
    web(live).pop(field, None)
    assert is_unchanged(body, live)


@pytest.mark.parametrize("field", [field for field, _ in ZEROS])
@pytest.mark.parametrize("value", [False, 0, 0.0, "", [], {}])
def test_a_zero_of_another_type_is_asked(field: str, value: Any) -> None:
    if (field, value) in ZEROS and type(value) is type(dict(ZEROS)[field]):
        return
    body = deployment(container("web", **{field: value}))
    live = stored(body)
    web(live).pop(field, None)
    assert not is_unchanged(body, live)


def gadget(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "g"}, "spec": spec}


def test_an_empty_list_or_map_of_a_custom_kind_that_is_not_stored_is_asked() -> None:
    for value in ([], {}):
        live = stored(gadget(size=1, more=value))
        live["spec"].pop("more")
        assert not is_unchanged(gadget(size=1, more=value), live)


def test_defaults_inside_a_map_that_was_held_empty_are_not_owned_yet() -> None:
    live = stored(gadget(dflt={}))
    live["spec"]["dflt"] = {"a": 5}
    assert not is_unchanged(gadget(dflt={"a": 5}), live)


def test_defaults_inside_a_value_owned_as_a_whole_are_no_change() -> None:
    env = [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    body = deployment(container("web", env=env))
    live = stored(body)
    web(live)["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    assert is_unchanged(body, live)
    web(live)["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v2"
    assert not is_unchanged(body, live)


def test_an_empty_list_in_a_network_policy_is_asked_because_its_generation_moves() -> None:
    body = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"},
        "spec": {"podSelector": {}, "egress": []},
    }  # fmt: skip
    assert not is_unchanged(body, stored(body))
    kept: Any = {**body, "spec": {"podSelector": {}}}
    assert is_unchanged(kept, stored(kept))


def test_items_that_others_add_are_no_change() -> None:
    live = server_side_apply(
        live=live_web(), applied=deployment(container("istio")), manager="istio", schema=schema_of(WEB), time=T2
    ).body
    assert is_unchanged(WEB, live)


@pytest.mark.parametrize("way", ["value", "gone", "unowned"])
def test_an_ignored_path_does_not_count(way: str) -> None:
    ignoring = frozenset({".spec.replicas"})
    live, desired = live_web(), copy.deepcopy(WEB)
    if way == "value":
        live["spec"]["replicas"] = 9
    elif way == "gone":
        del desired["spec"]["replicas"]
    else:
        live = track_update(
            live,
            {**live, "spec": {**live["spec"], "replicas": 9}},
            manager="hpa",
            schema=schema_of(WEB),
            time=T2,
            subresource="scale",
        )
    assert not is_unchanged(desired, live)
    assert is_unchanged(desired, live, ignoring=ignoring)
    web(live)["image"] = "other"
    assert not is_unchanged(desired, live, ignoring=ignoring)


GADGET: Any = {
    "apiVersion": "x.example/v1", "kind": "Gadget", "metadata": {"name": "g", "labels": {"a": "b"}},
    "spec": {"list": [{"a": 1}], "map": {"x": {"y": 1}}, "cpu": "1000m", "flag": False},
}  # fmt: skip


def test_a_kind_nobody_knows_is_walked_along_its_managed_fields() -> None:
    live = stored(GADGET)
    assert is_unchanged(GADGET, live)
    live["spec"]["cpu"] = "1"
    assert not is_unchanged(GADGET, live)


def test_an_empty_map_that_others_filled_is_asked_where_nothing_is_known_of_the_kind() -> None:
    body = {**GADGET, "spec": {"map": {}}}
    live = stored(body)
    assert is_unchanged(body, live)
    live["spec"]["map"] = {"x": "1"}
    assert not is_unchanged(body, live)
    assert is_unchanged({**config(), "data": {}}, {**stored({**config(), "data": {}}), "data": {"x": "1"}})


def test_a_map_held_empty_until_now_is_asked() -> None:
    empty = {**config(a="1"), "metadata": {"name": "c", "namespace": "shop", "annotations": {}}}
    full = {**config(a="1"), "metadata": {"name": "c", "namespace": "shop", "annotations": {"x": "1"}}}
    live = stored(empty)
    live["metadata"]["annotations"] = {"x": "1"}
    assert is_unchanged(empty, live)
    assert not is_unchanged(full, live)


def test_the_inputs_stay_as_they_are() -> None:
    desired, live = copy.deepcopy(WEB), live_web()
    before = copy.deepcopy((desired, live))
    is_unchanged(desired, live, ignoring=frozenset({".spec.replicas"}))
    assert (desired, live) == before
