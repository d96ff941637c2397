"""How far a rollout has come: the pods that there are, by the revision whose template they have."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.rollout.progress import read_progress
from bundler.errors import UsageError
from bundler.errors.change import ReleaseNotFoundError
from bundler.model.rollout import Pacing, Template
from bundler.planning.pacing import paced
from bundler.planning.payloads import payload_of
from bundler.storage.records import head_name, payload_of as secret_payload, secret_ref
from tests.lib.rollouts import paused_rollout, record_rollout

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.model.release_state import RolloutProgress
    from tests.scenario.conftest import World


def begin(world: World) -> Manifest:
    """Record a rollout that gives the Deployment another image; return it as the new revision writes it."""
    operator = world.operator
    operator.install(world.menu, replicas="3")
    store = operator.ports().store
    (newest,) = store.summaries(namespace=operator.namespace)
    old = next(one for one in store.load(newest).manifests if one.ref.kind == "Deployment")
    new = replace(old, body=json.loads(json.dumps(old.body).replace("library/web:1", "library/web:2")))
    assert new != old
    record_rollout(store, operator.clock, operator.namespace, rollout=paused_rollout(), changed={new.ref: new})
    return new


def look(world: World) -> RolloutProgress:
    return read_progress(world.operator.ports(), world.operator.namespace, "shop")


def test_pods_are_told_apart_by_the_revision_whose_template_they_have(world: World) -> None:
    new = begin(world)
    before = look(world)
    (web,) = before.workloads
    assert (web.ref, web.template, web.pacing) == (new.ref, Template.OLD, None)
    assert (web.old.there, web.old.ready, web.new.there) == (3, 3, 0)
    assert (before.summary.revision, before.deployed and before.deployed.revision) == (2, 1)
    world.cluster.apply(payload_of(paced(new, Pacing(surge=1, unavailable=0)), None))
    for _ in range(100):
        (web,) = look(world).workloads
        if web.new.ready and web.is_settled:
            break
        world.operator.clock.sleep(0.2)
    assert (web.template, web.pacing) == (Template.NEW, Pacing(surge=1, unavailable=0))
    assert (web.old.there, web.old.ready, web.new.there, web.new.ready) == (3, 3, 1, 1)


def test_what_was_deleted_by_hand_is_left_out(sandbox_world: World) -> None:
    new = begin(sandbox_world)
    sandbox_world.cluster.delete(new.ref)
    assert look(sandbox_world).workloads == ()


def test_without_an_open_rollout_there_is_no_progress(sandbox_world: World) -> None:
    with pytest.raises(ReleaseNotFoundError):
        look(sandbox_world)
    sandbox_world.operator.install(sandbox_world.menu)
    with pytest.raises(UsageError) as raised:
        look(sandbox_world)
    assert raised.value.context == ("no rollout is open: revision 1 is deployed (namespace prod)",)


def test_the_record_of_the_replaced_revision_may_be_damaged(sandbox_world: World) -> None:
    begin(sandbox_world)
    operator = sandbox_world.operator
    head = sandbox_world.cluster.get(secret_ref(operator.namespace, head_name("shop", 1)))
    assert head is not None
    spoilt = {**head, "data": {"head": "e30="}}
    sandbox_world.cluster.replace(secret_payload(spoilt))
    (web,) = look(sandbox_world).workloads
    assert (web.ref.name, web.old.there, web.new.there) == ("shop-web", 3, 0)
