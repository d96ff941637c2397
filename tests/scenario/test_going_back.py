"""What a rollback leaves as it is: it says so, and the record holds what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.change.live_state import ref_of
from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.errors.change import ImmutableFieldError, ObjectFailedError, RolledBackError
from bundler.model.conflicts import OnConflict
from bundler.model.json import value_at
from tests.lib.bundles import make_bundle
from tests.scenario.conftest import QUICK_FAILURE

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.release import ReleaseDrift
    from tests.scenario.conftest import World

APP = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, labels: {made: {{ values.class }}}}
spec:
  storageClassName: {{ values.class }}
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: {{ values.class }}}}
  template:
    metadata: {labels: {app: {{ values.class }}}}
    spec: {containers: [{name: web, image: "docker.io/library/web:{{ values.class }}"}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: docker.io/library/db:1}]}
  volumeClaimTemplates:
    - metadata: {name: files}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: {{ values.size }}}}}
"""
BAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: bad}
spec:
  selector: {matchLabels: {app: bad}}
  template:
    metadata: {labels: {app: bad}}
    spec: {containers: [{name: web, image: docker.io/library/bad:1}]}
"""
BOTH = ("PersistentVolumeClaim/data", "Deployment/web")
WEB = BOTH[1:]

pytestmark = pytest.mark.parametrize("world", ["sandbox"], indirect=True)


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    files = {"templates/app.yaml": APP, "values.yaml": "class: slow\nsize: 1Gi\n"}
    return make_bundle(tmp_path / "app", files, name="app")


@pytest.fixture
def shop(world: World, menu: Path) -> World:
    world.operator.install(menu)
    world.operator.upgrade(menu, **{"class": "fast"}, request={"recreates": BOTH})
    return world


def claim(world: World) -> tuple[object, object]:
    live = world.get("PersistentVolumeClaim", "data")
    return value_at(live, "spec", "storageClassName"), value_at(live, "metadata", "labels", "made")


def recorded_claim(world: World) -> object:
    ports = world.operator.ports()
    newest = ports.store.summaries(namespace=world.operator.namespace, release="shop")[-1]
    (found,) = [one for one in ports.store.load(newest).inventory if one.ref.short == BOTH[0]]
    assert found.manifest is not None
    return value_at(found.manifest.body, "spec", "storageClassName")


def drift(world: World) -> ReleaseDrift:
    return find_drift(DriftRequest(release="shop", namespace=world.operator.namespace), world.operator.ports())


def replaced_by_someone(world: World) -> None:
    """Make the claim of someone's own, with the labels of ours."""
    old = world.get("PersistentVolumeClaim", "data")
    world.cluster.delete(ref_of(old))
    while world.get("PersistentVolumeClaim", "data"):
        world.operator.clock.sleep(1)
    metadata = {key: old["metadata"][key] for key in ("name", "namespace", "labels")}
    spec = {
        "storageClassName": "theirs",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    world.creator({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})


def test_a_claim_that_is_named_goes_back_with_the_rollback(shop, menu):
    done = shop.operator.rollback(revision=1, recreates=BOTH)
    assert (claim(shop), recorded_claim(shop)) == (("slow", "slow"), "slow")
    assert done.kept == ()
    assert drift(shop).objects == ()
    assert shop.operator.diff(menu).plan.is_empty


def test_a_claim_that_is_not_named_stays_and_is_recorded_as_it_is(shop):
    done = shop.operator.rollback(revision=1, recreates=WEB)
    assert (claim(shop), recorded_claim(shop)) == (("fast", "fast"), "fast")
    ((kept,),) = [done.kept]
    assert kept.ref.short == BOTH[0]
    said = "a rollback leaves it as it is; revision 1 differs in .metadata.labels.made, .spec.storageClassName"
    assert kept.reason == said
    assert drift(shop).objects == ()


def test_claim_templates_that_stay_are_recorded_as_they_are(shop, menu):
    shop.operator.upgrade(menu, **{"class": "fast", "size": "2Gi"})
    done = shop.operator.rollback(revision=2)
    ((kept,),) = [done.kept]
    assert (kept.ref.short, kept.reason.partition("; ")[2]) == (
        "StatefulSet/db",
        "revision 2 differs in the size of files",
    )
    assert drift(shop).objects == ()


def test_a_claim_that_a_failed_change_recreated_stays_and_is_recorded_as_it_is(world, menu):
    world.operator.install(menu)
    (menu / "templates" / "bad.yaml").write_text(BAD)
    world.cluster.fail("Deployment", "bad", "ImagePullBackOff", world.operator.namespace)
    world.operator.fail_fast = QUICK_FAILURE
    with pytest.raises(RolledBackError):
        world.operator.upgrade(menu, **{"class": "fast"}, request={"recreates": BOTH, "rollback_s": 60.0})
    assert (claim(world), recorded_claim(world)) == (("fast", "fast"), "fast")


def test_a_field_that_cannot_change_is_shown_as_drift_and_the_refusal_belongs_to_the_fix(shop):
    replaced_by_someone(shop)
    ((found,),) = [drift(shop).objects]
    assert found.ref.short == BOTH[0]
    assert (".spec.storageClassName", '"fast"', '"theirs"') in [
        (one.field, one.recorded, one.live) for one in found.fields
    ]
    with pytest.raises(ImmutableFieldError) as raised:
        shop.operator.rollback(revision=2)
    assert "--recreate PersistentVolumeClaim/data --accept-data-loss" in raised.value.hint
    shop.operator.rollback(revision=2, recreates=BOTH)
    assert (claim(shop), recorded_claim(shop)) == (("fast", "fast"), "fast")
    assert drift(shop).objects == ()


def test_a_fix_that_failed_is_tried_again_and_restores_the_claim(shop, menu):
    shop.edit("PersistentVolumeClaim", "data", {"metadata": {"labels": {"made": "theirs"}}})
    shop.cluster.fail("Deployment", "web", "ImagePullBackOff", shop.operator.namespace)
    shop.operator.fail_fast = QUICK_FAILURE
    shop.edit("Deployment", "web", {"spec": {"replicas": 0}}, group="apps")
    with pytest.raises(ObjectFailedError):
        shop.operator.rollback(revision=2, on_conflict=OnConflict.TAKE)
    shop.edit("PersistentVolumeClaim", "data", {"metadata": {"labels": {"made": "theirs"}}})
    shop.cluster.heal("Deployment", "web", shop.operator.namespace)
    done = shop.operator.rollback(revision=2, on_conflict=OnConflict.TAKE)
    assert (claim(shop), done.kept) == (("fast", "fast"), ())


def test_what_is_edited_in_a_claim_is_restored_by_a_rollback_to_the_newest_revision(shop):
    shop.edit("PersistentVolumeClaim", "data", {"metadata": {"labels": {"made": "theirs"}}})
    assert [one.ref.short for one in drift(shop).objects] == [BOTH[0]]
    shop.operator.rollback(revision=2, on_conflict=OnConflict.TAKE)
    assert claim(shop) == ("fast", "fast")
    assert drift(shop).objects == ()
