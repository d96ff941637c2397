"""Fields that someone else set: the change stops, takes them, or leaves them for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.release.install import diff
from bundler.errors.change import FieldConflictError, RolledBackError
from bundler.model.change import Action
from bundler.model.conflicts import OnConflict
from bundler.model.json import items_at, mapping_at, value_at
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from bundler.actions.release.lifecycle import ChangeResult
    from tests.scenario.conftest import World

KEEP, TAKE = {"on_conflict": OnConflict.KEEP}, {"on_conflict": OnConflict.TAKE}
WEB = ("Deployment", "shop-web", "apps")


def replicas(world: World) -> object:
    return value_at(world.get(*WEB), "spec", "replicas")


def owners_of_replicas(world: World) -> set[str]:
    entries = items_at(world.get(*WEB), "metadata", "managedFields")
    return {str(one["manager"]) for one in entries if "f:replicas" in mapping_at(one, "fieldsV1", "f:spec")}


def decided(result: ChangeResult) -> list[tuple[str, str, str, str]]:
    return [
        (one.field, one.manager, one.policy.value, one.decided_by)
        for change in result.proposal.plan.changes
        for one in change.decided
    ]


def rules(world: World, text: str) -> None:
    with (world.menu / "bundle.yaml").open("a") as file:
        file.write(f"  conflicts:\n{text}")


def test_after_kubectl_scale_one_flag_ends_the_conflict(world: World):
    world.operator.install(world.menu)
    world.scale_web(3, manager="kubectl")
    with pytest.raises(FieldConflictError) as raised:
        world.operator.upgrade(world.menu, text="again")
    assert raised.value.context[0].startswith(
        "Deployment/shop-web .spec.replicas: bundle wants 1, live 3 set by kubectl"
    )
    done = world.operator.upgrade(world.menu, request=TAKE, text="again")
    assert decided(done) == [(".spec.replicas", "kubectl", "take", "--on-conflict")]
    assert (replicas(world), owners_of_replicas(world)) == (1, {"bundler"})
    assert world.operator.upgrade(world.menu, text="again").proposal.plan.is_empty


def test_a_field_that_is_kept_is_given_up_for_good(world: World):
    world.operator.install(world.menu)
    world.scale_web(3, manager="kubectl")
    done = world.operator.upgrade(world.menu, request=KEEP)
    assert decided(done) == [(".spec.replicas", "kubectl", "keep", "--on-conflict")]
    assert (replicas(world), owners_of_replicas(world)) == (3, {"kubectl"})
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty
    world.operator.upgrade(world.menu, text="later", replicas="2")
    assert (replicas(world), owners_of_replicas(world)) == (3, {"kubectl"})
    world.operator.rollback(revision=1)
    assert (replicas(world), owners_of_replicas(world)) == (3, {"kubectl"})


@IN_MEMORY
def test_a_kept_field_is_taken_back_when_that_is_asked_for(world: World):
    world.operator.install(world.menu)
    world.scale_web(3, manager="kubectl")
    world.operator.upgrade(world.menu, request=KEEP)
    world.operator.upgrade(world.menu, request=TAKE)
    assert (replicas(world), owners_of_replicas(world)) == (1, {"bundler"})
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty


def test_a_kept_field_of_an_object_that_is_made_again_is_the_bundles(world: World):
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    world.operator.upgrade(world.menu, request=KEEP)
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "theirs"}
    world.cluster.delete(next(iter({e.ref for e in _inventory(world) if e.ref.name == "shop-config"})))
    world.operator.upgrade(world.menu)
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "hello"}


def _inventory(world: World):
    ports = world.operator.ports()
    (newest,) = ports.store.summaries(namespace=world.operator.namespace, release="shop")[-1:]
    return ports.store.load(newest).inventory


@IN_MEMORY
def test_keeping_what_was_taken_by_force_is_remembered_though_no_object_changes(world: World):
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    done = world.operator.upgrade(world.menu, request=KEEP)
    assert [one.action for one in done.proposal.plan.changes if one.decided] == [Action.UPDATE]
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty


def test_the_hint_of_a_rollback_that_conflicts_names_no_values(world: World):
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, text="second")
    world.scale_web(3, manager="kubectl")
    with pytest.raises(FieldConflictError) as raised:
        world.operator.rollback()
    assert "--on-conflict take to write the revision's value" in (raised.value.hint or "")
    assert "in the bundle's values" not in (raised.value.hint or "")


def test_a_rollback_takes_fields_in_an_emergency(world: World):
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, text="bad")
    world.edit("ConfigMap", "shop-config", {"data": {"text": "hotfix"}})
    with pytest.raises(FieldConflictError):
        world.operator.rollback()
    back = world.operator.rollback(on_conflict=OnConflict.TAKE)
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "hello"}
    recorded = world.operator.ports().store.load(back.revision.summary)
    assert recorded.taken == ("ConfigMap/shop-config .data.text from kubectl-edit (--on-conflict)",)


@IN_MEMORY
def test_rules_of_a_bundle_come_before_the_flag_and_hold_for_its_rollbacks(world: World):
    rules(world, "    - {policy: keep, kind: Deployment, path: spec.replicas, manager: kubectl*}\n")
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, text="second")
    world.scale_web(3, manager="kubectl")
    back = world.operator.rollback(on_conflict=OnConflict.TAKE)
    (found,) = decided(back)
    assert found[:3] == (".spec.replicas", "kubectl", "keep")
    assert found[3].startswith("bundle.yaml:")
    assert replicas(world) == 3


def test_where_a_rule_says_fail_the_error_names_it_and_nothing_that_another_rule_or_the_flag_decides(world: World):
    rules(
        world,
        '    - {policy: fail, path: "spec.template.spec.containers[*].image"}\n'
        "    - {policy: take, path: spec.paused}\n",
    )
    web = world.menu / "templates" / "web.yaml"
    web.write_text(web.read_text().replace("  replicas:", "  paused: false\n  replicas:"))
    world.operator.install(world.menu)
    containers = [{"name": "web", "image": "docker.io/library/theirs:1"}]
    theirs = {"paused": True, "replicas": 3, "template": {"spec": {"containers": containers}}}
    world.edit("Deployment", "shop-web", {"spec": theirs}, group="apps")
    with pytest.raises(FieldConflictError) as raised:
        world.operator.upgrade(world.menu, request=TAKE, text="again")
    (line,) = raised.value.context
    assert ".spec.template.spec.containers" in line
    assert line.endswith("says fail)")
    assert "bundle.yaml:" in line
    assert "no flag decides there" in (raised.value.hint or "")
    assert "--on-conflict" not in (raised.value.hint or "")
    asked = world.operator.request(world.menu, "shop", {"text": "again"}, **TAKE)
    (change,) = (one for one in diff(asked, world.operator.ports()).plan.changes if one.conflicts)
    assert {one.field for one in change.decided} == {".spec.paused", ".spec.replicas"}
    with pytest.raises(FieldConflictError) as undecided:
        world.operator.upgrade(world.menu, text="again")
    assert [".spec.paused" in one for one in undecided.value.context] == [False, False]
    assert "--on-conflict take" in (undecided.value.hint or "")


@IN_MEMORY
def test_the_rollback_after_a_failure_settles_conflicts_as_its_change_does(world: World):
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    broken = world.break_web()
    with pytest.raises(RolledBackError):
        world.operator.upgrade(world.menu, request={**KEEP, "rollback_s": 60}, image=broken)
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "theirs"}
    world.mend_web()
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty


def test_a_port_is_kept_although_its_template_does_not_spell_the_protocol(world: World):
    world.operator.install(world.menu)
    port = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 9090}
    world.edit("Service", "shop-web", {"spec": {"ports": [port]}})
    done = world.operator.upgrade(world.menu, request=KEEP)
    assert [one[2] for one in decided(done)] == ["keep"]
    assert world.get("Service", "shop-web")["spec"]["ports"][0]["targetPort"] == 9090
    assert world.operator.upgrade(world.menu, text="later").proposal.plan.changes
    assert world.get("Service", "shop-web")["spec"]["ports"][0]["targetPort"] == 9090
    request = DriftRequest(release="shop", namespace=world.operator.namespace)
    assert find_drift(request, world.operator.ports()).objects == ()
