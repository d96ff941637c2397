"""Why something is not ready is told early, once, and again when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state, wait_for_release
from bundler.errors.change import ObjectFailedError, WaitTimeoutError
from bundler.errors.cluster import ForbiddenError
from bundler.model.cluster import Payload
from bundler.model.events import HealthChanged, Warned
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.enough_time import with_enough_time
from tests.lib.faulty import FaultyCluster
from tests.lib.templates import database
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

DATABASE = database("""
    - metadata: {name: data}
      spec:
        storageClassName: fast
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: 1Gi}}
""")

NOWHERE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: nothing}, ports: [{port: 80}]}
"""


def details(world: World, kind: str) -> list[str]:
    return [e.detail for e in world.operator.events if isinstance(e, HealthChanged) and e.ref.kind == kind]


def test_a_pod_that_cannot_be_scheduled_is_told_once(sandbox_world: World) -> None:
    world = sandbox_world
    world.operator.timeout_s = 120
    world.cluster.fail("Deployment", "shop-web", "Unschedulable", "prod")  # type: ignore[attr-defined]
    with pytest.raises(WaitTimeoutError):
        world.operator.install(world.menu)
    told = [detail for detail in details(world, "Deployment") if detail]
    assert len(told) == 1
    assert "Unschedulable" in told[0]


@IN_MEMORY  # on the real API the command line names them, in `tests/e2e/test_cli.py`
def test_a_claim_that_cannot_be_bound_is_named_with_its_class_and_reason(world: World, tmp_path: Path) -> None:
    menu = make_bundle(tmp_path / "db", {"templates/db.yaml": DATABASE}, name="db")
    reason = (
        'claim data-db-0 Pending, of storage class fast: ProvisioningFailed: storageclass.storage.k8s.io "fast" not'
    )

    def run_out(seconds: int) -> tuple[list[str], str]:
        world.operator.timeout_s = seconds
        world.operator.events.clear()
        with pytest.raises(WaitTimeoutError) as raised:
            world.operator.install(menu)
        return [detail for detail in details(world, "StatefulSet") if detail], "\n".join(raised.value.context)

    told, text = with_enough_time(run_out, lambda done: any(reason in detail for detail in done[0]), first_s=12)
    assert reason in told[-1]
    assert len(told) <= 3, "the pod first, then its claim: never the same twice"
    assert reason.replace("data-db-0 ", "data-db-0: ") in text


@IN_MEMORY
def test_a_failed_upgrade_names_the_way_back(world: World) -> None:
    world.operator.install(world.menu)
    with pytest.raises(ObjectFailedError) as raised:
        world.operator.upgrade(world.menu, image=world.break_web())
    assert f"go back with `bundler rollback shop 1 -n {world.operator.namespace}`" in str(raised.value.hint)


def test_a_failed_install_has_no_way_back(sandbox_world: World) -> None:
    with pytest.raises(ObjectFailedError) as raised:
        sandbox_world.operator.install(sandbox_world.menu, image=sandbox_world.break_web())
    assert raised.value.hint == "fix what is named above and run the same command again"


@pytest.mark.parametrize("kind", ["Pod", "Event"])
def test_what_may_not_be_read_of_objects_that_are_not_ready_is_named_once(sandbox_world: World, kind: str) -> None:
    world = sandbox_world
    world.operator.timeout_s = 60
    world.cluster.fail("Deployment", "shop-web", "NotReady", "prod")  # type: ignore[attr-defined]
    faulty = FaultyCluster(world.cluster, counts=lambda verb, _dry: verb == "list")
    refused = ForbiddenError("listing", context=[f"cannot list {kind} in namespace prod as ada"], hint="ask")
    faulty.fail_when(lambda call: call.subject.kind == kind, before=refused, is_lasting=True)
    world.operator.cluster = faulty  # type: ignore[assignment]
    with pytest.raises(WaitTimeoutError):
        world.operator.install(world.menu)
    said = [event.text for event in world.operator.events if isinstance(event, Warned) and " as ada" in event.text]
    assert said == [
        f"what {kind.lower()}s say of objects that are not ready is left out: cannot list {kind} in namespace prod as ada"
    ]


def warning_about(kind: str, message: str, uid: str = "") -> Payload:
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"about.{kind.lower()}", "namespace": "prod"},
        "involvedObject": {"kind": kind, "name": "shop-web", "namespace": "prod"} | ({"uid": uid} if uid else {}),
        "type": "Warning",
        "reason": "Told",
        "message": message,
        "lastTimestamp": "2030-01-01T00:00:00Z",
    }
    ref = ObjectRef("", "Event", "prod", f"about.{kind.lower()}")
    return Payload(ref=ref, api_version="v1", content=canonical_json(body))


@pytest.mark.parametrize(
    ("kind", "uid", "is_told"),
    [("Deployment", "", True), ("Deployment", "of-one-that-is-gone", False), ("Release", "", False)],
)
def test_events_of_another_object_of_the_same_name_explain_nothing(
    sandbox_world: World, kind: str, uid: str, *, is_told: bool
) -> None:
    world = sandbox_world
    world.operator.timeout_s = 30
    world.operator.install(world.menu)
    world.cluster.create(warning_about(kind, "as it was said", uid))
    world.cluster.fail("Deployment", "shop-web", "NotReady", "prod")  # type: ignore[attr-defined]
    with pytest.raises(WaitTimeoutError) as raised:
        world.operator.upgrade(world.menu, image="docker.io/library/other:1")
    assert ("as it was said" in "\n".join(raised.value.context)) is is_told


WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: first}
spec:
  selector: {matchLabels: {app: first}}
  template: {metadata: {labels: {app: first}}, spec: {containers: [{name: web, image: "{{ values.image }}"}]}}
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: second}
data: {text: "{{ values.text }}"}
"""


def test_waiting_does_not_finish_a_change_that_did_not_write_everything(sandbox_world: World, tmp_path: Path) -> None:
    world = sandbox_world
    first = {"templates/first.yaml": WORKLOAD, "values.yaml": {"image": "docker.io/library/web:1"}}
    top = {
        "templates/second.yaml": CONFIG,
        "values.yaml": {"text": "one", "first": {"image": "docker.io/library/web:1"}},
    }
    make_bundle(tmp_path, first, name="first")
    menu = make_bundle(tmp_path, top, name="top", components=[{"name": "first", "bundle": "../first"}], needs=["first"])
    world.operator.timeout_s = 30
    world.operator.install(menu)
    world.cluster.fail("Deployment", "first", "NotReady", "prod")  # type: ignore[attr-defined]
    with pytest.raises(WaitTimeoutError) as raised:
        world.operator.upgrade(menu, **{"first.image": "docker.io/library/web:2", "text": "two"})
    assert raised.value.context[-1] == "not attempted: ConfigMap/second"
    assert raised.value.hint == ("run the same command again, with a larger --timeout: not everything is written yet")
    world.cluster.heal("Deployment", "first", "prod")  # type: ignore[attr-defined]
    wait_for_release(world.operator.ports(), "prod", "shop")
    said = [event.text for event in world.operator.events if isinstance(event, Warned)]
    assert said[-1:] == [
        "revision 2 is failed: what it did not write is not waited for; running the same command again finishes it"
    ]
    assert world.get("ConfigMap", "second")["data"] == {"text": "one"}  # type: ignore[index]


def test_status_shows_a_service_that_leads_to_no_pod(sandbox_world: World, tmp_path: Path) -> None:
    world = sandbox_world
    world.operator.install(make_bundle(tmp_path / "web", {"templates/web.yaml": NOWHERE}, name="web"))
    (service,) = release_state(world.operator.ports(), "prod", "shop").objects
    assert service.health.warning == "its selector app=nothing matches no pod of the release"
