"""What two revisions recorded, beside each other, and who made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.compare import compare_revisions
from bundler.errors.change import ReleaseNotFoundError
from bundler.model.release import Authorship
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from tests.scenario.conftest import World

ADA = Authorship(
    user="deployer", account="ada", host="ci-7", tool_version="1.2.3", command="bundler install", reason="x"
)
LONG = Authorship(user="deployer", command=f"bundler install {'--set a=b ' * 100}".strip())


@IN_MEMORY
def test_revisions_are_compared_as_recorded_and_the_trail_says_who_made_them(world: World) -> None:
    operator = world.operator
    operator.install(world.menu, request={"authorship": ADA}, token="hunter2hunter2")
    operator.upgrade(world.menu, request={"authorship": LONG}, token="hunter3hunter3", extra="true")
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})

    def changes(*numbers: int) -> dict[str, str]:
        found = compare_revisions(operator.ports(), operator.namespace, "shop", (numbers[0], numbers[1]))
        return {one.ref.short: one.action.value for one in found.changes if one.action != "none"}

    assert changes(1, 0) == {"Secret/shop-token": "update", "ConfigMap/shop-extra": "create"}
    assert changes(2, 1) == {"Secret/shop-token": "update", "ConfigMap/shop-extra": "delete"}
    with pytest.raises(ReleaseNotFoundError, match="revision 7"):
        changes(1, 7)

    trail = operator.ports().store.trail(namespace=operator.namespace, on_unreadable=pytest.fail)
    assert [(one.summary.revision, one.authorship) for one in trail] == [(1, ADA), (2, LONG)]
