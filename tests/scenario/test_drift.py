"""Drift: what differs from what the deployed revision wrote, without the bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.errors.change import ForeignObjectError, ReleaseNotFoundError
from bundler.model.conflicts import OnConflict, ignoring
from bundler.model.drift import DriftKind
from bundler.model.labels import COMPONENT, RELEASE_UID
from tests.lib.faulty import FaultyCluster
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from tests.scenario.conftest import World


def drift(world: World, *ignored: str) -> dict[str, list[tuple[str, str, str, str]] | str]:
    request = DriftRequest(
        release="shop", namespace=world.operator.namespace, ignored=tuple(map(ignoring, ignored)), site=None
    )
    found = find_drift(request, world.operator.ports())
    return {
        one.ref.short: [(field.field, field.recorded, field.live, field.manager) for field in one.fields]
        or one.kind.value
        for one in found.objects
    }


def test_a_release_that_no_one_touched_has_not_drifted(world: World):
    world.operator.install(world.menu, autoscale="true", extra="true")
    assert drift(world) == {}
    world.scale_web(3)
    assert drift(world) == {}, "what an autoscaler sets is not drift"


def test_each_field_that_differs_is_named_with_both_values_and_who_set_it(world: World):
    world.operator.install(world.menu)
    world.scale_web(3, manager="kubectl")
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs", "more": "x"}})
    world.edit("Service", "shop-web", {"metadata": {"labels": {"app": None}}})
    assert drift(world) == {
        "ConfigMap/shop-config": [(".data.text", '"hello"', '"theirs"', "kubectl-edit")],
        "Deployment/shop-web": [(".spec.replicas", "1", "3", "kubectl")],
        "Service/shop-web": [(".metadata.labels.app", '"shop-web"', "nothing", "")],
    }


def test_labels_of_ours_that_were_removed_are_drift_too(world: World):
    world.operator.install(world.menu)
    uid = world.get("ConfigMap", "shop-config")["metadata"]["labels"][RELEASE_UID]
    world.edit("ConfigMap", "shop-config", {"metadata": {"labels": {RELEASE_UID: None, COMPONENT: None}}})
    assert drift(world) == {
        "ConfigMap/shop-config": [
            (f".metadata.labels.{COMPONENT}", '""', "nothing", ""),
            (f".metadata.labels.{RELEASE_UID}", f'"{uid}"', "nothing", ""),
        ]
    }


def test_objects_that_are_gone_and_those_that_no_revision_has_are_found(world: World):
    world.operator.install(world.menu, extra="true")
    world.operator.upgrade(world.menu, extra="false")
    uid = world.get("ConfigMap", "shop-config")["metadata"]["labels"][RELEASE_UID]
    labels = {RELEASE_UID: uid}
    namespace = world.operator.namespace
    metadata = {"name": "shop-extra", "namespace": namespace, "labels": labels}
    world.creator({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    world.cluster.delete(next(ref for ref in _refs(world) if ref.short == "Service/shop-web"))
    assert drift(world) == {"Service/shop-web": "missing", "ConfigMap/shop-extra": "unexpected"}


def test_an_object_of_others_under_the_name_of_a_missing_one_is_named_with_the_way_to_take_it_over(world: World):
    world.operator.install(world.menu)
    world.cluster.delete(next(ref for ref in _refs(world) if ref.short == "ConfigMap/shop-config"))
    metadata = {"name": "shop-config", "namespace": world.operator.namespace}
    world.creator({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})
    request = DriftRequest(release="shop", namespace=world.operator.namespace, ignored=(), site=None)
    (found,) = find_drift(request, world.operator.ports()).objects
    assert found.kind is DriftKind.MISSING
    assert found.reason.startswith("another object has its name and belongs to no one")
    with pytest.raises(ForeignObjectError) as raised:
        world.operator.rollback(revision=1)
    assert "--adopt KIND/NAME" in raised.value.hint
    assert "rename the object" not in raised.value.hint
    world.operator.rollback(revision=1, adopts=("ConfigMap/shop-config",))
    assert drift(world) == {}


def _refs(world: World):
    ports = world.operator.ports()
    summary = ports.store.summaries(namespace=world.operator.namespace, release="shop")[-1]
    return ports.store.load(summary).refs


@IN_MEMORY
def test_ignored_fields_and_those_left_to_others_are_no_drift(world: World):
    world.operator.install(world.menu)
    world.scale_web(3, manager="kubectl")
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    assert drift(world, "Deployment/shop-*:.spec.replicas", "data") == {}
    assert list(drift(world, "ConfigMap:spec.replicas", "data")) == ["Deployment/shop-web"]
    world.operator.upgrade(world.menu, request={"on_conflict": OnConflict.KEEP})
    assert drift(world) == {}


@IN_MEMORY
def test_a_rollback_to_the_deployed_revision_repairs_drift(world: World):
    world.operator.install(world.menu)
    world.scale_web(3, manager="kubectl")
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    world.operator.rollback(revision=1, on_conflict=OnConflict.TAKE)
    assert drift(world) == {}


@IN_MEMORY
def test_secrets_that_differ_are_named_and_not_shown(world: World):
    world.operator.install(world.menu, token="correct-horse-battery")
    world.edit("Secret", "shop-token", {"data": {"token": "c3RvbGVuLXN0b2xlbi1zdG9sZW4="}})
    ((field,),) = drift(world).values()
    assert field[0] == ".data.token"
    assert not any("stolen" in part or "c3Rv" in part or "correct" in part for part in field)


def test_older_secrets_are_read_once_and_only_where_something_live_differs(world: World):
    for token in ("correct-horse-battery", "hunter2hunter2", "battery-staple-7"):
        world.operator.install(world.menu, token=token)
    world.operator.cluster = watched = FaultyCluster(world.cluster, counts=lambda verb, dry: True)

    def reads() -> int:
        return sum("sensitive" in getattr(call.subject, "label_selector", "") for call in watched.calls)

    assert drift(world) == {}
    world.operator.diff(world.menu)
    assert reads() == 0
    world.edit("ConfigMap", "shop-config", {"data": {"text": "correct-horse-battery"}})
    ports = world.operator.ports()
    assert find_drift(DriftRequest(release="shop", namespace=world.operator.namespace), ports).objects
    assert ports.redactor.redact("at correct-horse-battery") == "at ***"
    assert reads() == 1
    world.operator.upgrade(world.menu, request={"on_conflict": OnConflict.TAKE})
    assert reads() == 2, "it is planned twice, and read once"


@IN_MEMORY
def test_a_release_of_which_nothing_is_deployed_cannot_be_compared(world: World):
    with pytest.raises(ReleaseNotFoundError):
        drift(world)
