"""A set menu of set menus: tenants three components deep, each in a namespace of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from bundler.actions.release.lifecycle import RunOptions
from bundler.errors.change import UndeclaredReachError
from bundler.errors.cluster import ForbiddenError, ObjectNotFoundError
from bundler.model.change import Action
from bundler.model.cluster import ListQuery
from bundler.model.refs import ObjectRef
from bundler.planning.safety import losses
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.lib.operator import BUNDLES, Operator
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.actions.release.lifecycle import ChangeResult
    from tests.scenario.conftest import World

TENANTS = ("north", "south", "west")


@pytest.fixture
def market(world: World) -> Iterator[World]:
    """A world whose tenants' namespaces end with the test."""
    yield world
    for tenant in TENANTS:
        ref = ObjectRef("", "Namespace", "", place(world, tenant))
        if world.cluster.get(ref) is not None:
            world.cluster.delete(ref)


def place(world: World, tenant: str) -> str:
    return f"{world.operator.namespace}-{tenant}"


def names(world: World, tenant: str, kind: str, group: str = "") -> set[str]:
    items = world.cluster.list(ListQuery(group=group, kind=kind, namespace=place(world, tenant))).items
    return {str(one["metadata"]["name"]) for one in items}  # type: ignore[index, call-overload]


def uid(world: World, tenant: str, group: str, kind: str, name: str) -> object:
    body = world.cluster.get(ObjectRef(group, kind, place(world, tenant), name))
    assert body is not None
    return body["metadata"]["uid"]  # type: ignore[index, call-overload]


def stack_of_two(folder: Path) -> Path:
    """Make the stack as it was before it had a third tenant."""
    shutil.copytree(BUNDLES, folder, dirs_exist_ok=True)
    stack = folder / "stack"
    definition = yaml.safe_load((stack / "bundle.yaml").read_text())
    definition["metadata"]["version"] = "1.0.0"
    spec = definition["spec"]
    spec["components"] = [one for one in spec["components"] if one["name"] != "west"]
    del spec["derive"]["west.host"]
    page = spec["components"][-1]["values"]["content"]["files"]
    page["index.html"] = page["index.html"].replace(", 'west'", "")
    (stack / "bundle.yaml").write_text(yaml.safe_dump(definition))
    notes = stack / "NOTES.md"
    notes.write_text(notes.read_text().replace(", 'west'", ""))
    values = yaml.safe_load((stack / "values.yaml").read_text())
    del values["west"]
    (stack / "values.yaml").write_text(yaml.safe_dump(values))
    return stack


@IN_MEMORY  # on the real API the shipped bundle `stack` is installed, and uninstalled, as tenants apart
@pytest.mark.slow
def test_tenants_are_installed_apart_joined_by_another_and_uninstalled_with_their_data_kept(
    market: World, tmp_path: Path
) -> None:
    world = market
    result = world.operator.install(stack_of_two(tmp_path), "stack")
    assert result.proposal.planned.new_namespaces == ()  # the second look: they are there by now
    assert {note.place for note in result.proposal.plan.reach if note.kind == "namespace"} == {
        place(world, "north"),
        place(world, "south"),
    }
    workloads = (("north", "apps", "StatefulSet", "stack-db"), ("south", "apps", "Deployment", "stack-web"))
    before = [uid(world, *one) for one in workloads]
    assert world.get("Deployment", "stack-front", "apps") is not None

    result = world.operator.upgrade(BUNDLES / "stack", "stack", west__enabled="true", north__qps="1000")
    assert losses(result.proposal.plan) == ()
    assert Action.RECREATE not in {change.action for change in result.proposal.plan.changes}
    assert [uid(world, *one) for one in workloads] == before
    assert names(world, "west", "StatefulSet", "apps") == {"stack-db", "stack-cache"}
    passwords = {tenant: uid(world, tenant, "", "Secret", "stack-db") for tenant in TENANTS}
    assert world.operator.diff(BUNDLES / "stack", "stack", west__enabled="true", north__qps="1000").plan.is_empty

    assert left_namespaces(world.operator.uninstall("stack")) >= {place(world, tenant) for tenant in TENANTS}
    for tenant in TENANTS:
        assert names(world, tenant, "StatefulSet", "apps") | names(world, tenant, "Deployment", "apps") == set()
        assert names(world, tenant, "PersistentVolumeClaim") == {"data-stack-cache-0", "data-stack-db-0"}
        assert uid(world, tenant, "", "Secret", "stack-db") == passwords[tenant]
        assert world.cluster.get(ObjectRef("", "Namespace", "", place(world, tenant))) is not None


def test_the_namespaces_of_components_are_not_made_when_that_is_refused(world: World) -> None:
    proposal = world.operator.diff(BUNDLES / "stack", "stack")
    own = {world.operator.namespace} if proposal.planned.creates_namespace else set()
    assert set(proposal.planned.new_namespaces) == {place(world, "north"), place(world, "south")} | own
    with pytest.raises(ObjectNotFoundError):
        world.operator.install(BUNDLES / "stack", "stack", options=RunOptions(may_create_namespace=False))
    assert world.operator.statuses("stack") == []


@pytest.mark.parametrize("may_list", [True, False])
def test_namespaces_that_were_made_for_a_release_are_named_where_they_are_left(
    market: World, tmp_path: Path, may_list: bool
) -> None:
    """Those that no retained revision knows of are found by who may list namespaces."""
    first = market.operator
    faults = FaultyCluster(market.cluster, counts=lambda verb, _: verb == "list" and not may_list)
    refusal = ForbiddenError("listing namespaces", context=[], hint="")
    faults.fail_when(lambda call: call.subject.kind == "Namespace", before=refusal, is_lasting=True)
    operator = Operator(faults, first.namespace, clock=first.clock, timeout_s=first.timeout_s)
    south = place(market, "south")
    operator.install(tenants_of(tmp_path, "north", "south"), "stack")
    one = tenants_of(tmp_path, "north")
    assert left_namespaces(operator.upgrade(one, "stack")) == {south}
    assert left_namespaces(operator.upgrade(one, "stack", options=FORCED)) == {south}, "a revision knows of it"
    operator.upgrade(one, "stack", options=FORCED)
    left = left_namespaces(operator.uninstall("stack"))
    assert place(market, "north") in left
    assert (south in left) == may_list


FORCED = RunOptions(history_max=2, forces_revision=True)


def left_namespaces(result: ChangeResult) -> set[str]:
    return {one.ref.name for one in result.kept if one.ref.kind == "Namespace"}


def tenants_of(folder: Path, *tenants: str) -> Path:
    place = "{{ release.namespace }}-"
    parts = [{"name": tenant, "bundle": "./part", "namespace": f"{place}{tenant}"} for tenant in tenants]
    root = make_bundle(folder / "-".join(tenants), {}, name="stack", components=parts)
    make_bundle(root, {"templates/config.yaml": CONFIG}, name="part")
    return root


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: quiet}\n"


@IN_MEMORY
def test_a_namespace_that_an_inner_bundle_gives_has_to_be_declared_by_the_outer_one(
    world: World, tmp_path: Path
) -> None:
    def stack(folder: str, **reach: list[str]) -> Path:
        inner = {"name": "tenant", "bundle": "./tenant"}
        root = make_bundle(tmp_path / folder, {}, name="stack", components=[inner], reach=reach)
        quiet = {"name": "quiet", "bundle": "./quiet", "namespace": "{{ release.namespace }}-west"}
        tenant = make_bundle(root, {}, name="tenant", components=[quiet])
        make_bundle(tenant, {"templates/config.yaml": CONFIG}, name="quiet")
        return root

    with pytest.raises(UndeclaredReachError) as raised:
        world.operator.diff(stack("silent"), "stack")
    assert f"ConfigMap/quiet in {place(world, 'west')}" in "\n".join(map(str, raised.value.context))
    assert len(world.operator.diff(stack("open", namespaces=["*"]), "stack").plan.changes) == 1
