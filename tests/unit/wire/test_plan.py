"""Reading a plan: what is wrong with one is said with its place."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from bundler.model.change import Action, KeptObject, Plan, ReachNote
from bundler.model.refs import ObjectRef
from bundler.model.steps import Advance, Moment, Pause, Record, Target, Write
from bundler.wire.parts import MalformedError
from bundler.wire.plan import parse_plan, plan_document
from tests.lib.plan_documents import checked_document

WEB = ObjectRef("apps", "Deployment", "shop", "web")
PLAN = Plan(
    steps=(
        Record(id="record:begun", needs=(), moment=Moment.BEGUN),
        Write(id="write:.:workloads", needs=("record:begun",), targets=(Target(ref=WEB, action=Action.CREATE),)),
        Pause(id="pause:canary", needs=("write:.:workloads",), reason="canary"),
        Advance(id="step:1", needs=("pause:canary",), number=1, workloads=(), gates=()),
    ),
    kept=(KeptObject(ObjectRef("", "PersistentVolumeClaim", "shop", "data"), "holds data"),),
    reach=(ReachNote("namespace", "ConfigMap/x in other", is_declared=True, source="templates/a.yaml:1"),),
)


def test_a_plan_as_json_reads_like_this():
    document = plan_document(PLAN)
    assert document["apiVersion"] == "bundler.dev/v1"
    assert document["steps"][1] == {
        "kind": "write",
        "id": "write:.:workloads",
        "needs": ["record:begun"],
        "targets": [
            {
                "object": "apps/Deployment/shop/web",
                "action": "create",
                "liveUid": "",
                "digest": "",
                "claims": [],
                "waitsForOwned": False,
            }
        ],
        "component": "",
    }
    assert document["kept"] == [{"object": "core/PersistentVolumeClaim/shop/data", "reason": "holds data"}]
    checked_document(PLAN)


BROKEN = [
    (["kind"], "Bundle", "this is not a plan: it has no `kind: Plan`"),
    (["apiVersion"], "bundler.dev/v2", "its apiVersion is 'bundler.dev/v2', and this bundler reads bundler.dev/v1"),
    (["steps"], {}, "steps is not a list"),
    (["extra"], 1, "extra is not known"),
    (["removal"], "no", "removal is neither true nor false"),
    (["steps", 0, "moment"], "late", "steps[0].moment: 'late' is not a valid Moment"),
    (["steps", 0, "kind"], "hook", "steps[0].kind is 'hook', and has to be one of record, verify, write, runJob, "),
    (["steps", 1, "needs"], ["nowhere"], "step write:.:workloads needs nowhere, and no step before it has that name"),
    (["steps", 1, "needs"], [1], "steps[1].needs holds what is not a string"),
    (["steps", 1, "id"], "record:begun", "two steps have the name record:begun"),
    (["steps", 1, "id"], "", "steps[1].id is empty"),
    (["steps", 1, "targets"], [], "steps[1].targets is empty"),
    (["steps", 1, "targets", 0, "object"], "///", "steps[1].targets[0].object: '///' is not GROUP/KIND/NAMESPACE/NAME"),
    (["steps", 3, "number"], 0, "steps[3].number is 0, and counts from 1"),
    (["steps", 1, "targets", 0, "object"], "web", "steps[1].targets[0].object: 'web' is not GROUP/KIND/NAMESPACE/NAME"),
    (["steps", 1, "targets", 0, "digest"], "abc", "steps[1].targets[0].digest is not a sha256 digest"),
    (["steps", 1, "targets", 0], 7, "steps[1].targets[0] is not an object"),
    (["steps", 2, "reason"], None, "steps[2].reason is not a string"),
]


@pytest.mark.parametrize(("path", "value", "said"), BROKEN)
def test_what_is_wrong_with_a_plan_is_said_with_its_place(path, value, said):
    document = deepcopy(json.loads(json.dumps(plan_document(PLAN))))
    here = document
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    with pytest.raises(MalformedError) as raised:
        parse_plan(document)
    assert str(raised.value).startswith(said)


def test_a_missing_key_is_named():
    document = json.loads(json.dumps(plan_document(PLAN)))
    del document["steps"][1]["component"]
    with pytest.raises(MalformedError) as raised:
        parse_plan(document)
    assert str(raised.value) == "steps[1].component is missing"
