"""Records that were damaged or deleted: what a release owns is found by its label, and bundler alone gets out of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.inspect.release_queries import list_revisions
from bundler.actions.inspect.status import release_state
from bundler.actions.release.checks import CheckRequest, check_release
from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.release.terms import Accepted
from bundler.errors import BundlerError
from bundler.errors.bundle import ValuesError
from bundler.errors.change import DowngradeError, RecordDamagedError
from bundler.errors.cluster import RejectedError
from bundler.model.cluster import ListQuery, Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from tests.lib.faulty import FaultyCluster
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenario.conftest import World


def records(world: World, part: str) -> list[str]:
    found = world.cluster.list(
        ListQuery(group="", kind="Secret", namespace=world.operator.namespace, label_selector="bundler.dev/record")
    ).items
    return [body["metadata"]["name"] for body in found if f"bundler.{part}." in body["metadata"]["name"]]  # type: ignore[index, call-overload]


def mislabel(world: World, revision: int) -> None:
    change_head(world, revision, lambda head: head["metadata"]["labels"].update({"bundler.dev/status": "bogus"}))


def cut(world: World, revision: int) -> None:
    change_head(world, revision, lambda head: head["data"].update(head="e30="))


def delete_packs(world: World, revision: int) -> None:
    del revision
    for name in records(world, "pack"):
        world.cluster.delete(ObjectRef("", "Secret", world.operator.namespace, name))


def spoil_packs(world: World, revision: int) -> None:
    """Cut the contents and leave the index: what looks as if a new revision could lean on it."""
    del revision
    for name in records(world, "pack"):
        ref = ObjectRef("", "Secret", world.operator.namespace, name)
        pack = json.loads(canonical_json(world.cluster.get(ref)))
        pack["data"]["pack"] = pack["data"]["pack"][:40]
        for key in ("managedFields", "uid", "resourceVersion", "creationTimestamp"):
            pack["metadata"].pop(key, None)
        world.cluster.delete(ref)
        world.cluster.create(Payload(ref=ref, api_version="v1", content=canonical_json(pack)))


def change_head(world: World, revision: int, change: Callable[[dict], None]) -> None:
    ref = ObjectRef("", "Secret", world.operator.namespace, f"bundler.release.shop.v{revision}")
    head = json.loads(canonical_json(world.cluster.get(ref)))
    change(head)
    head["metadata"].pop("managedFields")
    world.cluster.replace(Payload(ref=ref, api_version="v1", content=canonical_json(head)))


DAMAGE = pytest.mark.parametrize("damage", [mislabel, cut, delete_packs, spoil_packs])
"""The last two leave no revision that can be read."""


def left(world: World) -> set[str]:
    """What carries the label of any release, but for what is always kept."""
    kinds = (("", "ConfigMap"), ("", "Service"), ("apps", "Deployment"))
    found = (world.bodies(kind, group) for group, kind in kinds)
    return {
        name
        for bodies in found
        for name, body in bodies.items()
        if "bundler.dev/release-uid" in body["metadata"].get("labels", {})
    }


@IN_MEMORY
@DAMAGE
def test_a_release_whose_newest_record_is_damaged_can_be_uninstalled(world: World, damage) -> None:
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, extra="true")
    assert "shop-extra" in left(world)
    damage(world, 2)
    result = world.operator.uninstall()
    reasons = {change.ref.name: change.reason for change in result.proposal.plan.changes}
    assert "found by its label alone" in reasons["shop-extra"]
    assert left(world) == set()
    assert records(world, "release") == records(world, "pack") == []


@IN_MEMORY
@DAMAGE
def test_an_upgrade_from_named_values_mends_a_release_whose_record_is_damaged(world: World, damage) -> None:
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, extra="true")
    damage(world, 2)
    result = world.operator.upgrade(world.menu, request={"resets_values": True})
    assert result.revision is not None
    assert result.revision.summary.revision == 3
    (deleted,) = [change for change in result.proposal.plan.changes if change.action == "delete"]
    assert (deleted.ref.name, "found by its label alone" in deleted.reason) == ("shop-extra", True)
    assert "shop-extra" not in left(world)
    ports = world.operator.ports()
    newest = ports.store.summaries(
        namespace=world.operator.namespace, release="shop", on_unreadable=lambda _error: None
    )[-1]
    assert ports.store.load(newest, with_sensitive=True).summary.revision == 3
    assert world.operator.upgrade(world.menu).revision is None, "the release is as usual again"


def test_an_upgrade_that_would_change_nothing_is_recorded_where_the_newest_record_is_damaged(
    sandbox_world: World,
) -> None:
    world = sandbox_world
    world.operator.install(world.menu)
    world.operator.cluster = FaultyCluster(world.cluster)
    refused = RejectedError("applying", context=["the server is full"], hint="-")
    world.operator.cluster.fail_when(lambda call: call.verb == "apply", before=refused)
    with pytest.raises(RejectedError):
        world.operator.upgrade(world.menu, request={"names_files": True}, text="never written")
    world.operator.cluster = world.cluster
    cut(world, 2)
    proposal = world.operator.diff(world.menu)
    assert proposal.plan.is_empty
    assert proposal.history.newest is not None
    assert str(proposal.history.newest.status) == "deployed", "all but the damage speaks for doing nothing"
    result = world.operator.upgrade(world.menu, request={"resets_values": True})
    assert result.revision is not None
    assert result.revision.summary.revision == 3
    assert world.operator.upgrade(world.menu).revision is None


@IN_MEMORY
def test_an_upgrade_starts_from_the_newest_values_that_can_be_read_and_says_what_is_lost(world: World) -> None:
    world.operator.install(world.menu, text="first")
    world.operator.upgrade(world.menu, text="second")
    mislabel(world, 2)
    world.operator.upgrade(world.menu)
    (shown,) = {tuple(damage.line for damage in one.history.damaged) for one in world.operator.shown[-1:]}
    assert "bundler.release.shop.v2" in shown[0]
    assert "bogus" in shown[0]
    assert world.get("ConfigMap", "shop-config")["data"]["text"] == "first"


@IN_MEMORY
def test_values_whose_sensitive_part_is_gone_are_not_taken_masked(world: World) -> None:
    world.operator.install(world.menu, text="first")
    world.operator.upgrade(world.menu, token="a-very-secret-token")
    world.cluster.delete(ObjectRef("", "Secret", world.operator.namespace, "bundler.sensitive.shop.v2"))
    world.operator.upgrade(world.menu, replicas="2")
    assert any("values of revision 2 are lost" in str(event) for event in world.operator.events)
    assert world.get("Secret", "shop-token")["data"]["token"] == ""


@IN_MEMORY
def test_without_any_readable_record_an_upgrade_asks_for_values(world: World) -> None:
    world.operator.install(world.menu, text="first")
    delete_packs(world, 1)
    with pytest.raises(ValuesError) as caught:
        world.operator.upgrade(world.menu)
    assert "--reset-values" in caught.value.hint
    assert [line.count("its pack bundler.pack.") for line in caught.value.context] == [1]
    world.operator.upgrade(world.menu, request={"names_files": True}, text="second")
    assert world.get("ConfigMap", "shop-config")["data"]["text"] == "second"


@IN_MEMORY
def test_a_rollback_goes_to_what_can_be_read_and_to_nothing_else(world: World) -> None:
    for text in ("first", "second", "third"):
        world.operator.upgrade(world.menu, text=text)
    mislabel(world, 2)
    with pytest.raises(RecordDamagedError, match=r"v2"):
        world.operator.rollback(revision=2)
    with pytest.raises(RecordDamagedError, match=r"v2"):
        world.operator.rollback()  # which one was meant is unknown
    with pytest.raises(DowngradeError, match="revision 1"):
        world.operator.rollback(revision=1)  # what revision 2 says of rollbacks is not known
    assert world.get("ConfigMap", "shop-config")["data"]["text"] == "third"


@IN_MEMORY
def test_a_rollback_past_a_damaged_record_is_possible_when_it_is_meant(world: World) -> None:
    for text in ("first", "second"):
        world.operator.upgrade(world.menu, text=text)
    mislabel(world, 2)
    world.operator.rollback(accepted=Accepted(downgrade=True))
    assert world.get("ConfigMap", "shop-config")["data"]["text"] == "first"


@IN_MEMORY
def test_a_rollback_without_any_readable_record_names_what_is_wrong(world: World) -> None:
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, text="second")
    delete_packs(world, 2)
    with pytest.raises(RecordDamagedError, match="v1"):
        world.operator.rollback()


@IN_MEMORY
def test_nothing_is_rolled_back_by_itself_where_a_record_is_damaged(world: World) -> None:
    """Without its record the deployed revision would look as if nothing had ever been deployed."""
    world.operator.install(world.menu)
    delete_packs(world, 1)
    broken = world.break_web()
    with pytest.raises(BundlerError) as caught:
        world.operator.upgrade(world.menu, request={"resets_values": True, "rollback_s": 30.0}, image=broken)
    assert "not rolled back" in " ".join(caught.value.context)
    assert left(world)


@IN_MEMORY
@DAMAGE
def test_what_compares_with_the_deployed_revision_says_that_its_record_is_damaged(world: World, damage) -> None:
    world.operator.install(world.menu)
    damage(world, 1)
    place = {"release": "shop", "namespace": world.operator.namespace}
    with pytest.raises(RecordDamagedError):
        find_drift(DriftRequest(**place), world.operator.ports())
    with pytest.raises(RecordDamagedError):
        check_release(CheckRequest(**place), world.operator.ports())


@IN_MEMORY
def test_a_newer_format_stops_every_change(world: World) -> None:
    world.operator.install(world.menu)
    change_head(world, 1, lambda head: head["metadata"]["annotations"].update({"bundler.dev/format": "9"}))
    for change in (lambda: world.operator.upgrade(world.menu), world.operator.uninstall):
        with pytest.raises(BundlerError, match="reading release record"):
            change()


@IN_MEMORY
def test_a_generated_secret_known_by_its_label_alone_is_kept(world: World) -> None:
    world.operator.install(world.menu)
    delete_packs(world, 1)
    kept = world.operator.uninstall().kept
    assert "shop-password" in {one.ref.name for one in kept}
    assert world.get("Secret", "shop-password") is not None


def drop_head(world: World, revision: int) -> None:
    world.cluster.delete(ObjectRef("", "Secret", world.operator.namespace, f"bundler.release.shop.v{revision}"))


def unlabel(world: World, revision: int) -> None:
    change_head(world, revision, lambda head: head["metadata"]["labels"].pop("bundler.dev/record"))


LOST = pytest.mark.parametrize("lose", [drop_head, unlabel])


@IN_MEMORY
@LOST
def test_what_a_lost_newest_head_owned_is_found_and_uninstalled(world: World, lose) -> None:
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, extra="true")
    lose(world, 2)
    result = world.operator.uninstall()
    assert "bundler.release.shop.v2" in result.proposal.history.damaged[0].line
    assert left(world) == set()


@IN_MEMORY
@LOST
def test_what_only_reads_names_a_lost_newest_head_too(world: World, lose) -> None:
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, extra="true")
    lose(world, 2)
    operator, unreadable = world.operator, list[BundlerError]()
    ports = operator.ports()
    found = list_revisions(ports.store, operator.namespace, "shop", on_unreadable=unreadable.append)
    assert [summary.revision for summary in found] == [1]
    assert "bundler.release.shop.v2" in str(unreadable[0])
    release_state(ports, operator.namespace, "shop")
    assert any("bundler.release.shop.v2" in str(event) for event in operator.events)


@IN_MEMORY
@LOST
def test_an_upgrade_names_a_lost_newest_head_and_takes_no_number_twice(world: World, lose) -> None:
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, extra="true")
    lose(world, 2)
    result = world.operator.upgrade(world.menu)
    assert result.revision is not None
    assert result.revision.summary.revision == 3
    assert "bundler.release.shop.v2" in result.proposal.history.damaged[0].line
    assert "shop-extra" not in left(world)


@IN_MEMORY
@LOST
def test_a_rollback_after_the_deployed_head_was_lost_goes_to_the_revision_before_it(world: World, lose) -> None:
    for text in ("first", "second", "third"):
        world.operator.upgrade(world.menu, text=text)
    lose(world, 3)
    with pytest.raises(DowngradeError, match="revision 2"):
        world.operator.rollback()  # what revision 3 says of rollbacks is not known


@IN_MEMORY
@LOST
def test_where_all_heads_are_lost_nothing_starts_from_defaults_unasked(world: World, lose) -> None:
    world.operator.install(world.menu, text="first")
    lose(world, 1)
    with pytest.raises(ValuesError) as caught:
        world.operator.install(world.menu)
    assert "bundler.release.shop.v1" in " ".join(caught.value.context)
    world.operator.install(world.menu, request={"resets_values": True})
    assert world.operator.uninstall().proposal.plan.changes
    assert left(world) == set()


def test_an_uninstall_after_all_heads_are_lost_deletes_what_is_there(world: World) -> None:
    world.operator.install(world.menu)
    drop_head(world, 1)
    world.operator.uninstall()
    assert left(world) == set()
    assert records(world, "pack") == records(world, "sensitive") == []


@IN_MEMORY
def test_a_password_of_another_revision_is_not_taken_back(world: World) -> None:
    world.operator.install(world.menu, token="the-first-secret-token")
    world.operator.upgrade(world.menu, token="the-second-secret-token")
    swap_sensitive(world, 1, 2)
    with pytest.raises(RecordDamagedError, match=r"sensitive\.shop\.v1") as caught:
        world.operator.rollback()
    assert "copied from another" in " ".join(caught.value.context)
    decoded = json.dumps(world.get("Secret", "shop-token")["data"])
    assert "dGhlLXNlY29uZC1zZWNyZXQtdG9rZW4=" in decoded


def swap_sensitive(world: World, *revisions: int) -> None:
    refs = [
        ObjectRef("", "Secret", world.operator.namespace, f"bundler.sensitive.shop.v{number}") for number in revisions
    ]
    bodies = [json.loads(canonical_json(world.cluster.get(ref))) for ref in refs]
    for ref, body, other in zip(refs, bodies, reversed(bodies), strict=True):
        world.cluster.delete(ref)
        for key in ("managedFields", "uid", "resourceVersion", "creationTimestamp"):
            body["metadata"].pop(key, None)
        content = canonical_json({**body, "data": other["data"]})
        world.cluster.create(Payload(ref=ref, api_version="v1", content=content))


def test_a_change_reads_each_kept_revision_with_one_request_at_the_most(sandbox_world: World) -> None:
    world, keep_all = sandbox_world, RunOptions(history_max=0)
    counted = FaultyCluster(world.cluster, counts=lambda verb, _dry: verb in {"get", "list"})
    asked = []
    for number in range(8):
        world.operator.cluster = world.cluster
        world.operator.upgrade(world.menu, options=keep_all, text=f"text {number}")
        if number in {2, 7}:
            world.operator.cluster = counted
            counted.calls.clear()
            world.operator.upgrade(world.menu, options=keep_all)
            asked.append(len(counted.calls))
    assert asked[1] - asked[0] <= 5
