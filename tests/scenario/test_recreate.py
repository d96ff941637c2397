"""Objects with fields that cannot change: recreated where someone named them, and never otherwise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import (
    FieldConflictError,
    ImmutableFieldError,
    ObjectFailedError,
    PlanError,
    RolledBackError,
)
from bundler.errors.cluster import ConflictError
from bundler.model.change import Action
from bundler.model.cluster import Payload
from bundler.model.conflicts import OnConflict
from bundler.model.json import canonical_json, items_at, mapping_at, value_at
from bundler.model.refs import ObjectRef
from bundler.planning.safety import losses, lost_with
from bundler.sandbox.client import SandboxClient
from tests.lib.bundles import make_bundle
from tests.lib.clocks import FakeClock
from tests.lib.dying import DeathError, DyingCluster, deaths
from tests.lib.faulty import FaultyCluster
from tests.lib.operator import Operator
from tests.lib.sandboxes import closed_when_dropped
from tests.scenario.conftest import IN_MEMORY, QUICK_FAILURE

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.release.lifecycle import ChangeResult
    from bundler.model.change import Change
    from tests.scenario.conftest import World

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ values.replicas }}
  selector: {matchLabels: {app: {{ values.app }}}}
  template:
    metadata: {labels: {app: {{ values.app }}}}
    spec: {containers: [{name: web, image: docker.io/library/web:1}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  {% if values.headless %}
  clusterIP: None
  {% endif %}
  selector: {app: {{ values.app }}}
  ports: [{name: http, port: 80}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: init}
spec:
  parallelism: 1
  template:
    spec: {restartPolicy: Never, containers: [{name: init, image: "docker.io/library/init:{{ values.tag }}"}]}
"""
DATABASE = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: {{ values.members }}
  {% if values.expendable %}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}
  {% endif %}
  serviceName: {{ values.service }}
  selector: {matchLabels: {app: {{ values.dbapp }}}}
  template:
    metadata: {labels: {app: {{ values.dbapp }}, tier: data}}
    spec: {containers: [{name: db, image: "docker.io/library/db:{{ values.tag }}"}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        {% if values.class %}
        storageClassName: {{ values.class }}
        {% endif %}
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: {{ values.size }}}}
    {% if values.logs %}
    - metadata: {name: logs}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
    {% endif %}
"""
VALUES = """
app: one
replicas: 1
headless: false
tag: "1"
service: db
dbapp: db
members: 2
class: ''
size: 1Gi
logs: false
expendable: false
"""


def named(*names: str, **more: object) -> dict[str, object]:
    return {"request": {"recreates": names, **more}}


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    files = {"templates/web.yaml": WEB, "templates/db.yaml": DATABASE, "values.yaml": VALUES}
    return make_bundle(tmp_path / "app", files, name="app")


@pytest.fixture
def shop(world: World, menu: Path) -> World:
    world.operator.install(menu)
    return world


on_the_sandbox = pytest.mark.parametrize("world", ["sandbox"], indirect=True)
"""What the one scenario on both does not show; the sandbox answers as the real API does, which a contract holds."""


def change_of(result: ChangeResult, short: str) -> Change:
    (found,) = [one for one in result.proposal.plan.changes if one.ref.short == short]
    return found


def uid(world: World, kind: str, name: str, group: str = "") -> object:
    return value_at(world.get(kind, name, group), "metadata", "uid")


def pods(world: World) -> dict[str, object]:
    return {name: uid(world, "Pod", name) for name in ("db-0", "db-1")}


@pytest.mark.slow
def test_each_named_object_is_recreated_pods_of_the_stateful_set_stay_and_all_converges(shop, menu):
    shop.operator.upgrade(menu, expendable="true")  # not even then does a claim go
    claims = [uid(shop, "PersistentVolumeClaim", name) for name in ("data-db-0", "data-db-1")]
    before, address = pods(shop), value_at(shop.get("Service", "web"), "spec", "clusterIP")
    changed = {"app": "two", "headless": "true", "service": "other", "size": "2Gi", "expendable": "true"}
    with pytest.raises(ImmutableFieldError) as raised:
        shop.operator.upgrade(menu, **changed)
    fields = [str(line).partition(": ")[2] for line in raised.value.context]
    assert fields == [
        'StatefulSet/db .spec.serviceName: "db" → "other" cannot be changed',
        'StatefulSet/db .spec.volumeClaimTemplates[data].spec.resources.requests.storage: "1Gi" → "2Gi" cannot be changed',
        'Deployment/web .spec.selector.matchLabels.app: "one" → "two" cannot be changed',
        f'Service/web .spec.clusterIP: "{address}" → "None" cannot be changed',
    ]
    done = shop.operator.upgrade(menu, **changed, **named("Deployment/web", "Service/web", "StatefulSet/db"))
    assert {one.ref.short for one in done.proposal.plan.changes if one.action is Action.RECREATE} == {
        "Deployment/web", "Service/web", "StatefulSet/db",
    }  # fmt: skip
    assert list(lost_with(change_of(done, "Service/web"))) == [
        f"its cluster IP {address}, to which clients may be connected"
    ]
    assert (losses(done.proposal.plan), pods(shop)) == ((), before)
    assert value_at(shop.get("Service", "web"), "spec", "clusterIP") == "None"
    (owner,) = items_at(shop.get("Pod", "db-0"), "metadata", "ownerReferences")
    assert owner["uid"] == uid(shop, "StatefulSet", "db", "apps")
    assert [uid(shop, "PersistentVolumeClaim", name) for name in ("data-db-0", "data-db-1")] == claims
    claim = shop.get("PersistentVolumeClaim", "data-db-1")
    assert value_at(claim, "spec", "resources", "requests", "storage") == "2Gi"
    assert shop.operator.upgrade(menu, **changed).proposal.plan.is_empty
    shop.operator.upgrade(menu, **changed, tag="2")
    image = shop.get("Pod", "db-0")["spec"]["containers"][0]["image"]
    assert image == "docker.io/library/db:2", "the new one looks after the pods that it took up"
    metadata = mapping_at(shop.get("PersistentVolumeClaim", "data-db-0"), "metadata")
    assert (metadata["uid"], metadata.get("deletionTimestamp")) == (claims[0], None)


@on_the_sandbox
def test_a_change_of_a_selector_is_refused_in_few_lines_that_name_both_values_and_the_ways_out(shop, menu):
    with pytest.raises(ImmutableFieldError) as raised:
        shop.operator.upgrade(menu, app="two")
    assert list(raised.value.context) == [
        'templates/web.yaml:1: Deployment/web .spec.selector.matchLabels.app: "one" → "two" cannot be changed'
    ]
    assert raised.value.hint == (
        "keep the old value, or pass --recreate Deployment/web, which loses its pods: all of them stop before new ones "
        "start; nothing was written"
    )


@on_the_sandbox
def test_a_deployment_that_is_named_is_recreated_and_nothing_else_is(shop, menu):
    before = uid(shop, "Deployment", "web", "apps"), uid(shop, "StatefulSet", "db", "apps")
    done = shop.operator.upgrade(menu, app="two", **named("Deployment/web"))
    change = change_of(done, "Deployment/web")
    assert (change.action, change.reason) == (Action.RECREATE, ".spec.selector cannot be changed (--recreate)")
    assert list(lost_with(change)) == ["its pods: all of them stop before new ones start"]
    assert [one.ref.short for one in done.proposal.plan.changes if one.action is Action.RECREATE] == ["Deployment/web"]
    after = uid(shop, "Deployment", "web", "apps"), uid(shop, "StatefulSet", "db", "apps")
    assert (after[0] != before[0], after[1]) == (True, before[1])
    assert shop.operator.upgrade(menu, app="two").proposal.plan.is_empty


@on_the_sandbox
def test_a_name_has_no_effect_where_the_object_can_be_changed_in_place(shop, menu):
    before = uid(shop, "Deployment", "web", "apps")
    done = shop.operator.upgrade(menu, replicas="2", **named("Deployment/web"))
    assert change_of(done, "Deployment/web").action is Action.UPDATE
    assert uid(shop, "Deployment", "web", "apps") == before


@on_the_sandbox
def test_a_name_that_no_object_has_is_refused(shop, menu):
    with pytest.raises(PlanError) as raised:
        shop.operator.upgrade(menu, app="two", **named("Deployment/wbe"))
    assert "--recreate Deployment/wbe: the release has no such object" in raised.value.context
    assert "name one of Deployment/web" in raised.value.hint


@on_the_sandbox
def test_a_stateful_set_is_recreated_around_its_pods(shop, menu):
    before = pods(shop)
    with pytest.raises(ImmutableFieldError) as raised:
        shop.operator.upgrade(menu, service="other")
    assert "--recreate StatefulSet/db: its pods and claims stay, and the new one takes them up" in raised.value.hint
    done = shop.operator.upgrade(menu, service="other", **named("StatefulSet/db"))
    assert change_of(done, "StatefulSet/db").reason == (
        ".spec.serviceName cannot be changed (--recreate); its pods stay, and the new one takes them up; "
        "pods keep their DNS names until they are restarted"
    )
    assert losses(done.proposal.plan) == ()
    assert pods(shop) == before
    (owner,) = items_at(shop.get("Pod", "db-0"), "metadata", "ownerReferences")
    assert owner["uid"] == uid(shop, "StatefulSet", "db", "apps")
    shop.operator.upgrade(menu, service="other", tag="2")
    image = shop.get("Pod", "db-0")["spec"]["containers"][0]["image"]
    assert image == "docker.io/library/db:2", "the new one looks after the pods that it took up"


def test_pods_without_a_volume_for_a_new_claim_template_end_and_claims_stay(shop, menu):
    before, claim = pods(shop), uid(shop, "PersistentVolumeClaim", "data-db-0")
    done = shop.operator.upgrade(menu, logs="true", **named("StatefulSet/db"))
    assert "its pods: all of them stop before new ones start" in lost_with(change_of(done, "StatefulSet/db"))
    after = pods(shop)
    assert None not in after.values()
    assert not set(after.values()) & set(before.values())
    assert uid(shop, "PersistentVolumeClaim", "data-db-0") == claim
    assert shop.get("PersistentVolumeClaim", "logs-db-1") is not None


@on_the_sandbox
def test_a_selector_that_does_not_find_the_pods_ends_them(shop, menu):
    done = shop.operator.upgrade(menu, dbapp="other", **named("StatefulSet/db"))
    assert not change_of(done, "StatefulSet/db").keeps_pods
    assert mapping_at(shop.get("Pod", "db-0"), "metadata", "labels")["app"] == "other"


@on_the_sandbox
def test_a_rollback_asks_again_and_goes_back_where_it_is_named(shop, menu):
    shop.operator.upgrade(menu, app="two", **named("Deployment/web"))
    with pytest.raises(ImmutableFieldError) as raised:
        shop.operator.rollback()
    assert "--recreate Deployment/web" in raised.value.hint
    shop.operator.rollback(recreates=("Deployment/web",))
    assert value_at(shop.get("Deployment", "web", "apps"), "spec", "selector", "matchLabels", "app") == "one"


@on_the_sandbox
def test_a_conflict_is_decided_before_anything_is_recreated(shop, menu):
    shop.edit("Deployment", "web", {"spec": {"replicas": 3}}, group="apps")
    with pytest.raises(FieldConflictError):
        shop.operator.upgrade(menu, app="two", **named("Deployment/web"))
    take = {"on_conflict": OnConflict.TAKE}
    shop.operator.upgrade(menu, app="two", **named("Deployment/web", **take))
    assert value_at(shop.get("Deployment", "web", "apps"), "spec", "replicas") == 1


def declared(menu: Path, *names: str) -> None:
    path = menu / "bundle.yaml"
    path.write_text(path.read_text().replace("spec: {}", f"spec: {{upgrade: {{recreate: [{', '.join(names)}]}}}}"))


@on_the_sandbox
def test_a_bundle_decides_for_its_own_objects(shop, menu):
    declared(menu, "Deployment/w*b")
    done = shop.operator.upgrade(menu, app="two")
    line = len((menu / "bundle.yaml").read_text().splitlines())
    reason = change_of(done, "Deployment/web").reason
    assert reason == f".spec.selector cannot be changed (bundle.yaml:{line})"


@on_the_sandbox
def test_a_component_decides_for_its_own_objects_alone(world, menu):
    top = make_bundle(menu.parent, {}, name="top", components=[
        {"name": "first", "bundle": "../app"}, {"name": "second", "bundle": "../other"},
    ])  # fmt: skip
    files = {
        "templates/web.yaml": WEB.replace("name: web}", "name: web-two}").replace("name: init}", "name: init-two}")
    }
    make_bundle(menu.parent, {**files, "values.yaml": VALUES}, name="other")
    declared(menu, "Deployment/web", "Deployment/web-two")
    world.operator.install(top)
    world.operator.upgrade(top, first__app="two")
    with pytest.raises(ImmutableFieldError) as raised:
        world.operator.upgrade(top, first__app="two", second__app="two")
    (line,) = raised.value.context
    assert "Deployment/web-two" in line


@on_the_sandbox
def test_a_change_that_failed_goes_back_over_what_it_recreated(shop, menu):
    (menu / "templates" / "bad.yaml").write_text(WEB.partition("---")[0].replace("name: web}", "name: bad}"))
    shop.cluster.fail("Deployment", "bad", "ImagePullBackOff", shop.operator.namespace)
    shop.operator.fail_fast = QUICK_FAILURE
    with pytest.raises(RolledBackError):
        shop.operator.upgrade(menu, app="two", **named("Deployment/web", rollback_s=60.0))
    assert value_at(shop.get("Deployment", "web", "apps"), "spec", "selector", "matchLabels", "app") == "one"


def owners_of(world: World, kind: str, name: str, group: str, field: str) -> set[str]:
    entries = items_at(world.get(kind, name, group), "metadata", "managedFields")
    return {str(one["manager"]) for one in entries if f"f:{field}" in mapping_at(one, "fieldsV1", "f:spec")}


@on_the_sandbox
@pytest.mark.parametrize(
    ("policy", "members", "owner"), [(OnConflict.TAKE, 2, "bundler"), (OnConflict.KEEP, 1, "kubectl-edit")]
)
def test_a_stateful_set_whose_claims_grow_obeys_what_was_decided_of_its_conflicts(shop, menu, policy, members, owner):
    shop.edit("StatefulSet", "db", {"spec": {"replicas": 1}}, group="apps")
    with pytest.raises(FieldConflictError):
        shop.operator.upgrade(menu, size="2Gi")
    asked = {"request": {"on_conflict": policy}}
    done = shop.operator.upgrade(menu, size="2Gi", **asked)
    change = change_of(done, "StatefulSet/db")
    assert (change.action, [one.policy for one in change.decided]) == (Action.RECREATE, [policy])
    live = shop.get("StatefulSet", "db", "apps")
    assert value_at(live, "spec", "replicas") == members
    assert items_at(live, "spec", "volumeClaimTemplates")[0]["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert owners_of(shop, "StatefulSet", "db", "apps", "replicas") == {owner}
    assert shop.operator.upgrade(menu, size="2Gi", tag="2").proposal.plan.changes
    assert value_at(shop.get("StatefulSet", "db", "apps"), "spec", "replicas") == members


@on_the_sandbox
def test_a_failed_job_runs_again_with_the_fields_that_are_left_to_others(world, menu):
    (name,) = [one.ref.name for one in world.operator.diff(menu).plan.changes if one.ref.kind == "Job"]
    namespace = world.operator.namespace
    world.cluster.fail("Job", name, "CrashLoopBackOff", namespace)
    world.operator.fail_fast = QUICK_FAILURE
    with pytest.raises(ObjectFailedError):
        world.operator.install(menu)
    world.edit("Job", name, {"spec": {"parallelism": 2}}, group="batch")
    world.cluster.heal("Job", name, namespace)
    done = world.operator.upgrade(menu, request={"on_conflict": OnConflict.KEEP})
    change = change_of(done, f"Job/{name}")
    assert (change.action, change.reason) == (Action.RECREATE, "its last run failed")
    assert value_at(world.get("Job", name, "batch"), "spec", "parallelism") == 2
    assert owners_of(world, "Job", name, "batch", "parallelism") == {"kubectl-edit"}


@IN_MEMORY
@pytest.mark.slow
def test_what_is_kept_of_an_object_that_is_recreated_is_kept_for_good(shop, menu):
    shop.edit("Deployment", "web", {"spec": {"replicas": 3}}, group="apps")
    keep = {"on_conflict": OnConflict.KEEP}
    shop.operator.upgrade(menu, app="two", **named("Deployment/web", **keep))
    for tag in ("2", "3"):
        shop.operator.upgrade(menu, app="two", tag=tag, replicas="2")
        assert value_at(shop.get("Deployment", "web", "apps"), "spec", "replicas") == 3
    assert owners_of(shop, "Deployment", "web", "apps", "replicas") == {"kubectl-edit"}
    shop.operator.upgrade(menu, app="three", **named("Deployment/web"))
    assert value_at(shop.get("Deployment", "web", "apps"), "spec", "replicas") == 3


@on_the_sandbox
def test_a_deployment_that_an_autoscaler_drives_is_recreated_with_as_many_replicas(shop, menu):
    (menu / "templates" / "autoscaler.yaml").write_text(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n"
        "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  minReplicas: 1\n  maxReplicas: 5\n"
    )
    shop.operator.upgrade(menu)
    shop.cluster.scale("Deployment", "web", 3, namespace=shop.operator.namespace)
    done = shop.operator.upgrade(menu, app="two", **named("Deployment/web"))
    assert change_of(done, "Deployment/web").is_autoscaled
    assert value_at(shop.get("Deployment", "web", "apps"), "spec", "replicas") == 3


NOBODY = 4_194_305
"""One more than any process id can be: the process that held the lock is gone."""


@pytest.mark.slow
@pytest.mark.parametrize("goes_on", ["the same command", "a rollback"])
def test_a_run_that_dies_anywhere_while_it_recreates_is_finished_by_the_next(tmp_path, menu, goes_on):
    path, clock = tmp_path / "installed.db", FakeClock()
    client = closed_when_dropped(SandboxClient.open(path, clock))
    Operator(client, "prod", clock=clock, timeout_s=600).install(menu)
    client.close()
    installed = path.read_bytes()
    names = ("Deployment/web", "Service/web", "StatefulSet/db")
    changed = {"app": "two", "headless": "true", "service": "other", "size": "2Gi"}

    def fresh(number: int = 0, *, is_after: bool = False) -> tuple[SandboxClient, Operator, DyingCluster]:
        path.write_bytes(installed)
        clock = FakeClock()
        client = closed_when_dropped(SandboxClient.open(path, clock))
        cluster = DyingCluster(client, number=number, is_after=is_after)
        return client, Operator(cluster, "prod", clock=clock, timeout_s=600, pid=NOBODY), cluster

    def uids(client: SandboxClient) -> list[object]:
        found = (client.get(ObjectRef("", "Pod", "prod", f"db-{number}")) for number in (0, 1))
        return [value_at(pod, "metadata", "uid") for pod in found]

    client, operator, cluster = fresh()
    before = uids(client)
    operator.upgrade(menu, **changed, **named(*names))
    client.close()
    assert {"Deployment", "Service", "StatefulSet"} <= {kind for verb, kind in cluster.writes if verb == "delete"}
    missing = 0
    for number, is_after in deaths(cluster.writes):
        client, doomed, _ = fresh(number, is_after=is_after)
        with pytest.raises(DeathError):
            doomed.upgrade(menu, **changed, **named(*names))
        heir = Operator(client, "prod", clock=doomed.clock, timeout_s=600)
        goes_back = goes_on == "a rollback" and len(heir.statuses()) > 1
        if goes_back:
            result = heir.rollback(revision=1, recreates=names)
        else:
            result = heir.upgrade(menu, **changed, **named(*names))
        reasons = [one.reason for one in result.proposal.plan.changes if one.action is Action.CREATE]
        missing += len(reasons)
        assert set(reasons) <= {"revision 2 deleted it to create it again, and did not finish"}
        assert heir.statuses()[-1] == "deployed", (number, is_after)
        assert uids(client) == before, (number, is_after)
        web = client.get(ObjectRef("apps", "Deployment", "prod", "web"))
        assert value_at(web, "spec", "selector", "matchLabels", "app") == ("one" if goes_back else "two")
        client.close()
    assert missing >= 3, "each of the three was found missing once"


@pytest.mark.slow
def test_a_full_quota_does_not_keep_an_object_from_being_recreated(shop, menu):
    ref = ObjectRef("", "ResourceQuota", shop.operator.namespace, "full")
    body = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "spec": {"hard": {"count/deployments.apps": "1"}},
    }
    shop.cluster.apply(Payload(ref=ref, api_version="v1", content=canonical_json(body)))
    deadline = time.monotonic() + 60
    while not mapping_at(shop.get("ResourceQuota", "full"), "status", "used") and time.monotonic() < deadline:
        time.sleep(0.1)
    done = shop.operator.upgrade(menu, app="two", **named("Deployment/web"))
    change = change_of(done, "Deployment/web")
    assert (change.action, change.is_verified) == (Action.RECREATE, False), "the old one still counts"
    assert value_at(shop.get("Deployment", "web", "apps"), "spec", "selector", "matchLabels", "app") == "two"


@on_the_sandbox
def test_an_object_that_someone_else_put_in_the_place_of_the_old_one_is_left_alone(shop, menu):
    cluster = FaultyCluster(shop.cluster)
    moved = ConflictError("deleting", context=["its uid is another one"], hint="run the same command again")
    cluster.fail_when(lambda call: call.verb == "delete" and call.ref.kind == "Deployment", before=moved)
    other = Operator(cluster, shop.operator.namespace, clock=shop.operator.clock, timeout_s=600)
    before = shop.get("Deployment", "web", "apps")["metadata"]["resourceVersion"]
    with pytest.raises(ConflictError):
        other.upgrade(menu, app="two", **named("Deployment/web"))
    assert shop.get("Deployment", "web", "apps")["metadata"]["resourceVersion"] == before
