"""Patches of the operator's own."""

from __future__ import annotations

import pytest

from bundler.errors.change import SitePatchError
from bundler.images.patches import PatchProblemError, apply_patches, merge_patch, patch_once
from bundler.model.site import SitePatch
from tests.unit.images.test_places import manifest

WEB = manifest("apps/v1", "Deployment", {"spec": {"replicas": 1, "list": [1, 2], "a/b": 1}}, name="shop-web")


def patch(**fields: object) -> SitePatch:
    return SitePatch(**{"kind": "Deployment", "name": "shop-web", "source": "acme.yaml:9", **fields})  # type: ignore[arg-type]


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
    (after,), idle = apply_patches([WEB], [one, two])
    assert after.body["spec"] == {"replicas": 5, "a/b": 1}
    assert idle == ()


def test_a_patch_that_fits_nothing_is_worth_a_sentence() -> None:
    objects, idle = apply_patches([WEB], [patch(name="other", merge={}), patch(group="batch", merge={})])
    assert objects == (WEB,)
    assert idle[0] == "acme.yaml:9: the patch of Deployment/other fits no object of this release"
    assert len(idle) == 2


@pytest.mark.parametrize(
    "change",
    [{"kind": "StatefulSet"}, {"metadata": {"name": "x"}}, {"apiVersion": "apps/v2"}, {"metadata": {"namespace": "y"}}, {"metadata": {"labels": {"bundler.dev/release-uid": "x"}}}],
)  # fmt: skip
def test_what_an_object_is_cannot_be_patched(change) -> None:
    with pytest.raises(SitePatchError) as caught:
        apply_patches([WEB], [patch(merge=change)])
    assert caught.value.context[0].startswith("acme.yaml:9: Deployment/shop-web: it changes")
