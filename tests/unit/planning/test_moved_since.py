"""What has moved since a plan was saved, and what has not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bundler.model.change import Action, KeptObject, Plan, ReachNote
from bundler.model.refs import ObjectRef
from bundler.model.release import BundleReference
from bundler.model.saved_plan import BaseRevision, LiveFact, PlanFacts
from bundler.model.steps import Advance, Await, Delete, Paced, RunJob, Target, Until, Verify, Write
from bundler.planning.moved_since import is_other_cluster, moved_since

WEB, JOB, OLD = (
    ObjectRef("apps", "Deployment", "prod", "web"),
    ObjectRef("batch", "Job", "prod", "job"),
    ObjectRef("", "ConfigMap", "prod", "old"),
)
STEPS = (
    Write(id="write", needs=(), targets=(Target(ref=WEB, action=Action.UPDATE, live_uid="1", digest="sha256:a"),)),
    RunJob(id="job", needs=(), target=Target(ref=JOB, action=Action.CREATE, digest="sha256:b")),
    Await(id="ready", needs=("write", "job"), until=Until.READY, refs=(WEB, JOB)),
    Delete(id="delete", needs=("ready",), targets=(Target(ref=OLD, action=Action.DELETE, live_uid="2"),)),
)
SAVED = PlanFacts(
    plan=Plan(steps=STEPS),
    cluster_uid="c",
    server="https://one",
    base=BaseRevision(revision=3, uid="r3", said="deployed, shop 1.0.0"),
    bundle=BundleReference(name="shop", version="1.0.0", digest="sha256:d"),
    live={WEB: LiveFact(uid="1", version="10", digest="sha256:x"), OLD: LiveFact(uid="2", version="11", digest="")},
)


def lines(**now: object) -> list[str]:
    return moved_since(SAVED, replace(SAVED, **now))


def with_step(number: int, **fields: object) -> Plan:
    steps = list(STEPS)
    steps[number] = replace(steps[number], **fields)
    return Plan(steps=tuple(steps))


def test_what_did_not_move_holds():
    assert lines() == []
    web = LiveFact(uid="1", version="99", digest="sha256:x", writers="kubelet")
    assert lines(live={**SAVED.live, WEB: web}) == [], "only its status moved"
    verify = Verify(id="verify", needs=(), refs=(WEB,), which="w", written="x")
    assert lines(plan=Plan(steps=(verify, *STEPS))) == [], "what can be checked before is not a change"


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (BaseRevision(), "the release is gone; the plan was made on revision 3"),
        (
            BaseRevision(revision=4, uid="r4", said="failed, shop 1.1.0, by bob"),
            "it was made on revision 3, and the release is at revision 4 (failed, shop 1.1.0, by bob)",
        ),
        (
            BaseRevision(revision=3, uid="other", said="deployed, shop 1.0.0"),
            "the release was uninstalled and installed again; it is at revision 3 (deployed, shop 1.0.0)",
        ),
    ],
)
def test_another_revision_is_all_that_is_said(base, said):
    assert lines(base=base, live={}) == [said]


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ({OLD: SAVED.live[OLD]}, "Deployment/web was deleted"),
        ({**SAVED.live, JOB: LiveFact(uid="7", version="1", digest="")}, "Job/job did not exist, and exists now"),
        (
            {**SAVED.live, WEB: LiveFact(uid="9", version="10", digest="sha256:x")},
            "Deployment/web was deleted and created again",
        ),
        (
            {**SAVED.live, WEB: LiveFact(uid="1", version="12", digest="sha256:y", writers="kubectl at noon (.spec)")},
            "Deployment/web was changed by kubectl at noon (.spec)",
        ),
        ({**SAVED.live, OLD: LiveFact(uid="2", version="12", digest="")}, "ConfigMap/old was changed"),
    ],
)
def test_each_live_object_that_moved_is_named(live, said):
    assert lines(live=live) == [said]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (
            with_step(0, targets=(Target(ref=WEB, action=Action.RECREATE, live_uid="1", digest="sha256:a"),)),
            "Deployment/web: update was planned, recreate now",
        ),
        (
            with_step(0, targets=(Target(ref=WEB, action=Action.UPDATE, live_uid="1", digest="sha256:z"),)),
            "Deployment/web: what would be sent is not what was planned",
        ),
        (with_step(0, targets=()), "Deployment/web: update was planned, nothing now"),
        (with_step(2, refs=(WEB,)), "the order of the steps is another one"),
        (Plan(steps=STEPS, kept=(KeptObject(OLD, "it holds data"),)), "ConfigMap/old: stays now (it holds data)"),
        (Plan(steps=STEPS, reach=(ReachNote("rbac", "Role/a", is_declared=True),)), "rbac: Role/a: new"),
    ],
)
def test_a_plan_that_does_something_else_says_what(plan, said):
    assert lines(plan=plan) == [said]


def test_a_bundle_with_another_digest_is_named():
    assert lines(bundle=replace(SAVED.bundle, digest="sha256:e")) == ["the bundle was sha256:d, and is sha256:e"]


def test_many_lines_are_cut():
    refs = [ObjectRef("", "ConfigMap", "prod", f"c{number:03}") for number in range(50)]
    found = lines(live={**SAVED.live, **{ref: LiveFact(uid="1", version="1", digest="") for ref in refs}})
    assert (len(found), found[-1]) == (21, "and 30 more")


def test_clusters_are_told_apart_by_uid_and_where_one_is_hidden_by_address():
    assert not is_other_cluster(SAVED, uid="c", server="https://two"), "the same cluster behind another address"
    assert is_other_cluster(SAVED, uid="d", server="https://one")
    assert not is_other_cluster(SAVED, uid="", server="https://one"), "who applies it may not read kube-system"
    assert is_other_cluster(SAVED, uid="", server="https://two")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"workloads": (Paced(ref=WEB, share="25%", pods=5, of=20),)}, []),
        ({"workloads": (Paced(ref=WEB, share="50%", pods=2, of=4),)}, ["the upgrade would go in other steps"]),
        ({"workloads": ()}, ["the upgrade would go in other steps"]),
        ({"gates": ()}, ["the upgrade would go in other steps"]),
        ({"id": "step:2"}, ["the upgrade would go in other steps"]),
    ],
)
def test_steps_of_an_upgrade_are_those_planned_however_many_pods_that_is_now(changed, said):
    step = Advance(
        id="step:1", needs=(), number=1, workloads=(Paced(ref=WEB, share="25%", pods=1, of=4),), gates=("quiet",)
    )
    saved, now = (replace(SAVED, plan=Plan(steps=(one, *STEPS))) for one in (step, replace(step, **changed)))
    assert moved_since(saved, now) == said
