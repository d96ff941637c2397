"""Drift is put back from the record of the deployed revision: no revision is made, and nothing is written in vain."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.release.correct import CorrectionOptions, CorrectionRequest, correct
from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.release.protect import ProtectRequest, protect
from bundler.actions.release.terms import Accepted
from bundler.errors import InterruptedRunError
from bundler.errors.change import ReleaseLockedError, UnfinishedChangeError, WrongClusterError
from bundler.model.cluster import ListQuery
from bundler.model.conflicts import ConflictRule, OnConflict, ignoring
from bundler.model.refs import ObjectRef
from bundler.model.site import Site
from bundler.model.trust import TrustPolicy
from bundler.model.values import LayerKind
from bundler.values.merge import make_layer
from tests.lib.dying import DeathError, DyingCluster
from tests.lib.faulty import MUTATING, FaultyCluster
from tests.scenario.conftest import IN_MEMORY
from tests.scenario.test_drift import drift

if TYPE_CHECKING:
    from bundler.model.drift import Correction, DriftedObject
    from tests.scenario.conftest import World


ON_THE_SANDBOX = pytest.mark.parametrize("world", ["sandbox"], indirect=True)
"""What is decided before anything is sent is the same on every cluster."""


NO_PROCESS = 4_194_305
"""One more than any process id can be."""
WRITES = 7
"""Of a correction of two objects: the lock, one that is refused and then forced, the other, the lock again before what
is recorded, the count, the lock."""
KINDS = {"ConfigMap", "Secret", "Service", "Deployment", "Job"}
AROUND = {"ResourceQuota", "HorizontalPodAutoscaler"}
RECORDS = 2
"""One list of heads and packs, one of sensitive leaves."""


def corrected(world: World, *ignored: str, yes: Any = True, **options: Any) -> Correction:
    request = CorrectionRequest(
        release="shop",
        namespace=world.operator.namespace,
        ignored=tuple(map(ignoring, ignored)),
        site=world.operator.site,
        options=CorrectionOptions(**options),
    )
    return correct(request, world.operator.ports(), yes if callable(yes) else lambda proposal: yes)


def names(objects: tuple[DriftedObject, ...]) -> list[str]:
    return sorted(one.ref.short for one in objects)


def versions(world: World) -> dict[str, str]:
    """Return the version of every object in the namespace, records and locks among them."""
    kinds = [
        ("", "Secret"),
        ("", "ConfigMap"),
        ("", "Service"),
        ("apps", "Deployment"),
        ("coordination.k8s.io", "Lease"),
    ]
    found = {}
    for group, kind in kinds:
        query = ListQuery(group=group, kind=kind, namespace=world.operator.namespace, metadata_only=True)
        for body in world.cluster.list(query).items:
            metadata: Any = body["metadata"]
            # A Deployment moves by itself while its pods do.
            found[f"{kind}/{metadata['name']}"] = metadata.get("generation") or metadata["resourceVersion"]
    return found


def history(world: World) -> list[tuple[int, int]]:
    ports = world.operator.ports()
    found = ports.store.summaries(namespace=world.operator.namespace, release="shop")
    return [(one.revision, one.corrected) for one in found]


def test_nothing_is_written_where_nothing_differs(world: World) -> None:
    world.operator.install(world.menu, extra="true")
    before = versions(world)
    for _ in range(3):
        assert corrected(world).objects == ()
    assert versions(world) == before
    assert history(world) == [(1, 0)]


def test_a_look_at_what_does_not_differ_lists_by_kind_and_asks_the_server_for_no_opinion(world: World) -> None:
    world.operator.install(world.menu, extra="true")
    watched = world.another_operator()
    counted = MUTATING | {"get", "list"}
    watched.cluster = calls = FaultyCluster(world.cluster, counts=lambda verb, dry: verb in counted)
    assert drift(replace(world, operator=watched)) == {}
    assert corrected(replace(world, operator=watched)).objects == ()
    verbs = [(call.verb, call.subject.kind) for call in calls.calls]
    assert not [verb for verb, _ in verbs if verb in MUTATING], "neither a write nor a dry-run"
    assert 0 < len([1 for verb, _ in verbs if verb == "list"]) <= 2 * (len(KINDS) + len(AROUND) + RECORDS)
    assert {kind for verb, kind in verbs if verb == "get"} <= {"Secret", "Namespace"}


def test_only_what_differs_is_written_no_revision_is_made_and_the_deployed_one_counts(world: World) -> None:
    world.operator.install(world.menu, extra="true")
    before = versions(world)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    world.cluster.delete(ObjectRef("", "Service", world.operator.namespace, "shop-web"))
    found = corrected(world)
    assert names(found.objects) == ["ConfigMap/shop-config", "Service/shop-web"]
    ((field,),) = (one.fields for one in found.objects if one.fields)
    assert (field.field, field.live, field.manager) == (".data.text", '"theirs"', "kubectl-edit")
    assert field.since
    assert drift(world) == {}
    moved = {name for name, version in versions(world).items() if before.get(name) != version}
    assert moved == {"ConfigMap/shop-config", "Service/shop-web", "Secret/bundler.release.shop.v1"}
    assert history(world) == [(1, 1)]
    assert found.revision.corrected == 1
    world.scale_web(3, manager="kubectl")
    assert names(corrected(world).objects) == ["Deployment/shop-web"]
    assert history(world) == [(1, 2)]


@ON_THE_SANDBOX
def test_the_next_revision_begins_to_count_anew(world: World) -> None:
    world.operator.install(world.menu)
    world.scale_web(3, manager="kubectl")
    corrected(world)
    world.operator.upgrade(world.menu, extra="true")
    assert history(world) == [(1, 1), (2, 0)]
    world.operator.rollback(revision=1)
    assert history(world) == [(1, 1), (2, 0), (3, 0)]


@IN_MEMORY
def test_fields_that_are_ignored_and_objects_that_are_not_meant_stay_as_they_are(world: World) -> None:
    world.operator.install(world.menu)
    world.scale_web(3, manager="kubectl")
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    web = ObjectRef("apps", "Deployment", world.operator.namespace, "shop-web")
    assert corrected(world, "Deployment/shop-*:.spec.replicas", "data").objects == ()
    assert corrected(world, ".spec.replicas", only={web}).objects == ()
    assert names(corrected(world, "data").objects) == ["Deployment/shop-web"]
    assert drift(world) == {"ConfigMap/shop-config": [(".data.text", '"hello"', '"theirs"', "kubectl-edit")]}


@ON_THE_SANDBOX
def test_a_no_leaves_everything_as_it_is(world: World) -> None:
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    before = versions(world)
    found = corrected(world, yes=False)
    assert (found.is_declined, found.objects) == (True, ())
    assert versions(world) == before


@ON_THE_SANDBOX
def test_what_someone_else_put_back_meanwhile_is_not_counted(world: World) -> None:
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})

    def someone_is_quicker(proposal: object) -> bool:
        world.edit("ConfigMap", "shop-config", {"data": {"text": "hello"}})
        return True

    assert corrected(world, yes=someone_is_quicker).objects == ()
    assert history(world) == [(1, 0)]


@pytest.mark.parametrize("failing_world", ["sandbox"], indirect=True)
def test_after_a_failed_change_nothing_is_put_back(failing_world: World) -> None:
    world = failing_world
    world.operator.install(world.menu)
    with pytest.raises(Exception, match="waiting"):
        world.operator.upgrade(world.menu, image=world.break_web())
    with pytest.raises(UnfinishedChangeError, match="putting back") as caught:
        corrected(world)
    assert "revision 2 is failed" in caught.value.context[0]
    assert "bundler rollback shop" in caught.value.hint


@ON_THE_SANDBOX
def test_a_lock_that_another_run_holds_is_waited_for_and_named(world: World) -> None:
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    bob = world.another_operator()
    held = bob.ports().lock.hold(world.operator.namespace, "shop", doing="tests", timeout_s=0)
    with held, pytest.raises(ReleaseLockedError):
        corrected(world)
    assert names(corrected(world).objects) == ["ConfigMap/shop-config"]


@IN_MEMORY
def test_what_held_data_is_not_made_again_unless_that_is_accepted(world: World) -> None:
    world.operator.install(world.menu)
    world.cluster.delete(ObjectRef("", "Secret", world.operator.namespace, "shop-password"))
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    found = corrected(world)
    assert names(found.objects) == ["ConfigMap/shop-config"]
    assert [(one.ref.short, one.reason) for one in found.missing_data] == [
        ("Secret/shop-password", "it held data, and would be made again empty")
    ]
    assert world.get("Secret", "shop-password") is None
    assert names(corrected(world).missing_data) == ["Secret/shop-password"]
    assert history(world) == [(1, 1)]
    again = corrected(world, accepted=Accepted(losses=True))
    assert (names(again.objects), again.missing_data) == (["Secret/shop-password"], ())
    assert world.get("Secret", "shop-password") is not None


@ON_THE_SANDBOX
@pytest.mark.slow
def test_a_namespace_that_is_gone_is_named_with_what_it_held_and_made_again_where_that_is_accepted(
    world: World,
) -> None:
    world.operator.install("stack", options=RunOptions(waits=False))
    north = ObjectRef("", "Namespace", "", f"{world.operator.namespace}-north")
    inside = [one for one in _deployed_refs(world) if one.namespace == north.name and one.kind != "Job"]
    assert inside
    world.cluster.delete(north)
    found = corrected(world)
    assert found.objects == ()
    assert north in {one.ref for one in found.missing_data}
    assert {one.ref for one in (*found.missing_data, *found.refused)} == {north, *inside}
    assert {one.reason for one in found.refused} == {f"namespace {north.name} does not exist"}
    again = corrected(world, accepted=Accepted(losses=True))
    assert ({*inside} <= {one.ref for one in again.objects}, again.missing_data, again.refused) == (True, (), ())
    assert corrected(world).objects == ()


def _deployed_refs(world: World) -> frozenset[ObjectRef]:
    ports = world.operator.ports()
    return ports.store.load(ports.store.summaries(namespace=world.operator.namespace, release="shop")[-1]).refs


@ON_THE_SANDBOX
def test_a_protected_release_gets_its_data_holders_back_and_its_rules_hold(world: World) -> None:
    world.operator.install(world.menu)
    rule = ConflictRule(policy=OnConflict.KEEP, kind="Deployment", path=".spec.replicas")
    world.operator.site = Site(name="acme", values=make_layer({}, LayerKind.SITE, ""), conflicts=(rule,))
    protect(ProtectRequest(release="shop", namespace=world.operator.namespace), world.operator.ports())
    world.scale_web(3, manager="kubectl")
    assert corrected(world).objects == ()
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    assert names(corrected(world).objects) == ["ConfigMap/shop-config"]
    assert world.bodies("Deployment", "apps")["shop-web"]["spec"]["replicas"] == 3


def test_what_an_autoscaler_drives_and_what_was_left_to_others_is_not_taken_back(world: World) -> None:
    world.operator.install(world.menu, autoscale="true")
    world.scale_web(3)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    world.operator.upgrade(world.menu, autoscale="true", replicas="2", request={"on_conflict": OnConflict.KEEP})
    world.edit("Service", "shop-web", {"metadata": {"labels": {"app": "theirs"}}})
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs again"}, "metadata": {"labels": None}})
    assert names(corrected(world).objects) == ["ConfigMap/shop-config", "Service/shop-web"]
    assert world.bodies("ConfigMap")["shop-config"]["data"] == {"text": "theirs again"}
    assert world.bodies("Deployment", "apps")["shop-web"]["spec"]["replicas"] == 3


@ON_THE_SANDBOX
def test_an_object_that_someone_else_made_in_place_of_ours_is_named_and_holds_nothing_up(world: World) -> None:
    world.operator.install(world.menu)
    world.cluster.delete(ObjectRef("", "ConfigMap", world.operator.namespace, "shop-config"))
    metadata = {"name": "shop-config", "namespace": world.operator.namespace}
    world.creator({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})  # type: ignore[attr-defined]
    world.edit("Service", "shop-web", {"metadata": {"labels": {"app": "theirs"}}})
    found = corrected(world)
    assert names(found.objects) == ["Service/shop-web"]
    assert [one.ref.short for one in found.refused] == ["ConfigMap/shop-config"]
    assert "belongs to someone else" in found.refused[0].reason


@ON_THE_SANDBOX
def test_a_field_that_cannot_change_is_named_and_holds_nothing_up(world: World) -> None:
    world.operator.install(world.menu)
    deployment = ObjectRef("apps", "Deployment", world.operator.namespace, "shop-web")
    body: Any = world.get("Deployment", "shop-web", "apps")
    world.cluster.delete(deployment)
    labels = {"app": "other"}
    template = {**body["spec"]["template"], "metadata": {"labels": labels}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    metadata = {key: body["metadata"][key] for key in ("name", "namespace", "labels")}
    world.creator({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})  # type: ignore[attr-defined]
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    found = corrected(world)
    assert names(found.objects) == ["ConfigMap/shop-config"]
    assert [one.ref.short for one in found.refused] == ["Deployment/shop-web"]
    assert "selector" in found.refused[0].reason


@ON_THE_SANDBOX
def test_another_cluster_than_the_sites_is_refused_and_an_older_version_than_it_takes_is_kept(world: World) -> None:
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    trust = TrustPolicy(minimum_versions={"small": "99.0.0"})
    values = make_layer({}, LayerKind.SITE, "")
    world.operator.site = Site(name="acme", trust=trust, values=values, cluster_uid="another")
    with pytest.raises(WrongClusterError):
        corrected(world)
    world.operator.site = Site(name="acme", trust=trust, values=values)
    assert names(corrected(world).objects) == ["ConfigMap/shop-config"]


@ON_THE_SANDBOX
def test_a_run_that_dies_while_it_puts_things_back_is_repeated(world: World) -> None:
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    world.cluster.delete(ObjectRef("", "Service", world.operator.namespace, "shop-web"))
    world.operator.is_stopped = lambda: True
    with pytest.raises(InterruptedRunError):
        corrected(world)
    world.operator.is_stopped = lambda: False
    assert names(corrected(world).objects) == ["ConfigMap/shop-config", "Service/shop-web"]
    assert history(world) == [(1, 1)]


@ON_THE_SANDBOX
@pytest.mark.slow
def test_a_run_that_dies_at_any_of_its_writes_is_followed_by_one_that_puts_everything_back(world: World) -> None:
    world.operator.install(world.menu)
    dead = world.another_operator("dead@desk", pid=NO_PROCESS, boot_id=world.operator.boot_id)
    died_at = []
    for number, is_after in ((1, False), *((number, True) for number in range(1, WRITES + 1))):
        world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
        world.cluster.delete(ObjectRef("", "Service", world.operator.namespace, "shop-web"))
        dead.cluster = dying = DyingCluster(world.cluster, number=number, is_after=is_after)
        with suppress(DeathError):  # no one dies after a write that is refused: a field is another's
            corrected(replace(world, operator=dead))
        died_at.append(dying.writes[-1][1])
        corrected(world)
        assert drift(world) == {}
        assert [revision for revision, _ in history(world)] == [1]
    assert {*died_at} == {"Lease", "ConfigMap", "Service", "Secret"}
