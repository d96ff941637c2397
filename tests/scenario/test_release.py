"""The life of a release, on the sandbox and on the real control plane: the same words, the same outcomes."""

from __future__ import annotations

import base64
import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state
from bundler.actions.release.lifecycle import RunOptions
from bundler.errors import BundlerError
from bundler.errors.change import (
    FieldConflictError,
    ForeignObjectError,
    ObjectFailedError,
    RejectedObjectsError,
    ReleaseLockedError,
    ReleaseNotFoundError,
)
from bundler.errors.cluster import RejectedError
from bundler.model.change import Action
from bundler.model.labels import RELEASE_UID
from bundler.model.refs import ObjectRef
from tests.lib.faulty import FaultyCluster
from tests.lib.menus import CONFIG, small_bundle
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from tests.scenario.conftest import World


def done(result):
    return {
        (change.action.value, change.ref.short)
        for change in result.proposal.plan.changes
        if change.action is not Action.NONE
    }


def password(world: World) -> str:
    return world.get("Secret", "shop-password")["data"]["password"]


def replicas(world: World) -> int:
    return world.get("Deployment", "shop-web", "apps")["spec"]["replicas"]


def test_the_shop_installs_whole_and_ready(world: World):
    result = world.operator.install("shop", qps="1000")
    assert result.revision.summary.revision == 1
    assert world.operator.statuses() == ["deployed"]
    assert len(result.proposal.plan.changes) == 28
    web = world.get("Deployment", "shop-web", "apps")
    assert web["status"]["readyReplicas"] == web["spec"]["replicas"] == 2
    assert world.get("HorizontalPodAutoscaler", "shop-web", "autoscaling")["spec"]["maxReplicas"] == 4
    (job,) = world.bodies("Job", "batch").values()
    assert job["status"]["succeeded"] == 1
    for claim in ("data-shop-db-0", "data-shop-cache-0"):
        assert world.get("PersistentVolumeClaim", claim)["status"]["phase"] == "Bound"


@IN_MEMORY
def test_the_same_install_again_changes_nothing_and_records_nothing(world: World):
    world.operator.install(world.menu)
    again = world.operator.install(world.menu)
    assert again.revision is None
    assert again.proposal.plan.is_empty
    assert world.operator.statuses() == ["deployed"]


def test_an_upgrade_writes_only_what_changes(world: World):
    world.operator.install(world.menu)
    before = world.get("Service", "shop-web")["metadata"]["resourceVersion"]
    result = world.operator.upgrade(world.menu, text="other")
    assert done(result) == {("update", "ConfigMap/shop-config"), ("update", "Deployment/shop-web")}
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "other"}
    assert world.get("Service", "shop-web")["metadata"]["resourceVersion"] == before
    assert world.operator.statuses() == ["superseded", "deployed"]


@IN_MEMORY
def test_recorded_values_are_the_start_of_the_next_upgrade(world: World):
    world.operator.install(world.menu, text="kept", replicas="2")
    world.operator.upgrade(world.menu, replicas="3")
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "kept"}
    assert replicas(world) == 3


def test_a_failed_upgrade_says_why_deletes_nothing_and_is_mended_by_the_next(world: World):
    world.operator.install(world.menu, extra="true")
    image = world.break_web()
    with pytest.raises(ObjectFailedError) as raised:
        world.operator.upgrade(world.menu, image=image, extra="false")
    text = "\n".join(raised.value.context)
    assert "Deployment/shop-web" in text
    assert "ImagePullBackOff" in text
    assert "templates/web.yaml" in text
    assert world.get("ConfigMap", "shop-extra") is not None, "nothing is deleted when the wait fails"
    assert world.operator.statuses() == ["deployed", "failed"]
    world.mend_web()
    world.operator.upgrade(world.menu, image="docker.io/library/web:2", extra="false")
    assert world.get("ConfigMap", "shop-extra") is None
    assert world.operator.statuses() == ["superseded", "failed", "deployed"]


@IN_MEMORY
def test_a_failed_first_install_can_be_installed_again(world: World):
    image = world.break_web()
    with pytest.raises(ObjectFailedError):
        world.operator.install(world.menu, image=image)
    world.mend_web()
    world.operator.install(world.menu, image="docker.io/library/web:1")
    assert world.operator.statuses() == ["failed", "deployed"]


def test_rollback_on_failure_tells_the_cause_and_goes_back(world: World):
    from bundler.errors.change import RolledBackError

    world.operator.install(world.menu)
    image = world.break_web()

    def mend_on_the_way(_proposal):
        return True

    if world.is_sandbox:
        pytest.skip("the sandbox fails a workload until it is healed, a rollback would fail too")
    world.operator.before_apply = mend_on_the_way
    with pytest.raises(RolledBackError) as raised:
        world.operator.upgrade(world.menu, image=image, request={"rollback_s": 60.0})
    assert "ImagePullBackOff" in "\n".join(raised.value.context)
    assert "rolled back to revision 1" in "\n".join(raised.value.context)
    assert world.operator.statuses() == ["superseded", "failed", "deployed"]


def test_a_rollback_applies_what_was_recorded_as_a_new_revision(world: World):
    world.operator.install(world.menu, text="one")
    world.operator.upgrade(world.menu, text="two", extra="true")
    result = world.operator.rollback()
    assert result.revision.rolled_back_to == 1
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "one"}
    assert world.get("ConfigMap", "shop-extra") is None
    assert world.operator.statuses() == ["superseded", "superseded", "deployed"]
    again = world.operator.upgrade(world.menu)
    assert again.revision is None, "the values of the revision rolled back to are recorded again"


@IN_MEMORY
def test_a_rollback_works_from_a_failed_revision(world: World):
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, text="two")
    image = world.break_web()
    with pytest.raises(ObjectFailedError):
        world.operator.upgrade(world.menu, image=image)
    world.mend_web()
    world.operator.rollback()
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "two"}
    assert world.operator.statuses()[-2:] == ["failed", "deployed"]


def test_uninstall_keeps_passwords_and_a_reinstall_takes_them_up(world: World):
    world.operator.install(world.menu)
    secret = password(world)
    result = world.operator.uninstall()
    assert [one.ref.short for one in result.kept if one.ref.kind != "Namespace"] == ["Secret/shop-password"]
    assert world.get("Deployment", "shop-web", "apps") is None
    assert world.operator.statuses() == []
    assert {body["type"] for body in world.bodies("Secret").values()} == {"Opaque"}, "no record is left"
    world.operator.install(world.menu)
    assert password(world) == secret
    assert world.operator.statuses() == ["deployed"]


def test_a_stateful_release_finds_its_claims_and_passwords_again(world: World):
    world.operator.install("postgres", "db")
    claim, secret = world.get("PersistentVolumeClaim", "data-db-0"), world.get("Secret", "db")
    kept = {one.ref.short for one in world.operator.uninstall("db").kept if one.ref.kind != "Namespace"}
    assert kept == {"Secret/db", "PersistentVolumeClaim/data-db-0"}
    world.operator.install("postgres", "db")
    assert world.get("PersistentVolumeClaim", "data-db-0")["metadata"]["uid"] == claim["metadata"]["uid"]
    assert world.get("Secret", "db")["data"] == secret["data"]


@IN_MEMORY
def test_uninstalling_what_is_not_there_names_what_is(world: World):
    world.operator.install(world.menu)
    with pytest.raises(ReleaseNotFoundError) as raised:
        world.operator.uninstall("shpo")
    assert raised.value.context == ("releases there: shop",)


@IN_MEMORY
def test_a_release_that_is_looked_for_in_the_wrong_namespace_is_told_where_it_is(world: World):
    place = world.operator.namespace
    world.operator.install(world.menu, f"in-{place}")
    with pytest.raises(ReleaseNotFoundError) as raised:
        replace(world.operator, namespace="default").uninstall(f"in-{place}")
    assert raised.value.context[1] == f"in-{place} is a release in {place}"


@IN_MEMORY
def test_the_history_names_what_failed_and_why(world: World):
    image = world.break_web()
    with pytest.raises(ObjectFailedError):
        world.operator.install(world.menu, image=image)
    (failed,) = world.operator.history()
    assert failed.description.startswith("object-failed: Deployment/shop-web in ")
    assert "ImagePullBackOff" in failed.description


def test_the_status_of_a_workload_that_is_not_ready_says_what_its_pod_says(world: World):
    image = world.break_web()
    with pytest.raises(ObjectFailedError):
        world.operator.install(world.menu, image=image)
    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    found = {one.entry.ref.short: one.health.message for one in state.objects}
    assert "ImagePullBackOff" in found["Deployment/shop-web"]


def test_what_leaves_the_bundle_is_deleted_after_the_new_is_ready(world: World):
    world.operator.install(world.menu, extra="true")
    result = world.operator.upgrade(world.menu, extra="false")
    assert done(result) == {("delete", "ConfigMap/shop-extra")}
    assert world.get("ConfigMap", "shop-extra") is None


def test_controllers_copies_of_our_labels_are_never_pruned(world: World):
    world.operator.install(world.menu)
    copies = {
        n
        for n, b in world.bodies("EndpointSlice", "discovery.k8s.io").items()
        if RELEASE_UID in b["metadata"].get("labels", {})
    }
    assert copies, "the API copies a Service's labels to its EndpointSlices"
    world.operator.upgrade(world.menu, text="other")
    assert copies <= set(world.bodies("EndpointSlice", "discovery.k8s.io"))


def jobs(world: World) -> dict[str, str]:
    return {name: body["metadata"]["uid"] for name, body in world.bodies("Job", "batch").items()}


def test_a_job_runs_once_for_each_change_of_its_spec(world: World):
    world.operator.install(world.menu)
    first = jobs(world)
    world.operator.upgrade(world.menu, text="other")
    assert jobs(world) == first, "an unchanged Job is not run again"
    world.operator.upgrade(world.menu, step="again")
    second = jobs(world)
    assert len(second) == 1, "its predecessor is removed"
    assert set(second) != set(first)


def test_a_failed_job_ends_the_run_and_runs_again_with_the_next(world: World):
    failing = "docker.io/library/failjob:1"
    if world.is_sandbox:
        pytest.skip("the sandbox names a failing Job by its full name, which is a hash")
    with pytest.raises(ObjectFailedError) as raised:
        world.operator.install(world.menu, job=failing)
    assert "password authentication failed" in "\n".join(raised.value.context)
    first = jobs(world)
    with pytest.raises(ObjectFailedError):
        world.operator.install(world.menu, job=failing)
    assert set(jobs(world)) == set(first)
    assert jobs(world) != first, "the same spec was run again"


@IN_MEMORY
def test_an_autoscaler_that_never_acts_changes_nothing(world: World):
    world.operator.install(world.menu, autoscale="true", replicas="5")
    assert replicas(world) == 5
    world.operator.upgrade(world.menu, text="other")
    assert replicas(world) == 5
    assert world.operator.upgrade(world.menu).revision is None


def test_what_an_autoscaler_set_is_followed_even_between_plan_and_apply(world: World):
    world.operator.install(world.menu, autoscale="true", replicas="5")
    world.scale_web(7)
    assert world.operator.upgrade(world.menu).revision is None, "a moved autoscaler is not a change"
    world.operator.before_apply = lambda _proposal: world.scale_web(9)
    world.operator.upgrade(world.menu, text="other")
    assert replicas(world) == 9


def test_handing_replicas_to_an_autoscaler_does_not_scale_down(world: World):
    world.operator.install(world.menu, replicas="6")
    world.operator.upgrade(world.menu, autoscale="true", replicas="2")
    assert replicas(world) == 6


@IN_MEMORY
def test_once_its_autoscaler_is_gone_the_bundle_says_the_number_again(world: World):
    world.operator.install(world.menu, autoscale="true", replicas="5")
    world.scale_web(7)
    world.operator.upgrade(world.menu, autoscale="false", replicas="2")
    assert replicas(world) == 7, "it was there until the end of that run"
    world.operator.upgrade(world.menu, text="other")
    assert replicas(world) == 2
    reasons = [change.reason for change in world.operator.shown[-1].plan.changes if change.ref.kind == "Deployment"]
    assert reasons == ["its autoscaler is gone: replicas are the bundle's again"]
    assert world.operator.upgrade(world.menu).revision is None


@IN_MEMORY
def test_a_workload_stops_with_the_end_of_its_autoscaler_and_starts_again_with_the_next_one(world: World):
    world.operator.install(world.menu, autoscale="true", replicas="5")
    world.scale_web(7)
    world.operator.upgrade(world.menu, autoscale="false", replicas="0")
    assert replicas(world) == 0, "one upgrade stops it"
    assert world.operator.upgrade(world.menu).revision is None
    world.operator.upgrade(world.menu, autoscale="true", replicas="3")
    assert replicas(world) == 3, "an autoscaler alone would leave it at 0"
    assert world.operator.upgrade(world.menu).revision is None


@IN_MEMORY
def test_a_workload_that_was_stopped_starts_again_though_its_autoscaler_was_never_removed(world: World):
    world.operator.install(world.menu, autoscale="true", replicas="5")
    cluster, refusal = world.operator.cluster, RejectedError("deleting", context=["not today"], hint="try again")
    world.operator.cluster = faulty = FaultyCluster(cluster)
    faulty.fail_when(lambda call: call.verb == "delete" and call.ref.kind == "HorizontalPodAutoscaler", before=refusal)
    with pytest.raises(BundlerError):
        world.operator.upgrade(world.menu, autoscale="false", replicas="0")
    assert replicas(world) == 0
    world.operator.cluster = cluster
    world.operator.upgrade(world.menu, autoscale="true", replicas="5")
    assert replicas(world) == 5, "only the release itself had set it to 0"


@IN_MEMORY
def test_a_workload_that_someone_paused_stays_so_while_it_has_an_autoscaler(world: World):
    world.operator.install(world.menu, autoscale="true", replicas="5")
    world.scale_web(0)
    world.operator.upgrade(world.menu, text="other")
    world.operator.upgrade(world.menu, text="another")
    assert replicas(world) == 0


@IN_MEMORY
def test_what_else_is_contested_is_not_taken_with_the_number(world: World):
    world.operator.install(world.menu, autoscale="true", replicas="5")
    world.scale_web(7)
    world.operator.upgrade(world.menu, autoscale="false", replicas="2")
    image = {"name": "web", "image": "docker.io/library/by-hand:1"}
    world.edit("Deployment", "shop-web", {"spec": {"template": {"spec": {"containers": [image]}}}}, group="apps")
    with pytest.raises(FieldConflictError) as raised:
        world.operator.upgrade(world.menu, text="other")
    assert ".spec.replicas" in "\n".join(raised.value.context)
    assert replicas(world) == 7


def test_two_operators_at_once_one_waits_or_leaves(timed_world: World):
    """The second finds the lock held by someone alive, and the release as the first left it."""
    world = timed_world
    started, go_on = threading.Event(), threading.Event()
    first, second = world.operator, world.another_operator()
    first.install(world.menu)
    failures: list[BundlerError] = []

    class Pausing:
        def __init__(self, inner):
            self._inner = inner

        def guarded(self, held):
            del held
            return self

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def apply(self, payload, **options):
            if not options.get("is_dry_run"):
                started.set()
                go_on.wait(60)
            return self._inner.apply(payload, **options)

    first.cluster = Pausing(world.cluster)
    runner = threading.Thread(target=lambda: first.upgrade(world.menu, text="first"))
    runner.start()
    assert started.wait(60)
    try:
        second.upgrade(world.menu, text="second")
    except BundlerError as error:
        failures.append(error)
    go_on.set()
    runner.join(120)
    assert [type(error) for error in failures] == [ReleaseLockedError]
    assert failures[0].exit_code == 75
    assert "ada@desk" in "\n".join(failures[0].context) + str(failures[0])
    assert world.operator.statuses() == ["superseded", "deployed"]
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "first"}


def test_a_foreign_object_in_the_way_is_refused_and_nothing_is_written(world: World):
    world.operator.install(world.menu, "other")
    taken = small_bundle(
        world.menu.parent / "again",
        **{"templates/config.yaml": CONFIG.replace("{{ release.name }}-config", "other-config")},
    )
    with pytest.raises(ForeignObjectError) as raised:
        world.operator.install(taken)
    assert "ConfigMap/other-config exists" in raised.value.context[0]
    assert 'bundler release "other"' in raised.value.context[0]
    assert world.get("Deployment", "shop-web", "apps") is None
    assert world.operator.statuses() == []


def test_a_field_that_a_colleague_changed_ends_the_plan_and_is_named(world: World):
    world.operator.install(world.menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "hotfix"}})
    with pytest.raises(FieldConflictError) as raised:
        world.operator.upgrade(world.menu, text="ours")
    assert (
        'ConfigMap/shop-config .data.text: bundle wants "ours", live "hotfix" set by kubectl-edit at '
        in raised.value.context[0]
    )
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "hotfix"}


@IN_MEMORY
def test_a_diff_shows_the_whole_plan_with_the_conflict_in_it(world: World):
    world.operator.install(world.menu)
    world.edit("Deployment", "shop-web", {"spec": {"replicas": 3}}, group="apps")
    plan = world.operator.diff(world.menu, text="other").plan
    changes = {change.ref.short: change for change in plan.changes if change.action is not Action.NONE}
    assert set(changes) == {"ConfigMap/shop-config", "Deployment/shop-web"}
    (conflict,) = changes["Deployment/shop-web"].conflicts
    assert (conflict.field, conflict.wanted, conflict.live) == (".spec.replicas", "1", "3")
    assert conflict.manager == "kubectl-edit"
    assert changes["Deployment/shop-web"].after["spec"]["replicas"] == 1, "what the bundle's values would make of it"
    assert plan.has_conflicts


@IN_MEMORY
def test_a_rollback_shows_its_plan_and_names_the_field_that_stops_it(world: World):
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, text="other")
    world.edit("Deployment", "shop-web", {"spec": {"replicas": 3}}, group="apps")
    with pytest.raises(FieldConflictError):
        world.operator.rollback()
    assert world.operator.shown[-1].plan.has_conflicts
    assert world.operator.statuses() == ["superseded", "deployed"]


HOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: "{{ release.name }}-{{ release.namespace }}"}
webhooks:
  - name: a.example.dev
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Ignore
    clientConfig: {url: "https://localhost:1/", caBundle: ""}
    rules: [{apiGroups: [example.dev], apiVersions: [v1], resources: [nothings], operations: [CREATE]}]
"""


def test_a_field_left_empty_for_its_controller_is_no_conflict_and_no_change(world: World, tmp_path):
    menu = small_bundle(tmp_path / "hook", **{"templates/hook.yaml": HOOK})
    reach = "  reach: {clusterScoped: [MutatingWebhookConfiguration], grants: [webhooks]}\n"
    (menu / "bundle.yaml").write_text((menu / "bundle.yaml").read_text() + reach)
    world.operator.install(menu)
    name = f"shop-{world.operator.namespace}"
    world.inject(name, "bm8gcmVhbCBjZXJ0aWZpY2F0ZQ==")
    assert world.operator.upgrade(menu).proposal.plan.is_empty
    world.operator.upgrade(menu, text="other")
    hook = world.cluster.get(ObjectRef("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "", name))
    assert hook["webhooks"][0]["clientConfig"]["caBundle"] == "bm8gcmVhbCBjZXJ0aWZpY2F0ZQ=="
    world.operator.uninstall()


BROKEN = """
apiVersion: v1
kind: Service
metadata: {name: "{{ release.name }}-bad-port"}
spec: {ports: [{port: 70000}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-typo"}
dota: {a: b}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ release.name }}-bad-selector"}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: b}}
    spec: {containers: [{name: c, image: c}]}
"""


def test_all_objects_that_the_server_rejects_come_at_once_and_nothing_is_written(world: World):
    world.operator.install(world.menu, "first")
    menu = small_bundle(world.menu.parent / "broken", **{"templates/broken.yaml": BROKEN})
    with pytest.raises(RejectedObjectsError) as raised:
        world.operator.install(menu)
    text = "\n".join(raised.value.context)
    for name in ("Service/shop-bad-port", "ConfigMap/shop-typo", "Deployment/shop-bad-selector"):
        assert name in text
    assert "templates/broken.yaml:1: Service" in text
    assert world.operator.statuses() == []
    assert not [name for name in world.bodies("ConfigMap") if name.startswith("shop-")]


@IN_MEMORY
def test_a_declined_plan_changes_nothing(world: World):
    world.operator.install(world.menu)
    world.operator.before_apply = lambda _proposal: False
    result = world.operator.upgrade(world.menu, text="other")
    assert result.is_declined
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "hello"}
    assert world.operator.statuses() == ["deployed"]


@IN_MEMORY
def test_no_secret_lies_in_heads_or_packs(world: World):
    secret = "q7Zp-3kVw9sLx2Nd8RtYb5Mc"
    world.operator.install(world.menu, token=secret)
    spellings = {secret, base64.b64encode(secret.encode()).decode(), base64.b64decode(password(world)).decode()}
    import zlib

    for name, body in world.bodies("Secret").items():
        if body["type"] not in {"bundler.dev/release.v1", "bundler.dev/pack.v1"}:
            continue
        for value in body["data"].values():
            raw = base64.b64decode(value)
            texts = [raw]
            with contextlib.suppress(zlib.error):
                texts.append(zlib.decompress(raw))
            for spelling in spellings:
                assert all(spelling.encode() not in text for text in texts), name
    assert base64.b64decode(world.get("Secret", "shop-token")["data"]["token"]).decode() == secret
    world.operator.upgrade(world.menu, text="other")
    world.operator.rollback()
    assert base64.b64decode(world.get("Secret", "shop-token")["data"]["token"]).decode() == secret


@IN_MEMORY
def test_no_wait_is_recorded_as_such(world: World):
    image = world.break_web()
    world.operator.install(world.menu, image=image, options=RunOptions(waits=False))
    (summary,) = world.operator.history()
    assert (summary.is_waited, summary.description) == (False, "")


@IN_MEMORY
def test_history_keeps_its_number_of_revisions(world: World):
    for number in range(5):
        world.operator.install(world.menu, text=str(number), options=RunOptions(history_max=3))
    assert [summary.revision for summary in world.operator.history()] == [3, 4, 5]
    world.operator.rollback(revision=3)
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "2"}
