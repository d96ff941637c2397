"""Which changes take something away that cannot be had back."""

from __future__ import annotations

import pytest

from bundler.model.change import Action, Change, Plan
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.planning.safety import losses


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
        ("apps", "Deployment", Action.RECREATE, True),
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
