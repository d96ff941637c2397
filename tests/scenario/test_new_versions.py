"""A new version of a bundle writes what its templates change, and nothing for the sake of its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.rollback import draft_of
from bundler.model.change import Action
from bundler.model.json import mapping_at
from bundler.model.lean import replace
from bundler.planning.normalize import stamp
from bundler.planning.payloads import payload_of
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.manifest import Manifest
    from tests.scenario.conftest import World

OLD_STAMP = "bundler.dev/bundle"


def set_version(menu: Path, version: str) -> None:
    file = menu / "bundle.yaml"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(f"  version: {version}" if "version:" in line else line for line in lines) + "\n")


def written(result) -> set[str]:
    return {change.ref.short for change in result.proposal.plan.changes if change.action is not Action.NONE}


def stamped(manifest: Manifest) -> Manifest:
    metadata = mapping_at(manifest.body, "metadata")
    annotations = {**mapping_at(metadata, "annotations"), OLD_STAMP: "small@1.0.0"}
    return replace(manifest, body={**manifest.body, "metadata": {**metadata, "annotations": annotations}})


def stamp_everything(world: World) -> None:
    """Leave the release as an earlier bundler left it: a stamp on each object and in the record."""
    planned = world.operator.shown[-1].planned
    for manifest in planned.wanted.manifests:
        old = stamped(stamp(manifest, uid=planned.wanted.uid))
        world.cluster.apply(payload_of(old, world.cluster.get(manifest.ref)))


def annotations(world: World, kind: str, name: str, group: str = "") -> dict[str, str]:
    return world.get(kind, name, group)["metadata"].get("annotations", {})


@IN_MEMORY
def test_a_new_version_without_another_change_writes_no_object_and_is_recorded(world: World):
    world.operator.install(world.menu)
    set_version(world.menu, "1.1.0")
    result = world.operator.upgrade(world.menu)
    assert written(result) == set()
    assert [summary.bundle.version for summary in world.operator.history()] == ["1.0.0", "1.1.0"]


def test_a_new_version_writes_the_one_object_that_it_changes(world: World):
    world.operator.install(world.menu)
    set_version(world.menu, "1.1.0")
    assert written(world.operator.upgrade(world.menu, token="new")) == {"Secret/shop-token"}


@IN_MEMORY
def test_an_old_version_stamp_is_no_change_and_goes_with_the_next_real_one(world: World):
    world.operator.install(world.menu)
    stamp_everything(world)
    set_version(world.menu, "1.1.0")
    assert written(world.operator.upgrade(world.menu)) == set()
    assert OLD_STAMP in annotations(world, "ConfigMap", "shop-config")
    assert written(world.operator.upgrade(world.menu, text="new")) == {"ConfigMap/shop-config", "Deployment/shop-web"}
    assert OLD_STAMP not in annotations(world, "ConfigMap", "shop-config")
    assert OLD_STAMP not in annotations(world, "Deployment", "shop-web", "apps")
    assert OLD_STAMP in annotations(world, "Service", "shop-web")


@IN_MEMORY
def test_a_rollback_to_a_record_with_old_stamps_does_not_write_them_again(world: World):
    world.operator.install(world.menu)
    recorded = world.operator.ports().store.load(world.operator.history()[0])
    entries = [replace(entry, manifest=stamped(entry.manifest)) for entry in recorded.inventory if entry.manifest]
    draft = draft_of(replace(recorded, inventory=tuple(entries)), recorded.authorship, world.cluster)
    bodies = [entry.manifest.body for entry in draft.revision.inventory if entry.manifest]
    assert len(bodies) == len(entries)
    assert all(OLD_STAMP not in mapping_at(body, "metadata", "annotations") for body in bodies)
