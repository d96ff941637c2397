"""What stops a change: one list of gates, whichever verb makes the change, and whoever calls it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.terms import Accepted
from bundler.cli.output.plan import reach_lines
from bundler.errors.change import (
    FieldConflictError,
    RollbackFailedError,
    RolledBackError,
    SitePolicyError,
    UndeclaredReachError,
    WrongClusterError,
)
from bundler.errors.delivery import DeliveryPolicyError, UnsignedError
from bundler.model.manifest import Manifest, Source
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef
from bundler.model.release import InventoryEntry
from bundler.model.site import Site
from bundler.model.stage import Stage
from bundler.model.trust import Evidence, TrustPolicy, make_key
from bundler.model.values import LayerKind
from bundler.planning.normalize import stamp
from bundler.values.merge import make_layer
from tests.lib.bundles import make_bundle
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

RBAC = "rbac.authorization.k8s.io"
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{ release.namespace }}-reader"}
rules:
  - {apiGroups: [""], resources: [nodes], verbs: [{{ values.verbs }}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cfg}
data: {text: {{ values.text | quote }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ release.name }}-web"}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: {{ values.image | quote }}}]}
"""


def site(**fields: object) -> Site:
    return Site(name="acme", source="acme.yaml", values=make_layer({}, LayerKind.SITE, ""), **fields)  # type: ignore[arg-type]


def reaching(parent: Path, **fields: object) -> Path:
    files = {
        "values.yaml": "verbs: get\ntext: one\nimage: docker.io/library/web:1\n",
        "templates/role.yaml": ROLE,
    }
    return make_bundle(parent, files, name="reaching", reach={"clusterScoped": ["ClusterRole"]}, **fields)  # type: ignore[arg-type]


def powerful(world: World, name: str = "evil") -> InventoryEntry:
    namespace = world.operator.namespace
    ref = ObjectRef(RBAC, "ClusterRoleBinding", "", f"{namespace}-{name}")
    body = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ref.name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    }
    plain = Manifest(ref=ref, api_version=f"{RBAC}/v1", body=body, source=Source("templates/evil.yaml", 1))
    manifest = stamp(plain, uid=release_uid(namespace, "shop"))
    return InventoryEntry(ref=ref, api_version=f"{RBAC}/v1", stage=Stage.ACCESS, manifest=manifest)


def tamper(world: World, number: int, *entries: InventoryEntry) -> None:
    """Add objects to a recorded revision, as anyone may who writes Secrets in the namespace."""
    store = world.operator.ports().store
    (summary,) = [one for one in world.operator.history() if one.revision == number]
    revision = store.load(summary, with_sensitive=True)
    for part in ("release", "sensitive"):
        world.cluster.delete(ObjectRef("", "Secret", world.operator.namespace, f"bundler.{part}.shop.v{number}"))
    store.save(replace(revision, inventory=(*revision.inventory, *entries)))


def is_live(world: World, entry: InventoryEntry) -> bool:
    return world.cluster.get(entry.ref) is not None


@IN_MEMORY
def test_what_the_site_forbids_no_caller_installs(world: World, tmp_path: Path) -> None:
    world.operator.site = site(forbidden=("cluster-scoped",))
    with pytest.raises(SitePolicyError) as raised:
        world.operator.install(reaching(tmp_path))
    assert raised.value.context[0] == f"cluster-scoped: ClusterRole/{world.operator.namespace}-reader"
    assert world.operator.history() == ()


@IN_MEMORY
def test_no_verb_changes_another_cluster_than_the_site_names(world: World) -> None:
    operator = world.operator
    operator.install(world.menu)
    operator.install(world.menu, text="two")
    operator.site = site(cluster_uid="another")
    for change in (lambda: operator.install(world.menu, text="three"), operator.rollback, operator.uninstall):
        with pytest.raises(WrongClusterError, match="cluster of site acme"):
            change()
    operator.site = site(cluster_uid=world.cluster.identity().uid)
    operator.uninstall()
    assert operator.history() == ()


def test_a_site_that_asks_for_signatures_takes_no_unsigned_bundle_from_any_caller(sandbox_world: World) -> None:
    world = sandbox_world
    key, other = make_key(b"k" * 32, "ada"), make_key(b"o" * 32, "bob")
    world.operator.site = site(trust=TrustPolicy(keys=(key,), requires_signature=True, source="acme.yaml"))
    for evidence in (None, Evidence(signers=()), Evidence(signers=(other,))):
        order = replace(world.operator.request(world.menu, "shop", {}).order, evidence=evidence)
        with pytest.raises(UnsignedError, match="small"):
            world.operator.install(world.menu, request={"order": order})
    signed = replace(order, evidence=Evidence(signers=(key,)))
    assert world.operator.install(world.menu, request={"order": signed}).revision is not None


def test_a_rollback_goes_below_no_version_that_the_site_asks_for(sandbox_world: World) -> None:
    world = sandbox_world
    world.operator.install(world.menu)
    world.operator.install(world.menu, text="two")
    world.operator.site = site(trust=TrustPolicy(minimum_versions={"small": "99.0.0"}, source="acme.yaml"))
    with pytest.raises(DeliveryPolicyError) as raised:
        world.operator.rollback()
    assert "acme.yaml asks for 99.0.0 or newer" in raised.value.context[0]
    assert world.operator.statuses() == ["superseded", "deployed"]


@IN_MEMORY
def test_the_problems_of_all_gates_come_at_once(world: World, tmp_path: Path) -> None:
    menu = reaching(tmp_path)
    world.operator.install(menu)
    world.edit("ConfigMap", "cfg", {"data": {"text": "by hand"}})
    with pytest.raises(FieldConflictError):
        world.operator.install(menu, text="two")
    world.operator.site = site(forbidden=("cluster-scoped",), trust=TrustPolicy(minimum_versions={"reaching": "9.0.0"}))
    with pytest.raises(SitePolicyError) as raised:
        world.operator.install(menu, text="two")
    found = "\n".join(raised.value.context)
    assert "cluster-scoped: ClusterRole/" in found
    assert "asks for 9.0.0 or newer" in found
    assert 'ConfigMap/cfg .data.text: bundle wants "two", live "by hand"' in found
    assert str(raised.value) == "planning the change"
    assert raised.value.hint.startswith("use a bundle that stays within")


@IN_MEMORY
def test_a_rollback_brings_back_no_power_that_a_record_claims(world: World) -> None:
    world.operator.install(world.menu)
    world.operator.install(world.menu, text="two")
    evil = powerful(world)
    tamper(world, 1, evil)
    with pytest.raises(UndeclaredReachError) as raised:
        world.operator.rollback()
    assert any("rbac-wildcard" in line and evil.ref.name in line for line in raised.value.context)
    assert not is_live(world, evil)
    tamper(world, 2, evil)  # that the deployed revision claims it too is not a permission
    with pytest.raises(UndeclaredReachError):
        world.operator.rollback()
    assert not is_live(world, evil)


def test_a_rollback_may_write_what_is_live_and_what_is_meant(world: World, tmp_path: Path) -> None:
    menu = reaching(tmp_path)
    world.operator.install(menu)
    world.operator.install(menu, text="two")
    assert world.operator.rollback().revision is not None  # its ClusterRole is live, and stays as it is
    world.operator.install(menu, verbs="list")
    with pytest.raises(UndeclaredReachError, match="back to revision 3"):
        world.operator.rollback()  # the live ClusterRole has no such rule
    assert world.operator.rollback(accepted=Accepted(wider_reach=True)).revision is not None


@IN_MEMORY
def test_the_plan_of_a_rollback_says_which_reach_is_not_live(world: World, tmp_path: Path) -> None:
    menu = reaching(tmp_path)
    world.operator.install(menu)
    world.operator.install(menu, text="two")
    back = world.operator.rollback()
    assert {note.is_live for note in back.proposal.plan.reach} == {True}
    assert not any("(" in line.text for line in reach_lines(back.proposal.plan.reach) if "cluster-scoped" in line.text)
    world.operator.install(menu, verbs="list")
    wide = world.operator.rollback(accepted=Accepted(wider_reach=True))
    assert any(line.text.endswith("(not live now)") for line in reach_lines(wide.proposal.plan.reach))
    assert not any("not declared" in line.text for line in reach_lines(wide.proposal.plan.reach))


@IN_MEMORY
def test_the_site_forbids_a_rollback_what_it_forbids_an_install(world: World, tmp_path: Path) -> None:
    menu = reaching(tmp_path)
    world.operator.install(menu)
    world.operator.install(menu, text="two")
    world.operator.site = site(forbidden=("cluster-scoped",))
    with pytest.raises(SitePolicyError):
        world.operator.rollback(accepted=Accepted(wider_reach=True))


@IN_MEMORY
def test_an_automatic_rollback_restores_the_record_that_was_read_before_the_change(world: World) -> None:
    world.operator.install(world.menu)
    evil = powerful(world)
    harmless = replace(evil, ref=replace(evil.ref, group="", kind="ConfigMap", namespace=world.operator.namespace))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": harmless.ref.name}, "data": {}}
    added = stamp(
        Manifest(ref=harmless.ref, api_version="v1", body=body, source=Source("x", 1)),
        uid=release_uid(world.operator.namespace, "shop"),
    )
    harmless = replace(harmless, api_version="v1", manifest=added)
    broken = world.break_web()
    world.operator.before_apply = lambda _proposal: tamper(world, 1, evil, harmless)
    with pytest.raises(RolledBackError):
        world.operator.upgrade(world.menu, image=broken, request={"rollback_s": 60.0})
    assert not is_live(world, evil)
    assert not is_live(world, harmless)


@IN_MEMORY
def test_an_automatic_rollback_writes_no_power_that_was_not_live_before_the_change(world: World) -> None:
    world.operator.install(world.menu)
    evil = powerful(world)
    tamper(world, 1, evil)
    broken = world.break_web()
    with pytest.raises(RollbackFailedError) as raised:
        world.operator.upgrade(world.menu, image=broken, request={"rollback_s": 60.0})
    assert any("cluster-scoped" in line and evil.ref.name in line for line in raised.value.context)
    assert not is_live(world, evil)


@IN_MEMORY
def test_an_automatic_rollback_puts_power_back_to_what_it_was(world: World, tmp_path: Path) -> None:
    menu = reaching(tmp_path)
    world.operator.install(menu)
    broken = world.break_web()
    with pytest.raises(RolledBackError):
        world.operator.upgrade(menu, verbs="list", image=broken, request={"rollback_s": 60.0})
    role = world.cluster.get(ObjectRef(RBAC, "ClusterRole", "", f"{world.operator.namespace}-reader"))
    assert role["rules"][0]["verbs"] == ["get"]  # type: ignore[index]


def test_the_site_holds_for_an_automatic_rollback_too(sandbox_world: World, tmp_path: Path) -> None:
    world = sandbox_world
    world.operator.install(reaching(tmp_path))
    broken = world.break_web()
    world.operator.site = site(forbidden=("cluster-scoped",))
    files = {"templates/web.yaml": ROLE.partition("---")[2], "values.yaml": "text: two\nimage: i\n"}
    harmless = make_bundle(tmp_path / "newer", files, name="reaching")
    with pytest.raises(RollbackFailedError) as raised:
        world.operator.upgrade(harmless, image=broken, request={"rollback_s": 60.0, "resets_values": True})
    assert any("cluster-scoped: ClusterRole/prod-reader" in line for line in raised.value.context)
