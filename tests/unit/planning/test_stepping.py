import pytest

from bundler.model.change import Action, Change
from bundler.model.json import mapping_at
from bundler.model.rollout import OnFailure, RolloutRequest, Share
from bundler.planning.stepping import Names, is_paced, resolve_rollout, stepped_changes
from tests.lib.manifests import deployment, live_of, manifest


def shares(text):
    return tuple(map(Share.parse, text.split(",")))


def changed(name="web", *, component="", replicas=4, ready=4, kind="Deployment"):
    new = deployment(name, replicas=replicas, component=component, image="web:2")
    new = manifest(kind, name, "apps/v1", component=component, spec=new.body["spec"])
    old = deployment(name, replicas=replicas, component=component)
    live = live_of(old, status={"readyReplicas": ready})
    return Change(ref=new.ref, action=Action.UPDATE, component=component, desired=new, before=live, after=live_of(new))


def scaled(name="web", *, component=""):
    old, new = deployment(name, component=component), deployment(name, replicas=7, component=component)
    return Change(ref=new.ref, action=Action.UPDATE, component=component, desired=new, before=live_of(old))


def created(name="web", *, component=""):
    new = deployment(name, component=component)
    return Change(ref=new.ref, action=Action.CREATE, component=component, desired=new)


WEB, API = changed("shop-web", component="web"), changed("shop-api", component="api")


def test_one_share_without_a_name_applies_to_every_component_whose_pods_are_replaced():
    changes = [WEB, API, scaled(component="db"), created(component="new"), changed(component="log", kind="DaemonSet")]
    rollout = resolve_rollout(RolloutRequest(steps=shares("1,25%")), changes)
    assert rollout.shares == {"web": shares("1,25%"), "api": shares("1,25%")}
    assert [change.ref.name for change in stepped_changes(rollout.shares, changes)] == ["shop-web", "shop-api"]


@pytest.mark.parametrize("name", ["web", "shop-web", "Deployment/shop-web"])
def test_a_component_is_named_by_its_path_or_by_a_workload_of_it(name):
    only = resolve_rollout(RolloutRequest(steps=shares("1,25%"), of=(name,)), [WEB, API])
    assert only.shares == {"web": shares("1,25%")}
    other = resolve_rollout(RolloutRequest(shares={name: shares("10%")}), [WEB, API])
    assert other.shares == {"web": shares("10%")}


def test_a_component_with_fewer_steps_stays_at_its_last_share_until_the_finish():
    rollout = resolve_rollout(RolloutRequest(steps=shares("1,25%,50%"), shares={"web": shares("2")}), [WEB, API])
    assert rollout.shares == {"web": shares("2,2,2"), "api": shares("1,25%,50%")}
    assert rollout.steps == 4


def test_all_pods_at_the_end_are_the_finish():
    assert resolve_rollout(RolloutRequest(steps=shares("1,100%")), [WEB]).shares == {"web": shares("1")}
    assert resolve_rollout(RolloutRequest(steps=shares("100%")), [WEB]).shares == {}


def test_a_share_named_beside_steps_for_all_starts_nothing_where_its_component_does_not_change():
    request = RolloutRequest(steps=shares("25%"), shares={"db": shares("1")})
    assert resolve_rollout(request, [WEB, scaled(component="db")]).shares == {"web": shares("25%")}


def test_a_bundle_without_components_is_named_by_its_workload_or_not_at_all():
    plain = resolve_rollout(RolloutRequest(steps=shares("1")), [changed()])
    assert plain.shares == {"": shares("1")}
    assert resolve_rollout(RolloutRequest(shares={"web": shares("1")}), [changed()]).shares == plain.shares


def test_old_pods_that_are_not_ready_when_it_begins_are_counted():
    changes = [changed("a", replicas=4, ready=1), changed("b", replicas=2, ready=2), created("c"), scaled("d")]
    assert resolve_rollout(RolloutRequest(steps=shares("1")), changes).start_broken == 3


def test_what_was_asked_for_comes_along_and_all_gates_of_the_bundle_unless_some_are_named():
    request = RolloutRequest(
        steps=shares("1"), pause_after="each", soak_s=60, step_timeout_s=90, on_failure=OnFailure.PAUSE
    )
    rollout = resolve_rollout(request, [WEB], ("quiet", "smoke"))
    assert (rollout.pause_after, rollout.soak_s, rollout.step_timeout_s) == ("each", 60, 90)
    assert (rollout.on_failure, rollout.gates, rollout.step) == (OnFailure.PAUSE, ("quiet", "smoke"), 1)
    assert resolve_rollout(RolloutRequest(gates=("smoke",)), [WEB], ("quiet", "smoke")).gates == ("smoke",)


def test_pods_are_replaced_where_the_template_differs_as_the_server_sees_it():
    assert is_paced(WEB)
    assert not is_paced(scaled())
    assert not is_paced(created())
    same = changed()
    defaulted = {**same.after, "spec": mapping_at(same.before, "spec")}
    assert not is_paced(Change(ref=same.ref, action=Action.UPDATE, desired=same.desired, before=same.before,
                               after=defaulted))  # fmt: skip


def test_a_name_that_several_workloads_have_means_all_of_them_and_one_that_none_has_means_nothing():
    names = Names([changed("main", component="web"), changed("main", component="api", kind="StatefulSet")])
    assert {one.component for one in names.find("main")} == {"web", "api"}
    assert names.find("mian") == ()
    assert names.known == ("api", "web")


def test_an_object_without_pods_is_named_with_its_kind_alone():
    names = Names([Change(ref=(one := manifest("ConfigMap", "settings")).ref, action=Action.UPDATE, desired=one)])
    assert names.find("settings") == ()
    assert [meant.workload for meant in names.find("ConfigMap/settings")] == [one.ref]
