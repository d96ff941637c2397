"""Shipped bundles over the version before: nothing is recreated and nothing is lost."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import yaml

from bundler.model.change import Action
from bundler.planning.safety import losses
from tests.lib.operator import BUNDLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World


def static_shop(folder: Path) -> Path:
    """Make a shop as it was when its web servers showed a page of nginx."""
    shop = folder / "shop"
    shutil.copytree(BUNDLES, folder, dirs_exist_ok=True)
    definition = yaml.safe_load((shop / "bundle.yaml").read_text())
    definition["metadata"]["version"] = "1.4.0"
    for component in definition["spec"]["components"]:
        component["values"].pop("files", None)
    (shop / "bundle.yaml").write_text(yaml.safe_dump(definition))
    values = yaml.safe_load((shop / "values.yaml").read_text())
    del values["web"]
    (shop / "values.yaml").write_text(yaml.safe_dump(values))
    return shop


def test_a_shop_of_static_pages_becomes_one_with_products_in_place(world: World, tmp_path: Path) -> None:
    world.operator.install(static_shop(tmp_path))
    before = {kind: world.get(kind, name, "apps")["metadata"]["uid"] for kind, name in WORKLOADS}
    result = world.operator.upgrade(BUNDLES / "shop")
    actions = {change.ref.short: change.action for change in result.proposal.plan.changes}
    assert losses(result.proposal.plan) == ()
    assert Action.RECREATE not in actions.values()
    assert {kind: world.get(kind, name, "apps")["metadata"]["uid"] for kind, name in WORKLOADS} == before
    # Its SQL is another one: the migration runs once more, as a Job of another name.
    assert [action for short, action in actions.items() if short.startswith("Job/")] == [Action.CREATE, Action.DELETE]


WORKLOADS = (("Deployment", "shop-web"), ("StatefulSet", "shop-db"), ("StatefulSet", "shop-cache"))
