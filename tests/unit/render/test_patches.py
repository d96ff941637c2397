"""Patches and injections on rendered objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.fields.kinds import schema_for
from bundler.fields.merge_patch import merge_patch
from bundler.model.lean import replace
from bundler.model.manifest import Source
from bundler.model.patch import ObjectPatch, PodInjection
from bundler.render.patches import PatchProblemError, apply_patches, patch_once
from tests.unit.images.test_places import manifest

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue
    from bundler.model.manifest import Manifest

WEB = manifest("apps/v1", "Deployment", {"spec": {"replicas": 1, "list": [1, 2], "a/b": 1}}, name="shop-web")


def patch(**fields: object) -> ObjectPatch:
    return ObjectPatch(**{"kind": "Deployment", "name": "shop-web", "source": Source("acme.yaml", 9), **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "change", "result"),
    [({"a": 1}, {"a": None}, {}), ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}), ({"a": [1]}, {"a": [2]}, {"a": [2]}), ({"a": 1}, {"a": {"b": None}}, {"a": {}}), ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}), ([1], {"a": 1}, {"a": 1})],
)  # fmt: skip
def test_merge_patches_follow_rfc_7396(target, change, result) -> None:
    assert merge_patch(target, change) == result


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "replace", "path": "/spec/replicas", "value": 3}, {"replicas": 3, "list": [1, 2], "a/b": 1}),
        ({"op": "add", "path": "/spec/list/-", "value": 3}, {"replicas": 1, "list": [1, 2, 3], "a/b": 1}),
        ({"op": "add", "path": "/spec/list/0", "value": 0}, {"replicas": 1, "list": [0, 1, 2], "a/b": 1}),
        ({"op": "remove", "path": "/spec/list/1"}, {"replicas": 1, "list": [1], "a/b": 1}),
        ({"op": "remove", "path": "/spec/a~1b"}, {"replicas": 1, "list": [1, 2]}),
        ({"op": "add", "path": "/spec/new", "value": None}, {"replicas": 1, "list": [1, 2], "a/b": 1, "new": None}),
        ({"op": "test", "path": "/spec/replicas", "value": 1}, {"replicas": 1, "list": [1, 2], "a/b": 1}),
    ],
)
def test_operations_follow_rfc_6902(operation, result) -> None:
    assert patch_once(WEB.body, operation)["spec"] == result
    assert WEB.body["spec"] == {"replicas": 1, "list": [1, 2], "a/b": 1}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/spec/missing", "value": 1},
        {"op": "remove", "path": "/spec/list/2"},
        {"op": "remove", "path": "/spec/list/-"},
        {"op": "add", "path": "/spec/list/4", "value": 1},
        {"op": "add", "path": "/spec/replicas/x", "value": 1},
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "add", "path": "/spec/x"},
        {"op": "move", "path": "/spec/x", "from": "/a"},
        {"op": "add", "path": "spec", "value": 1},
        {"op": "replace", "path": "", "value": 1},
    ],
)
def test_what_cannot_be_done_is_said(operation) -> None:
    with pytest.raises(PatchProblemError):
        patch_once(WEB.body, operation)


def test_patches_come_in_their_order_and_stars_fit() -> None:
    one = patch(name="shop-*", merge={"spec": {"replicas": 5}})
    two = patch(
        operations=({"op": "test", "path": "/spec/replicas", "value": 5}, {"op": "remove", "path": "/spec/list"})
    )
    done = apply_patches([WEB], [one, two])
    (after,) = done.manifests
    assert after.body["spec"] == {"replicas": 5, "a/b": 1}
    assert (done.idle, done.problems) == ((), ())
    assert [str(source) for source in after.patched_by] == ["acme.yaml:9", "acme.yaml:9"]


def test_a_patch_that_fits_nothing_is_worth_a_sentence() -> None:
    done = apply_patches([WEB], [patch(name="other", merge={}), patch(group="batch", merge={})])
    assert done.manifests == (WEB,)
    assert done.idle[0] == "acme.yaml:9: the patch of Deployment/other fits no object of this release"
    assert len(done.idle) == 2


@pytest.mark.parametrize(
    "change",
    [{"kind": "StatefulSet"}, {"metadata": {"name": "x"}}, {"apiVersion": "apps/v2"}, {"metadata": {"namespace": "y"}}, {"metadata": {"labels": {"bundler.dev/release-uid": "x"}}}],
)  # fmt: skip
def test_what_an_object_is_cannot_be_patched(change) -> None:
    ((source, sentence),) = apply_patches([WEB], [patch(merge=change)]).problems
    assert (str(source), sentence[:32]) == ("acme.yaml:9", "Deployment/shop-web: it changes ")


POD = schema_for("apps", "v1", "Deployment")
WORKLOAD = manifest(
    "apps/v1",
    "Deployment",
    {
        "spec": {
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [
                        {"name": "web", "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]}
                    ],
                    "volumes": [{"name": "data", "emptyDir": {}}],
                },
            }
        }
    },
    name="shop-web",
)


def pod_of(one: Manifest) -> Body:
    return one.body["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("containers", "result"),
    [
        ([{"name": "web", "image": "a"}], [{"name": "web", "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}], "image": "a"}]),
        ([{"name": "web", "env": [{"name": "A", "value": "2"}, {"name": "B"}], "ports": None}], [{"name": "web", "env": [{"name": "A", "value": "2"}, {"name": "B"}]}]),
        ([{"name": "web", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}], "env": None}], [{"name": "web", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}]}]),
        ([{"name": "web", "$patch": "delete"}, {"name": "b"}], [{"name": "b"}]),
        ([{"name": "b"}], [*WORKLOAD.body["spec"]["template"]["spec"]["containers"], {"name": "b"}]),
    ],
)  # fmt: skip
def test_lists_whose_items_have_keys_merge_by_them(containers: JSONValue, result: JSONValue) -> None:
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    done = merge_patch(WORKLOAD.body, change, POD)
    assert done["spec"]["template"]["spec"]["containers"] == result  # type: ignore[index, call-overload]


def test_lists_of_unknown_kinds_are_replaced() -> None:
    custom = manifest("acme.io/v1", "Farm", {"spec": {"containers": [{"name": "a"}]}}, name="shop-web")
    (after,) = apply_patches([custom], [patch(kind="Farm", merge={"spec": {"containers": [{"name": "b"}]}})]).manifests
    assert after.body["spec"] == {"containers": [{"name": "b"}]}


def test_an_injection_goes_into_every_workload_whose_pods_have_the_labels() -> None:
    injection = PodInjection(
        containers=({"name": "log"},),
        init_containers=({"name": "first"},),
        volumes=({"name": "logs", "emptyDir": {}},),
        env=({"name": "LOGS", "value": "/logs"},),
        volume_mounts=({"name": "logs", "mountPath": "/logs"},),
    )
    one = patch(kind="*", name="*", labels={"app": "web"}, injection=injection)
    service = manifest("v1", "Service", {}, name="shop-web")
    after, same = apply_patches([WORKLOAD, service], [one]).manifests
    assert same is service
    pod = pod_of(after)
    assert [item["name"] for item in pod["containers"]] == ["web", "log"]
    assert pod["containers"][0]["env"] == [{"name": "A", "value": "1"}, {"name": "LOGS", "value": "/logs"}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "logs", "mountPath": "/logs"}]
    assert "env" not in pod["containers"][1]
    assert pod["initContainers"] == [{"name": "first"}]
    assert [item["name"] for item in pod["volumes"]] == ["data", "logs"]
    assert apply_patches([after], [replace(one, labels={"app": "db"})]).manifests == (after,)


def test_what_is_injected_takes_no_name_that_is_taken() -> None:
    injection = PodInjection(volumes=({"name": "data", "hostPath": {"path": "/"}},))
    ((_, sentence),) = apply_patches([WORKLOAD], [patch(injection=injection)]).problems
    assert "volumes has data already" in sentence


def test_a_patch_may_be_limited_to_a_component_and_those_below_it() -> None:
    def patched(component: str) -> bool:
        one = replace(WORKLOAD, component=component)
        return bool(
            apply_patches([one], [patch(component="web", merge={"spec": {"replicas": 2}})]).manifests[0].patched_by
        )

    assert (patched("web"), patched("web/db"), patched("webapp"), patched("")) == (True, True, False, False)
