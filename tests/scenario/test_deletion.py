"""How objects are deleted: in the foreground where pods end with them, in the background where nothing does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef
    from tests.scenario.conftest import World


class Recording(FaultyCluster):
    """Notes how each object was deleted."""

    def delete(self, ref: ObjectRef, *, propagation="Background", **options) -> bool:
        self.noted = {**getattr(self, "noted", {}), ref.kind: propagation}
        return super().delete(ref, propagation=propagation, **options)


@pytest.mark.parametrize(("replicas", "expected"), [("1", "Foreground"), ("0", "Background")])
def test_uninstall_waits_in_the_foreground_only_for_what_has_pods(sandbox_world: World, replicas, expected):
    world = sandbox_world
    world.operator.cluster = cluster = Recording(world.cluster)
    world.operator.install(world.menu, replicas=replicas)
    world.operator.uninstall()
    assert cluster.noted["Deployment"] == expected
    assert cluster.noted["ConfigMap"] == "Background"
    assert world.bodies("Deployment", "apps") == world.bodies("Pod") == {}


def test_an_upgrade_prunes_in_the_background(sandbox_world: World):
    world = sandbox_world
    world.operator.cluster = cluster = Recording(world.cluster)
    world.operator.install(world.menu, extra="true")
    world.operator.upgrade(world.menu, extra="false")
    assert cluster.noted["ConfigMap"] == "Background"
    assert "shop-extra" not in world.bodies("ConfigMap")
