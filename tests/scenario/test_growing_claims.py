"""A StatefulSet whose claims are to grow: they do, its pods stay, and nothing is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import ImmutableFieldError
from bundler.model.change import Action
from bundler.model.cluster import Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from bundler.planning.safety import losses
from tests.lib.bundles import make_bundle
from tests.lib.templates import database
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

CLAIMS = """
    - metadata: {name: data}
      spec:
        {% if values.class %}
        storageClassName: {{ values.class }}
        {% endif %}
        accessModes: [{{ values.mode }}]
        resources: {requests: {storage: {{ values.size }}}}
"""
DATABASE = database(CLAIMS, tag="{{ values.tag }}")
VALUES = "size: 1Gi\nclass: ''\nmode: ReadWriteOnce\ntag: 'one'\n"


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "db", {"templates/db.yaml": DATABASE, "values.yaml": VALUES}, name="db")


def size_of(world: World) -> str:
    return world.get("PersistentVolumeClaim", "data-db-0")["spec"]["resources"]["requests"]["storage"]


def template_size(world: World) -> str:
    (template,) = world.get("StatefulSet", "db", "apps")["spec"]["volumeClaimTemplates"]
    return template["spec"]["resources"]["requests"]["storage"]


def test_a_claim_grows_and_the_pod_stays(world: World, menu: Path) -> None:
    world.operator.install(menu)
    pod = world.get("Pod", "db-0")["metadata"]["uid"]
    result = world.operator.upgrade(menu, size="2Gi")
    (change,) = [c for c in result.proposal.plan.changes if c.action is not Action.NONE]
    assert change.action is Action.RECREATE
    assert change.reason == "claims grow: data-db-0 1Gi -> 2Gi; its pods stay, and the new one takes them up"
    assert losses(result.proposal.plan) == ()
    assert (size_of(world), template_size(world)) == ("2Gi", "2Gi")
    assert world.get("Pod", "db-0")["metadata"]["uid"] == pod
    again = world.operator.diff(menu)
    assert again.plan.is_empty


def test_what_else_changes_comes_with_the_growth(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.upgrade(menu, size="2Gi", tag="two")
    assert world.get("Pod", "db-0")["spec"]["containers"][0]["image"] == "docker.io/library/db:two"
    assert size_of(world) == "2Gi"


@IN_MEMORY
def test_a_rollback_keeps_the_size(world: World, menu: Path) -> None:
    world.operator.install(menu)
    world.operator.upgrade(menu, size="2Gi", tag="two")
    world.operator.rollback()
    assert world.get("Pod", "db-0")["spec"]["containers"][0]["image"] == "docker.io/library/db:one"
    assert (size_of(world), template_size(world)) == ("2Gi", "2Gi")


@IN_MEMORY
def test_a_claim_that_is_to_shrink_is_named_with_its_size(world: World, menu: Path) -> None:
    world.operator.install(menu, size="2Gi")
    with pytest.raises(ImmutableFieldError) as raised:
        world.operator.upgrade(menu, size="1Gi")
    assert "claim data-db-0 has 2Gi and cannot shrink to 1Gi; ask for 2Gi or more" in "\n".join(raised.value.context)
    assert template_size(world) == "2Gi"


@IN_MEMORY
def test_a_claim_whose_class_lets_nothing_grow_is_named_with_its_class(world: World, menu: Path) -> None:
    name = f"rigid-{world.operator.namespace}"
    body = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "bundler.test/volumes",
    }
    ref = ObjectRef("storage.k8s.io", "StorageClass", "", name)
    world.cluster.apply(Payload(ref=ref, api_version="storage.k8s.io/v1", content=canonical_json(body)))
    world.operator.install(menu, **{"class": name})
    with pytest.raises(ImmutableFieldError) as raised:
        world.operator.upgrade(menu, size="2Gi", **{"class": name})
    told = "\n".join(raised.value.context)
    assert f"claim data-db-0 cannot grow from 1Gi to 2Gi (its storage class {name})" in told
    assert (size_of(world), template_size(world)) == ("1Gi", "1Gi")
    world.cluster.delete(ref)


@IN_MEMORY
def test_other_changes_of_claim_templates_are_refused_as_ever(world: World, menu: Path) -> None:
    world.operator.install(menu)
    with pytest.raises(ImmutableFieldError) as raised:
        world.operator.upgrade(menu, mode="ReadWriteMany")
    assert "volumeClaimTemplates" in "\n".join(raised.value.context)


@IN_MEMORY
def test_a_run_that_died_between_both_steps_is_finished_by_the_next(world: World, menu: Path) -> None:
    world.operator.install(menu)
    ref = ObjectRef("apps", "StatefulSet", world.operator.namespace, "db")
    world.cluster.delete(ref, propagation="Orphan")
    world.operator.upgrade(menu, size="2Gi")
    assert template_size(world) == "2Gi"
