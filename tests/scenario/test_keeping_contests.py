"""Two write against each other: the field, or the object, is left to the other one, and taken up again later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler import Payload
from bundler.model.refs import ObjectRef
from tests.lib.keeping import kept_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.keeping import Kept
    from tests.scenario.conftest import World


@pytest.fixture
def kept(failing_sandbox: World, tmp_path: Path) -> Kept:
    """A release that is kept."""
    world = failing_sandbox
    made = kept_at(world.cluster, world.operator.clock, world.operator.namespace, tmp_path)
    made.world = world
    made.cluster.apply(Payload.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.namespace}}))
    made.publish(world.menu, "one")
    made.order()
    assert made.settle()["phase"] == "Ready"
    return made


def test_a_field_that_someone_writes_again_and_again_is_left_to_them_and_both_are_named(kept: Kept) -> None:
    for number in range(5):
        kept.world.edit("ConfigMap", "shop-config", {"data": {"text": f"mine {number}"}})
        status = kept.settle()
    stalled = status["conditions"]["Stalled"]
    assert stalled["reason"] == "Contested"
    assert "ConfigMap/shop-config .data.text is changed again by kubectl-edit" in stalled["message"]
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "mine 4"}
    kept.world.edit("Service", "shop-web", {"metadata": {"labels": {"app": "mine"}}})
    kept.settle()
    service = kept.cluster.get(ObjectRef("", "Service", kept.namespace, "shop-web"))
    assert service["metadata"]["labels"]["app"] == "shop-web"


def test_a_contest_is_seen_where_the_server_refuses_to_compare_another_object(kept: Kept) -> None:
    kept.world.edit("Service", "shop-web", {"spec": {"ports": [{"name": "http", "port": 81, "targetPort": 8080}]}})
    for number in range(6):
        kept.world.edit("ConfigMap", "shop-config", {"data": {"text": f"mine {number}"}})
        kept.clock.sleep(10.0)  # what cannot be put back is tried again after a pause
        status = kept.settle()
    stalled = status["conditions"]["Stalled"]
    assert stalled["reason"] == "Contested"
    assert "ConfigMap/shop-config .data.text is changed again by kubectl-edit" in stalled["message"]
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "mine 5"}


def test_an_object_that_is_deleted_again_and_again_is_left_alone_while_others_are_put_back(kept: Kept) -> None:
    web = ObjectRef("apps", "Deployment", kept.namespace, "shop-web")
    for _ in range(5):
        kept.cluster.delete(web)
        status = kept.settle()
    assert status["conditions"]["Stalled"]["reason"] == "Contested"
    kept.world.edit("ConfigMap", "shop-config", {"data": {"text": "mine"}})
    kept.settle()
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "hello"}
    assert kept.cluster.get(web) is None


def test_a_contested_field_is_put_back_when_someone_says_retry(kept: Kept) -> None:
    for number in range(5):
        kept.world.edit("ConfigMap", "shop-config", {"data": {"text": f"mine {number}"}})
        status = kept.settle()
    assert status["conditions"]["Stalled"]["reason"] == "Contested"
    kept.order(annotations={"bundler.dev/retry": "1"})
    status = kept.settle()
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "hello"}
    assert (status["phase"], "Stalled" in status["conditions"]) == ("Ready", False)
