"""A plan made again under the lock uses earlier answers of the server only where they are still true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.change.make_plan import make_plan
from bundler.fields.field_set import owned_fields
from bundler.model.change import Action
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.actions.change.make_plan import Planned
    from bundler.model.change import Change
    from tests.scenario.conftest import World

CONFIG = ("ConfigMap", "shop-config")


def config_of(planned: Planned) -> Change:
    return next(change for change in planned.plan.changes if (change.ref.kind, change.ref.name) == CONFIG)


def asked(cluster: FaultyCluster) -> list[str]:
    return [call.ref.name for call in cluster.calls if call.ref is not None]


@pytest.fixture
def asking(sandbox_world: World) -> FaultyCluster:
    return FaultyCluster(sandbox_world.cluster, counts=lambda verb, is_dry: verb == "apply" and is_dry)


@pytest.fixture
def first(sandbox_world: World) -> Planned:
    """An upgrade that changes one ConfigMap, before anybody else did anything."""
    sandbox_world.operator.install(sandbox_world.menu)
    planned = sandbox_world.operator.diff(sandbox_world.menu, text="new").planned
    assert config_of(planned).after["data"] == {"text": "new"}  # type: ignore[index]
    return planned


def test_an_answer_about_what_did_not_move_is_used_again(first: Planned, asking: FaultyCluster):
    second = make_plan(first.wanted, asking, earlier=first)
    assert second.plan.changes == tuple(replace(change, causes=()) for change in first.plan.changes)
    assert "shop-config" not in asked(asking)


def labelled(world: World) -> None:
    world.edit(*CONFIG, {"metadata": {"labels": {"team": "blue"}}})


def filled(world: World) -> None:
    world.edit(*CONFIG, {"data": {"more": "theirs"}})


@pytest.mark.parametrize(("move", "path"), [(labelled, ("metadata", "labels", "team")), (filled, ("data", "more"))])
def test_an_answer_about_what_moved_since_is_not_used(
    sandbox_world: World, first: Planned, move: Callable[[World], None], path: tuple[str, ...]
):
    move(sandbox_world)
    after: Any = config_of(make_plan(first.wanted, sandbox_world.cluster, earlier=first)).after
    for step in path:
        after = after[step]
    assert after in {"blue", "theirs"}


def test_an_answer_to_other_bytes_is_not_used(sandbox_world: World, first: Planned):
    manifests = [
        replace(one, body={**one.body, "data": {"text": "newer"}}) if (one.ref.kind, one.ref.name) == CONFIG else one
        for one in first.wanted.manifests
    ]
    wanted = replace(first.wanted, manifests=tuple(manifests))
    change = config_of(make_plan(wanted, sandbox_world.cluster, earlier=first))
    assert change.after["data"] == {"text": "newer"}  # type: ignore[index]


def test_an_answer_about_an_object_that_is_gone_is_not_used(sandbox_world: World, first: Planned):
    sandbox_world.cluster.delete(ObjectRef("", "ConfigMap", "prod", "shop-config"))
    change = config_of(make_plan(first.wanted, sandbox_world.cluster, earlier=first))
    assert (change.action, change.live_uid) == (Action.CREATE, "")


def test_an_answer_about_what_changed_hands_is_not_used(sandbox_world: World, first: Planned, asking: FaultyCluster):
    """A field that others changed and changed back is theirs now: the answer would claim that it is ours."""
    for text in ("theirs", "hello"):
        sandbox_world.edit(*CONFIG, {"data": {"text": text}})
    make_plan(first.wanted, asking, earlier=first)
    assert "shop-config" in asked(asking)


def test_a_field_that_others_took_and_gave_back_is_ours_again_after_an_upgrade(world: World):
    """Every value is what it should be, but the next change of that field would be a conflict."""
    world.operator.install(world.menu)
    for text in ("theirs", "hello"):
        world.edit(*CONFIG, {"data": {"text": text}})
    before: Any = world.get(*CONFIG)
    assert ("f:data", "f:text") not in owned_fields(before, FIELD_MANAGER)
    result = world.operator.upgrade(world.menu)
    written = [change for change in result.proposal.plan.changes if change.action is not Action.NONE]
    assert [(change.ref.name, change.reason) for change in written] == [("shop-config", "field ownership only")]
    after: Any = world.get(*CONFIG)
    assert after["data"] == before["data"]
    assert ("f:data", "f:text") in owned_fields(after, FIELD_MANAGER)
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty
