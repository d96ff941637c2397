import pytest

from bundler.errors.change import QuotaExceededError
from bundler.model.change import Action, Change
from bundler.model.refs import ObjectRef
from bundler.planning.problem import refuse
from bundler.planning.quota import grown_workloads, quota_problems, with_changes
from tests.lib.manifests import deployment, manifest


def quota(hard, used=None, **spec):
    body = {"spec": {"hard": hard, **spec}, "status": {"hard": hard, "used": used or {}}}
    return (ObjectRef("", "ResourceQuota", "shop", "team"), body)


def web(replicas, **requests):
    one = deployment(replicas=replicas)
    one.body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": requests}
    return one


def test_what_fits_passes():
    refuse(quota_problems([web(2, cpu="500m")], [quota({"requests.cpu": "1", "pods": "2"})]))


@pytest.mark.parametrize(
    ("created", "hard", "used", "line"),
    [
        ([web(3, cpu="500m")], {"requests.cpu": "1"}, {}, "needs 1500m requests.cpu, 0 of 1 are used"),
        ([web(3, cpu="500m")], {"cpu": "2"}, {"cpu": "1"}, "needs 1500m cpu, 1 of 2 are used"),
        ([web(3)], {"pods": "2"}, {}, "needs 3 pods, 0 of 2 are used"),
        (
            [manifest("ConfigMap", "a"), manifest("ConfigMap", "b")],
            {"configmaps": "2"},
            {"configmaps": "1"},
            "needs 2 configmaps",
        ),
        ([web(1)], {"count/deployments.apps": "0"}, {}, "needs 1 count/deployments.apps"),
    ],
)
def test_the_sum_over_the_plan_is_held_against_what_is_left(created, hard, used, line):
    with pytest.raises(QuotaExceededError) as raised:
        refuse(quota_problems(created, [quota(hard, used)]))
    assert line in raised.value.context[0]


@pytest.mark.parametrize(("hard", "is_refused"), [("3", False), ("1", True)])
def test_a_quota_that_the_plan_changes_counts_as_it_will_be(hard, is_refused):
    ref, live = quota({"pods": "2"}, {"pods": "1"})
    change = Change(ref=ref, action=Action.UPDATE, before=live, after={"spec": {"hard": {"pods": hard}}})
    assert bool(list(quota_problems([web(2)], with_changes([(ref, live)], [change])))) is is_refused
    assert list(quota_problems([web(2)], with_changes([(ref, live)], [])))


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [(2, 6, "the plan needs 4 pods, 2 of 3 are used"), (2, 3, ""), (6, 2, ""), (6, 6, "")],
)
def test_replicas_that_come_beside_those_that_are_there_count(before, after, refused):
    old, new = web(before), web(after)
    change = Change(ref=new.ref, action=Action.UPDATE, desired=new, before=old.body, after=new.body)
    found = list(quota_problems([], [quota({"pods": "3"}, {"pods": "2"})], grown=grown_workloads([change])))
    assert [refused in line for problem in found for line in problem.lines] == ([True] if refused else [])


def test_the_pods_of_a_rollout_that_is_stuck_make_room_for_those_that_come():
    live, new = web(2).body | {"status": {"replicas": 3}}, web(3)
    change = Change(ref=new.ref, action=Action.UPDATE, desired=new, before=live, after=new.body)
    assert not list(quota_problems([], [quota({"pods": "3"}, {"pods": "3"})], grown=grown_workloads([change])))


def test_replicas_that_go_make_room_for_those_that_come():
    less = Change(ref=web(1).ref, action=Action.UPDATE, desired=web(1), before=web(3).body, after=web(1).body)
    assert not list(quota_problems([web(2)], [quota({"pods": "3"}, {"pods": "3"})], grown=grown_workloads([less])))
    assert list(quota_problems([web(3)], [quota({"pods": "3"}, {"pods": "3"})], grown=grown_workloads([less])))


def test_the_record_counts_as_secrets():
    with pytest.raises(QuotaExceededError):
        refuse(quota_problems([], [quota({"secrets": "2"})], extra_secrets=3))


def test_other_namespaces_and_scoped_quotas_do_not_count():
    elsewhere = manifest("ConfigMap", "a", namespace="other")
    refuse(quota_problems([elsewhere], [quota({"configmaps": "0"})]))
    refuse(quota_problems([manifest("ConfigMap", "a")], [quota({"configmaps": "0"}, scopes=["Terminating"])]))
