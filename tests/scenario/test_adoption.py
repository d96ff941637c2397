"""Objects that someone else made are taken over when that is asked for, and no field of theirs is left behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bundler.errors import BundlerError
from bundler.errors.change import FieldConflictError, ForeignObjectError, ImmutableFieldError, RollbackFailedError
from bundler.model.change import Action
from bundler.model.conflicts import OnConflict
from bundler.model.labels import RELEASE_UID
from bundler.model.refs import ObjectRef
from bundler.planning.diff import object_diff
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from tests.scenario.conftest import World

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
CONFIG = {"request": {"adopts": ("ConfigMap/shop-config",)}}
EVERYTHING = {"request": {"adopts": ("*",)}}


def made(world: World, name: str = "shop-config", **metadata) -> None:
    """Make a ConfigMap as `kubectl apply` does."""
    data = {"text": "old", "more": "left over"}
    metadata = {"name": name, "namespace": world.operator.namespace, **metadata}
    metadata["annotations"] = {LAST_APPLIED: json.dumps({"data": data}), **metadata.get("annotations", {})}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    world.operator.install(world.menu, "other")  # makes the namespace
    world.creator(body)


def changes(result) -> dict[str, tuple[Action, str]]:
    return {one.ref.short: (one.action, one.reason) for one in result.proposal.plan.changes}


def test_an_object_in_the_way_stops_the_plan_and_the_hint_names_the_option(world: World):
    made(world)
    with pytest.raises(ForeignObjectError) as raised:
        world.operator.install(world.menu)
    assert "--adopt KIND/NAME" in raised.value.hint


@pytest.mark.parametrize("name", ["ConfigMap/shop-confg", "ConfigMap/shop-config,Secret/shop-token"])
def test_a_name_that_nothing_in_the_bundle_has_is_refused(sandbox_world: World, name: str):
    with pytest.raises(BundlerError) as raised:
        sandbox_world.operator.install(sandbox_world.menu, request={"adopts": (name,)})
    assert f"--adopt {name}: the release has no such object" in raised.value.context
    assert "ConfigMap/shop-config" in raised.value.hint


def test_the_hint_names_the_option_until_everything_in_the_way_is_asked_for(sandbox_world: World):
    made(sandbox_world)
    with pytest.raises(ForeignObjectError) as raised:
        sandbox_world.operator.install(sandbox_world.menu, request={"adopts": ("Deployment/shop-web",)})
    assert "--adopt KIND/NAME" in raised.value.hint


def test_what_is_taken_over_keeps_no_field_of_its_former_owner(world: World):
    made(world)
    result = world.operator.install(world.menu, **CONFIG)
    action, reason = changes(result)["ConfigMap/shop-config"]
    assert (action, reason.partition(" by ")[0]) == (Action.UPDATE, "taken over from no one; last written")
    live = world.get("ConfigMap", "shop-config")
    assert live["data"] == {"text": "hello"}
    assert LAST_APPLIED not in live["metadata"].get("annotations", {})
    assert {one["manager"] for one in live["metadata"]["managedFields"]} == {"bundler"}
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty
    world.operator.uninstall()
    assert world.get("ConfigMap", "shop-config") is None


def test_an_object_that_cannot_be_changed_into_ours_says_whose_it_is_and_is_recreated_when_both_are_asked_for(
    world: World,
):
    world.operator.install(world.menu, "other")  # makes the namespace
    labels = {"app": "theirs"}
    container = {"name": "web", "image": "docker.io/library/theirs:1"}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    metadata = {"name": "shop-web", "namespace": world.operator.namespace}
    world.creator({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    with pytest.raises(ForeignObjectError) as foreign:
        world.operator.install(world.menu)
    assert "Deployment/shop-web exists in" in foreign.value.context[0]
    adopts = {"adopts": ("Deployment/shop-web",)}
    with pytest.raises(ImmutableFieldError) as frozen:
        world.operator.install(world.menu, request=adopts)
    assert '.spec.selector.matchLabels.app: "theirs" → "shop-web" cannot be changed' in frozen.value.context[0]
    assert "pass --recreate Deployment/shop-web" in (frozen.value.hint or "")
    result = world.operator.install(world.menu, request={**adopts, "recreates": ("Deployment/shop-web",)})
    action, reason = changes(result)["Deployment/shop-web"]
    assert action is Action.RECREATE
    assert reason.startswith("taken over from no one; last written by ")
    live = world.get("Deployment", "shop-web", "apps")
    assert live["spec"]["selector"]["matchLabels"]["app"] == "shop-web"
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty


@pytest.mark.parametrize("replicas", [5, 0])
def test_the_replicas_of_a_workload_that_is_taken_over_follow_its_autoscaler_in_the_cluster(
    world: World, replicas: int
):
    world.operator.install(world.menu, "other")  # makes the namespace
    namespace = world.operator.namespace
    labels = {"app": "shop-web", "bundler.dev/track": "stable"}
    container = {"name": "web", "image": "docker.io/library/theirs:1"}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    place = {"name": "shop-web", "namespace": namespace}
    world.creator({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": place, "spec": spec})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop-web"}
    scaler = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9}
    world.creator(
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": place, "spec": scaler}
    )
    result = world.operator.install(world.menu, request={"adopts": ("Deployment/shop-web",)})
    assert changes(result)["Deployment/shop-web"][0] is Action.UPDATE
    assert world.get("Deployment", "shop-web", "apps")["spec"]["replicas"] == replicas
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty


@IN_MEMORY
def test_an_object_is_taken_over_while_a_controller_writes_it(world: World):
    made(world)
    world.overtake("ConfigMap")
    world.operator.install(world.menu, **CONFIG)
    live = world.get("ConfigMap", "shop-config")
    assert live["data"] == {"text": "hello"}
    assert live["metadata"]["annotations"] == {"example.com/seen": "0"}


@pytest.mark.parametrize("revision", [1, 2], ids=["before", "deployed"])
def test_a_rollback_takes_over_what_took_the_place_of_an_object(world: World, revision: int):
    world.operator.install(world.menu)
    world.operator.upgrade(world.menu, text="second")
    config = ObjectRef("", "ConfigMap", world.operator.namespace, "shop-config")
    world.cluster.delete(config)
    made(world)
    with pytest.raises(ForeignObjectError) as raised:
        world.operator.rollback(revision=revision)
    assert "`--adopt KIND/NAME` takes over what no one else looks after" in raised.value.hint

    back = world.operator.rollback(revision=revision, adopts=("ConfigMap/*",))

    reason = "taken over from no one; last written by kubectl-create"
    assert changes(back)["ConfigMap/shop-config"] == (Action.UPDATE, reason)
    live = world.get("ConfigMap", "shop-config")
    assert live["data"] == {"text": "hello" if revision == 1 else "second"}, "nothing of its former owner is left"
    assert LAST_APPLIED not in live["metadata"].get("annotations", {})
    assert any("ConfigMap/shop-config" in line for line in back.revision.taken)
    assert world.operator.rollback(revision=revision).proposal.plan.is_empty


def test_a_rollback_says_what_cannot_be_taken_over_and_which_name_it_does_not_know(sandbox_world: World):
    operator = sandbox_world.operator
    operator.install(sandbox_world.menu)
    sandbox_world.cluster.delete(ObjectRef("", "ConfigMap", operator.namespace, "shop-config"))
    made(sandbox_world, labels={RELEASE_UID: "another"}, annotations={"argocd.argoproj.io/tracking-id": "shop"})
    with pytest.raises(ForeignObjectError) as raised:
        operator.rollback(revision=1, adopts=("*",))
    assert "which looks after it: it is not taken over" in " ".join(map(str, raised.value.context))
    assert "--adopt" not in raised.value.hint
    with pytest.raises(BundlerError, match="planning") as unknown:
        operator.rollback(revision=1, adopts=("ConfigMap/shop-confg",))
    assert "--adopt ConfigMap/shop-confg: the release has no such object" in unknown.value.context


@IN_MEMORY
def test_the_plan_shows_field_by_field_what_changes_and_what_goes(world: World):
    made(world)
    result = world.operator.install(world.menu, **CONFIG)
    (change,) = [one for one in result.proposal.plan.changes if one.ref.name == "shop-config"]
    lines = [line.strip() for line in object_diff(change).lines]
    assert {"-  more: left over", "-  text: old", "+  text: hello"} <= {
        line.replace("- ", "-  ", 1) for line in lines
    } | set(lines)


def test_defaults_of_what_is_taken_over_do_not_show_as_changes(world: World):
    world.operator.install(world.menu)
    body = world.get("Service", "shop-web")
    namespace = world.operator.namespace
    world.operator.uninstall()
    spec = {"selector": body["spec"]["selector"], "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    metadata = {"name": "shop-web", "namespace": namespace, "labels": {"app": "shop-web"}}
    world.creator({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    before = world.get("Service", "shop-web")
    result = world.operator.install(world.menu, **EVERYTHING)
    (change,) = [one for one in result.proposal.plan.changes if one.ref.short == "Service/shop-web"]
    assert not [line for line in object_diff(change).lines if line.startswith("-")]
    after = world.get("Service", "shop-web")
    assert {**before["spec"]} == {**after["spec"]}
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty


def test_what_a_person_edited_is_a_conflict_as_ever(world: World):
    made(world)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "edited"}})
    with pytest.raises(FieldConflictError) as raised:
        world.operator.install(world.menu, **CONFIG)
    (line,) = raised.value.context
    assert line.startswith('ConfigMap/shop-config .data.text: bundle wants "hello", live "edited" set by kubectl-edit')
    request = {"adopts": ("ConfigMap/*",), "on_conflict": OnConflict.KEEP}
    world.operator.install(world.menu, request=request)
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "edited"}


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({"labels": {"helm.toolkit.fluxcd.io/name": "web"}}, 'Flux HelmRelease "web"'),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "web:apps/x"}}, 'Argo CD application "web"'),
        ({"labels": {"argocd.argoproj.io/instance": "web"}}, 'Argo CD application "web"'),
    ],
    ids=["flux", "argo", "argo-label"],
)
def test_what_another_tool_looks_after_is_not_taken_over(sandbox_world: World, metadata, owner):
    made(sandbox_world, **metadata)
    with pytest.raises(ForeignObjectError) as raised:
        sandbox_world.operator.install(sandbox_world.menu, **EVERYTHING)
    assert f"belongs to {owner}, which looks after it: it is not taken over" in raised.value.context[0]


@IN_MEMORY
def test_what_a_controller_made_is_not_taken_over(world: World):
    world.operator.install(world.menu, "other")
    web = world.get("Deployment", "other-web", "apps")
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other-web", "uid": web["metadata"]["uid"]}
    made(world, ownerReferences=[{**owner, "controller": True}])
    with pytest.raises(ForeignObjectError) as raised:
        world.operator.install(world.menu, **EVERYTHING)
    assert "belongs to Deployment/other-web" in raised.value.context[0]


@IN_MEMORY
def test_an_object_of_another_living_release_is_not_taken_over(world: World):
    first = {"templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same}\ndata: {a: b}\n"}
    for path, text in first.items():
        (world.menu / path).write_text(text)
    world.operator.install(world.menu, "other")
    with pytest.raises(ForeignObjectError, match="planning the change") as raised:
        world.operator.install(world.menu, **EVERYTHING)
    assert 'bundler release "other"' in raised.value.context[0]


@pytest.mark.parametrize("is_alive", [True, False])
def test_an_object_of_a_helm_release_is_taken_over_once_that_is_gone(world: World, is_alive: bool):
    notes = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": world.operator.namespace}
    made(world, annotations=notes, labels={"app.kubernetes.io/managed-by": "Helm"})
    if is_alive:
        labels = {"owner": "helm", "name": "web", "status": "deployed"}
        metadata = {"name": "sh.helm.release.v1.web.v1", "namespace": world.operator.namespace, "labels": labels}
        world.creator({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
        with pytest.raises(ForeignObjectError) as raised:
            world.operator.install(world.menu, **EVERYTHING)
        assert 'Helm release "web"' in raised.value.context[0]
    else:
        world.operator.install(world.menu, **EVERYTHING)
        live = world.get("ConfigMap", "shop-config")["metadata"]
        assert "meta.helm.sh/release-name" not in live.get("annotations", {})


@IN_MEMORY
def test_a_number_of_replicas_that_someone_scaled_stops_the_plan_before_anything_is_written(world: World):
    world.operator.install(world.menu)
    namespace = world.operator.namespace
    body = world.get("Deployment", "shop-web", "apps")
    world.operator.uninstall()
    spec = {"replicas": 2, "selector": {"matchLabels": body["spec"]["selector"]["matchLabels"]}}
    spec["template"] = {
        "metadata": {"labels": spec["selector"]["matchLabels"]},
        "spec": {"containers": [{"name": "web", "image": "docker.io/library/web:1"}]},
    }
    metadata = {"name": "shop-web", "namespace": namespace}
    world.creator({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    world.scale_web(3, manager="kubectl")
    with pytest.raises(FieldConflictError) as raised:
        world.operator.install(world.menu, **EVERYTHING)
    assert raised.value.context[0].startswith("Deployment/shop-web .spec.replicas")
    assert world.operator.history() == ()
    world.operator.install(world.menu, request={"adopts": ("*",), "on_conflict": OnConflict.TAKE})
    assert world.get("Deployment", "shop-web", "apps")["spec"]["replicas"] == 1


def test_a_generated_secret_is_not_taken_over_and_the_error_says_so(sandbox_world: World):
    sandbox_world.operator.install(sandbox_world.menu, "other")
    theirs = {"name": "shop-password", "namespace": sandbox_world.operator.namespace}
    sandbox_world.creator({"apiVersion": "v1", "kind": "Secret", "metadata": theirs, "data": {"password": "YQ=="}})
    with pytest.raises(ForeignObjectError) as raised:
        sandbox_world.operator.install(sandbox_world.menu, **EVERYTHING)
    assert raised.value.context[0].endswith("a generated secret is never taken over")


def test_what_was_taken_over_stays_when_a_first_install_fails_and_goes_back(sandbox_world: World):
    world = sandbox_world
    made(world)
    broken = world.break_web()
    request = {"adopts": ("ConfigMap/shop-config",), "rollback_s": 60}
    with pytest.raises(RollbackFailedError) as raised:
        world.operator.install(world.menu, request=request, image=broken)
    assert any("ConfigMap/shop-config was taken over" in line for line in raised.value.context)
    assert world.get("ConfigMap", "shop-config") is not None
