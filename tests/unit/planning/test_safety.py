"""Which changes lose what cannot be recovered."""

from __future__ import annotations

import pytest

from bundler.model.change import Action, Change, Plan
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.planning.safety import losses, lost_with


def change(group: str, kind: str, action: Action) -> Change:
    return Change(ref=ObjectRef(group, kind, "prod", "x"), action=action)


@pytest.mark.parametrize(
    ("group", "kind", "action", "is_loss"),
    [
        ("apps", "StatefulSet", Action.DELETE, True),
        ("apps", "StatefulSet", Action.UPDATE, False),
        ("postgresql.example", "Cluster", Action.DELETE, True),
        ("postgresql.example", "Cluster", Action.CREATE, False),
        ("apps", "Deployment", Action.DELETE, False),
        ("", "ConfigMap", Action.DELETE, False),
        ("batch", "Job", Action.RECREATE, False),
        ("batch", "Job", Action.DELETE, False),
        ("apps", "Deployment", Action.RECREATE, False),
        ("apps", "StatefulSet", Action.RECREATE, False),
        ("", "Service", Action.RECREATE, False),
        ("", "PersistentVolumeClaim", Action.RECREATE, True),
        ("", "PersistentVolume", Action.RECREATE, True),
        ("postgresql.example", "Cluster", Action.RECREATE, True),
        ("apps", "Deployment", Action.NONE, False),
    ],
)
def test_what_is_lost_by_a_change(group, kind, action, is_loss):
    one = change(group, kind, action)
    assert losses(Plan(changes=(one,))) == ((one,) if is_loss else ())


@pytest.mark.parametrize(
    ("group", "kind", "spec", "is_loss"),
    [
        ("apps", "StatefulSet", {}, False),
        ("apps", "StatefulSet", {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain"}}, False),
        ("apps", "StatefulSet", {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}, True),
        ("postgresql.example", "Cluster", {}, True),
        ("apps", "Deployment", {}, False),
    ],
)
def test_what_is_lost_with_a_release_that_is_uninstalled(group, kind, spec, is_loss):
    one = replace(change(group, kind, Action.DELETE), before={"spec": spec})
    assert losses(Plan(changes=(one,), is_removal=True)) == ((one,) if is_loss else ())


@pytest.mark.parametrize(
    ("group", "kind", "finalizers"),
    [("bundler.dev", "Release", []), ("acme.example", "Database", ["bundler.dev/release"])],
)
def test_an_order_that_goes_with_a_release_is_judged_when_its_own_is_uninstalled(group, kind, finalizers):
    one = replace(change(group, kind, Action.DELETE), before={"metadata": {"finalizers": finalizers}})
    assert losses(Plan(changes=(one,), is_removal=True)) == ()
    assert losses(Plan(changes=(one,))) == (one,)


POLICY = {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
BALANCED = {"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}}


@pytest.mark.parametrize(
    ("group", "kind", "before", "lost", "is_loss"),
    [
        ("apps", "Deployment", {}, ["its pods: all of them stop before new ones start"], False),
        (
            "apps",
            "StatefulSet",
            {"spec": POLICY},
            [
                "its pods: all of them stop before new ones start",
                "its volume claims, and their data: whenDeleted is Delete",
            ],
            True,
        ),
        ("batch", "Job", {}, [], False),
        ("", "ConfigMap", {}, [], False),
        ("rbac.authorization.k8s.io", "RoleBinding", {}, [], False),
        (
            "",
            "Service",
            {"spec": {"type": "ClusterIP", "clusterIP": "10.96.0.7"}},
            ["its cluster IP 10.96.0.7, to which clients may be connected"],
            False,
        ),
        ("", "Service", {"spec": {"clusterIP": "None"}}, [], False),
        (
            "",
            "Service",
            BALANCED,
            ["the address of its load balancer, 203.0.113.7: DNS may point there"],
            True,
        ),
        ("postgresql.example", "Cluster", {}, ["whatever its controller keeps of it, data perhaps"], True),
    ],
)
def test_what_is_lost_with_an_object_that_is_created_again_is_said(group, kind, before, lost, is_loss):
    one = replace(change(group, kind, Action.RECREATE), before=before)
    assert list(lost_with(one)) == lost
    assert bool(losses(Plan(changes=(one,)))) is is_loss


@pytest.mark.parametrize(
    ("action", "after", "is_lost"),
    [
        (Action.UPDATE, {"spec": {"type": "ClusterIP"}}, True),
        (Action.UPDATE, {"spec": {"type": "NodePort"}}, True),
        (Action.UPDATE, {"spec": {"type": "LoadBalancer", "ports": []}}, False),
        (Action.DELETE, None, True),
        (Action.NONE, None, False),
    ],
)
def test_a_service_that_gives_up_the_address_of_its_load_balancer_says_so(action, after, is_lost):
    one = replace(change("", "Service", action), before=BALANCED, after=after)
    address = ["the address of its load balancer, 203.0.113.7: DNS may point there"]
    assert list(lost_with(one)) == (address if is_lost else [])
    assert bool(losses(Plan(changes=(one,)))) is is_lost
    assert losses(Plan(changes=(one,), is_removal=True)) == (
        () if action is not Action.UPDATE or not is_lost else (one,)
    )
    waiting = replace(one, before={"spec": {"type": "LoadBalancer"}})
    assert (list(lost_with(waiting)), losses(Plan(changes=(waiting,)))) == ([], ())


def test_a_stateful_set_that_keeps_its_pods_loses_nothing():
    one = replace(change("apps", "StatefulSet", Action.RECREATE), before={"spec": POLICY}, keeps_pods=True)
    assert (list(lost_with(one)), losses(Plan(changes=(one,)))) == ([], ())
