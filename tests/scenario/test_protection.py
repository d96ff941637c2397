"""Protected releases: nothing uninstalls them, makes them older or loses their data, until someone says otherwise."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.release.protect import ProtectRequest, protect
from bundler.actions.release.terms import Accepted
from bundler.errors.change import ObjectFailedError, ProtectedReleaseError, ReleaseNotFoundError, RolledBackError
from bundler.errors.cluster import ForbiddenError, RejectedError
from bundler.model.cluster import Payload
from bundler.model.json import canonical_json
from bundler.model.labels import PROTECTED
from bundler.model.refs import ObjectRef
from bundler.syntax.reader import read_documents
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.lib.raw_api import ApiError
from tests.lib.templates import config_and_database
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bundler.ports import Propagation
    from tests.lib.controlplane import ControlPlane
    from tests.scenario.conftest import World

DOCS: Final = Path(__file__).parents[2] / "docs"
STORE = config_and_database("""
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: {{ values.size }}}}}
""")


def store(folder: Path, version: str = "1.1.0") -> Path:
    files = {"templates/a.yaml": STORE, "values.yaml": "text: one\ndb: true\nsize: 1Gi\n"}
    return make_bundle(folder / version, files, name="store", version=version)


def turn(world: World, *, is_on: bool, release: str = "shop", reason: str = "production") -> None:
    operator = world.operator
    place = {"release": release, "namespace": operator.namespace, "user": operator.name}
    protect(ProtectRequest(**place, is_on=is_on, reason=reason), operator.ports())  # type: ignore[arg-type]


def marked(world: World) -> set[str]:
    refs = [
        ObjectRef("", "Namespace", "", world.operator.namespace),
        *(ObjectRef(group, kind, world.operator.namespace, name) for group, kind, name in HOLDERS),
    ]
    live = {ref.kind: world.cluster.get(ref) or {} for ref in refs}
    return {kind for kind, body in live.items() if PROTECTED in body.get("metadata", {}).get("annotations", {})}  # type: ignore[union-attr, operator]


HOLDERS = (("apps", "StatefulSet", "db"), ("", "PersistentVolumeClaim", "data-db-0"), ("", "ConfigMap", "cfg"))
ALL = {"Namespace", "StatefulSet", "PersistentVolumeClaim"}


def test_a_protected_release_lives_on_and_loses_nothing_until_its_protection_is_taken_off(
    world: World, tmp_path: Path
) -> None:
    operator, new, old = world.operator, store(tmp_path), store(tmp_path, "1.0.0")
    operator.install(old, size="1Gi")
    operator.upgrade(new)
    turn(world, is_on=True)
    assert marked(world) == ALL
    shown = operator.history()[-1].protection
    assert shown is not None
    assert (shown.is_on, shown.user, shown.reason) == (True, "ada@desk", "production")
    assert operator.diff(new).plan.is_empty, "the mark is a field of its own"
    found = find_drift(DriftRequest(release="shop", namespace=operator.namespace), operator.ports())
    assert found.objects == ()

    with pytest.raises(ProtectedReleaseError, match="protection of release shop") as raised:
        operator.uninstall()
    assert raised.value.context[0] == "it would be uninstalled"
    assert "bundler protect shop --off -m REASON" in raised.value.hint
    with pytest.raises(ProtectedReleaseError) as raised:
        operator.upgrade(old, request={"accepted": Accepted(losses=True, downgrade=True)})
    assert raised.value.context[0] == "store 1.1.0 is deployed, and would become 1.0.0"
    with pytest.raises(ProtectedReleaseError):
        operator.rollback(accepted=Accepted(downgrade=True))
    with pytest.raises(ProtectedReleaseError) as raised:
        operator.diff(new, db="false")
    assert raised.value.context[0] == "StatefulSet/db would be deleted, and what is lost with it cannot be recovered"
    assert operator.statuses() == ["superseded", "deployed"]

    operator.upgrade(new, text="two")
    operator.rollback()
    assert operator.history()[-1].protection == shown, "upgrades and rollbacks leave it as it is"
    operator.upgrade(new, size="2Gi")  # the StatefulSet is made again around its pods, which loses nothing
    assert marked(world) == ALL

    turn(world, is_on=False, reason="moved to the new cluster")
    assert marked(world) == set()
    last = operator.history()[-1].protection
    assert last is not None
    assert (last.is_on, last.reason) == (False, "moved to the new cluster")
    operator.upgrade(new, db="false")
    operator.uninstall()
    assert operator.history() == ()


@IN_MEMORY
def test_two_protected_releases_of_a_namespace_each_take_their_own_mark_off(world: World, tmp_path: Path) -> None:
    files = {"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ release.name }}'}\n"}
    for release in ("one", "two"):
        world.operator.install(make_bundle(tmp_path / release, files), release)
        turn(world, is_on=True, release=release)
    turn(world, is_on=False, release="one")
    assert marked(world) == {"Namespace"}
    turn(world, is_on=False, release="two")
    assert marked(world) == set()


def test_a_release_that_is_not_there_or_was_uninstalled_cannot_be_protected(
    sandbox_world: World, tmp_path: Path
) -> None:
    operator = sandbox_world.operator
    with pytest.raises(ReleaseNotFoundError):
        turn(sandbox_world, is_on=True)
    operator.install(store(tmp_path))
    operator.uninstall(keeps_history=True)
    with pytest.raises(ReleaseNotFoundError, match="protecting release shop"):
        turn(sandbox_world, is_on=True)


def test_protection_holds_where_the_newest_record_is_lost(sandbox_world: World, tmp_path: Path) -> None:
    operator = sandbox_world.operator
    operator.install(store(tmp_path))
    operator.upgrade(store(tmp_path), text="two")
    turn(sandbox_world, is_on=True)
    newest = operator.history()[-1]
    sandbox_world.cluster.delete(
        ObjectRef("", "Secret", operator.namespace, f"bundler.release.shop.v{newest.revision}")
    )
    with pytest.raises(ProtectedReleaseError):
        operator.uninstall()


@pytest.mark.parametrize("is_on", [True, False])
def test_a_run_that_died_while_protecting_is_repeated_and_no_mark_is_left_without_its_record(
    sandbox_world: World, tmp_path: Path, *, is_on: bool
) -> None:
    world, operator = sandbox_world, sandbox_world.operator
    operator.install(store(tmp_path))
    if not is_on:
        turn(world, is_on=True)
    cluster = world.cluster
    for number in range(1, 60):
        world.operator.cluster = faulty = FaultyCluster(cluster)
        faulty.fail_at(number, after=KeyboardInterrupt())
        try:
            turn(world, is_on=is_on)
        except KeyboardInterrupt:
            cluster.delete(ObjectRef("coordination.k8s.io", "Lease", operator.namespace, "bundler.shop"))
            said = operator.history()[-1].protection
            assert not marked(world) or (said is not None and said.is_on)
        else:
            break
    assert number > 3
    assert marked(world) == (ALL if is_on else set())


def test_a_failed_upgrade_is_undone_although_the_release_is_protected(sandbox_world: World, tmp_path: Path) -> None:
    operator = sandbox_world.operator
    operator.install(store(tmp_path, "1.0.0"), db="false")
    turn(sandbox_world, is_on=True)
    sandbox_world.cluster.fail("StatefulSet", "db", "ImagePullBackOff", operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(RolledBackError):
        operator.upgrade(store(tmp_path), db="true", request={"rollback_s": 60.0})
    assert operator.live("StatefulSet", "db", "apps") is None, "what the change has made goes with it"
    assert operator.history()[-1].bundle.version == "1.0.0"
    with pytest.raises(ObjectFailedError):
        operator.upgrade(store(tmp_path), db="true")
    with pytest.raises(ProtectedReleaseError) as raised:
        operator.rollback()
    assert [line for line in raised.value.context if "would be" in line] == [
        "StatefulSet/db would be deleted, and what is lost with it cannot be recovered"
    ], "1.0.0 is not an older version: the newer one was never deployed"


def test_what_may_not_be_marked_is_said_and_does_not_keep_protection_from_its_place(
    sandbox_world: World, tmp_path: Path
) -> None:
    world, operator = sandbox_world, sandbox_world.operator
    operator.install(store(tmp_path))
    turn(world, is_on=True)
    denied, cluster = (
        FaultyCluster(world.cluster, counts=lambda verb, dry: verb in {"get", "list", "apply"}),
        world.cluster,
    )
    refused = ForbiddenError("as a user of one namespace", context=["namespaces may not be read"], hint="ask for it")
    denied.fail_when(
        lambda call: call.ref is not None and call.ref.kind == "Namespace", before=refused, is_lasting=True
    )
    operator.cluster = denied
    for is_on in (False, True):
        turn(world, is_on=is_on)
        said = operator.history()[-1].protection
        assert said is not None
        assert said.is_on is is_on
        assert any("reading Namespace/prod: namespaces may not be read" in str(event) for event in operator.events)
    world.cluster = operator.cluster = cluster
    assert marked(world) == ALL


@pytest.mark.controlplane
@pytest.mark.parametrize("world", ["real"], indirect=True)
def test_the_policy_of_the_manual_refuses_what_kubectl_delete_sends_until_protection_is_off(
    world: World, policy: None, control_plane: ControlPlane, tmp_path: Path
) -> None:
    world.operator.install(store(tmp_path))
    world.creator(claim_body(world, "free"))  # type: ignore[attr-defined]
    turn(world, is_on=True)
    place = world.operator.namespace
    holders = [
        ObjectRef("", "Namespace", "", place),
        ObjectRef("apps", "StatefulSet", place, "db"),
        ObjectRef("", "PersistentVolumeClaim", place, "data-db-0"),
    ]
    wait_until(lambda: refusal(world, holders[0]))
    for ref in holders:
        assert "belongs to a protected release" in refusal(world, ref)
        assert "bundler protect RELEASE --off" in refusal(world, ref)
    with pytest.raises(ApiError, match="belongs to a protected release"):  # many at once, as a controller may
        control_plane.api("DELETE", f"/api/v1/namespaces/{place}/persistentvolumeclaims?labelSelector=app=db")
    assert not refusal(world, holders[1], propagation="Orphan"), "its pods stay"
    assert not refusal(world, ObjectRef("", "PersistentVolumeClaim", place, "free")), "it is no one's"
    with pytest.raises(ProtectedReleaseError, match="checking the protection"):
        world.operator.uninstall()
    world.operator.upgrade(store(tmp_path), size="2Gi")  # the StatefulSet is made again around its pods
    assert refusal(world, holders[1])
    turn(world, is_on=False)
    for ref in holders:
        assert not refusal(world, ref)
    world.operator.uninstall()


def claim_body(world: World, name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": world.operator.namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def refusal(world: World, ref: ObjectRef, propagation: Propagation = "Background") -> str:
    """Return what the API says to the deletion of an object; empty where it would be done."""
    try:
        world.cluster.delete(ref, propagation=propagation, is_dry_run=True)
    except (ForbiddenError, RejectedError) as error:
        return " ".join((str(error), *error.context))
    return ""


def wait_until(is_true: Callable[[], object]) -> None:
    ends = time.monotonic() + 120
    while not is_true():
        assert time.monotonic() < ends
        time.sleep(0.2)


@pytest.fixture
def policy(world: World) -> Iterator[None]:
    """The policy as the manual shows it; a new one takes seconds to come into force."""
    text = (DOCS / "how-to-protect.md").read_text("utf-8")
    _, _, rest = text.partition("```yaml\n")
    bodies = [one.value for one in read_documents(rest.partition("```")[0])]
    refs = [ObjectRef("admissionregistration.k8s.io", body["kind"], "", body["metadata"]["name"]) for body in bodies]  # type: ignore[index, call-overload, arg-type]
    for ref, body in zip(refs, bodies, strict=True):
        world.cluster.create(Payload(ref=ref, api_version=body["apiVersion"], content=canonical_json(body)))  # type: ignore[index, call-overload, arg-type]
    yield
    for ref in reversed(refs):
        world.cluster.delete(ref)


def test_a_secret_in_a_reason_is_not_recorded(sandbox_world: World) -> None:
    sandbox_world.operator.install(sandbox_world.menu, token="correct-horse-battery")
    other = sandbox_world.another_operator()
    asked = ProtectRequest(release="shop", namespace=other.namespace, reason="its token is correct-horse-battery")
    said = protect(asked, other.ports())
    assert said.reason == "its token is ***"
    assert other.history()[-1].protection == said
