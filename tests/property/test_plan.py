"""Laws of a plan as JSON."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from bundler.model.change import Action, KeptObject, Plan, ReachNote
from bundler.model.cluster import Answer
from bundler.model.manifest import GeneratedSecret
from bundler.model.refs import ObjectRef
from bundler.model.release import InventoryEntry
from bundler.model.steps import (
    Advance,
    Await,
    Delete,
    Moment,
    Paced,
    Pause,
    Record,
    RunJob,
    Target,
    Until,
    Verify,
    Write,
)
from bundler.planning.candidates import find_candidates
from bundler.planning.normalize import stamp
from bundler.planning.observation import Observation, Refusal, RefusalKind, Wanted
from bundler.planning.planner import build_plan
from bundler.planning.stages import stage_of
from bundler.wire.parts import MalformedError
from bundler.wire.plan import parse_plan, plan_document
from tests.lib.laws import examples
from tests.lib.manifests import NAMESPACE, UID, live_of, manifest
from tests.lib.plan_documents import checked_document

if TYPE_CHECKING:
    from bundler.model.json import JSONValue
    from bundler.model.manifest import Manifest
    from bundler.planning.observation import Outcome

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
TOKENS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ23456789+=\"\\'é", min_size=24, max_size=24).map(lambda text: f"<{text}>")
TEXTS = st.text(max_size=12)

REFS = st.builds(ObjectRef, st.sampled_from(["", "apps", "t.example"]), NAMES, st.sampled_from(["", "shop"]), NAMES)
DIGESTS = st.one_of(st.just(""), st.integers(0, 2**255).map(lambda number: f"sha256:{number:064x}"))
ACTIONS = st.sampled_from([Action.CREATE, Action.UPDATE, Action.RECREATE, Action.DELETE])
TARGETS = st.recursive(
    st.builds(Target, ref=REFS, action=ACTIONS, live_uid=TEXTS, digest=DIGESTS, waits_for_owned=st.booleans()),
    lambda inner: st.builds(Target, ref=REFS, action=ACTIONS, claims=st.lists(inner, max_size=2).map(tuple)),
    max_leaves=3,
)
SOME_TARGETS = st.lists(TARGETS, min_size=1, max_size=3).map(tuple)
SOME_REFS = st.lists(REFS, max_size=3).map(tuple)
PACED = st.builds(Paced, ref=REFS, share=TEXTS, pods=st.integers(0, 99), of=st.integers(0, 99))
SOME_PACED = st.lists(PACED, max_size=3).map(tuple)
SOME_TEXTS = st.lists(TEXTS, max_size=2).map(tuple)
MAKERS = st.sampled_from([
    lambda draw, **own: Record(moment=draw(st.sampled_from(Moment)), **own),
    lambda draw, **own: Verify(refs=draw(SOME_REFS), which=draw(TEXTS), written=draw(TEXTS), **own),
    lambda draw, **own: Write(targets=draw(SOME_TARGETS), component=draw(TEXTS), **own),
    lambda draw, **own: RunJob(target=draw(TARGETS), component=draw(TEXTS), **own),
    lambda draw, **own: Await(until=draw(st.sampled_from(Until)), refs=draw(SOME_REFS), component=draw(TEXTS), **own),
    lambda draw, **own: Delete(targets=draw(SOME_TARGETS), component=draw(TEXTS), **own),
    lambda draw, **own: Advance(
        number=draw(st.integers(1, 9)), workloads=draw(SOME_PACED), gates=draw(SOME_TEXTS), **own
    ),
    lambda draw, **own: Pause(reason=draw(TEXTS), **own),
])  # fmt: skip


@st.composite
def any_plans(draw: st.DrawFn) -> Plan:
    """Plans of whatever steps."""
    names = draw(st.lists(NAMES, unique=True, max_size=6))
    steps = [
        draw(MAKERS)(draw, id=name, needs=tuple(draw(st.lists(st.sampled_from(names[:at]), max_size=2)) if at else ()))
        for at, name in enumerate(names)
    ]
    notes = st.builds(ReachNote, TEXTS, TEXTS, st.booleans(), TEXTS, st.one_of(st.none(), st.booleans()))
    return Plan(
        steps=tuple(steps),
        kept=tuple(draw(st.lists(st.builds(KeptObject, REFS, TEXTS), max_size=2))),
        reach=tuple(draw(st.lists(notes, max_size=2))),
        is_removal=draw(st.booleans()),
    )


@settings(max_examples=examples(200), deadline=None)
@given(any_plans())
def test_any_plan_reads_back_equal_from_its_json(plan: Plan) -> None:
    checked_document(plan)


BROKEN: st.SearchStrategy[JSONValue] = st.one_of(st.none(), st.integers(), TEXTS, st.just([]), st.just({"a": 1}))


@st.composite
def broken_documents(draw: st.DrawFn) -> JSONValue:
    """Documents of plans in which one thing, anywhere, is another or missing."""
    document: Any = json.loads(json.dumps(plan_document(draw(any_plans()))))
    here = document
    while True:
        key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        inner = here[key]
        if not (isinstance(inner, dict | list) and inner) or draw(st.integers(0, 3)) == 0:
            break
        here = inner
    if draw(st.booleans()):
        here[key] = draw(BROKEN)
    else:
        del here[key]
    return document


@settings(max_examples=examples(300), deadline=None)
@given(broken_documents())
def test_whatever_is_wrong_with_a_document_is_a_plan_or_an_error_of_ours(document: JSONValue) -> None:
    try:
        plan = parse_plan(document)
    except MalformedError:
        return
    checked_document(plan)


def _secret_holders(name: str, component: str, token: str) -> list[Manifest]:
    encoded = base64.b64encode(token.encode()).decode()
    volumes = [{"name": "v", "hostPath": {"path": f"/srv/{token}"}}]
    pod = {"spec": {"containers": [{"name": "c", "image": "c:1", "env": [{"name": "P", "value": token}]}]}}
    template = {**pod, "spec": {**pod["spec"], "volumes": volumes}}
    return [
        manifest("Secret", name, component=component, data={"p": encoded}),
        manifest("Secret", f"{name}-plain", component=component, stringData={"p": token}),
        manifest("ConfigMap", name, component=component, data={"url": f"postgres://u:{token}@db"}),
        manifest("Deployment", name, "apps/v1", component=component, spec={"replicas": 1, "template": template}),
        manifest("Job", f"{name}-12345678", "batch/v1", component=component, spec={"template": template}),
        manifest("Role", name, "rbac.authorization.k8s.io/v1", component=component, rules=[{"verbs": ["*"]}]),
        manifest("Thing", name, "t.example/v1", component=component, spec={"password": token}),
    ]


@st.composite
def planned(draw: st.DrawFn) -> tuple[Plan, str]:
    """Plans as the planner makes them, of objects that hold a secret, and that secret."""
    token = draw(TOKENS)
    components = draw(st.lists(st.sampled_from(["", "db", "web", "web/cache"]), min_size=1, max_size=3, unique=True))
    named = [(f"{draw(NAMES)}{at}", component) for at, component in enumerate(components)]
    everything = [stamp(one, uid=UID) for name, component in named for one in _secret_holders(name, component, token)]
    is_wanted = draw(st.lists(st.booleans(), min_size=len(everything), max_size=len(everything)))
    is_live = draw(st.lists(st.booleans(), min_size=len(everything), max_size=len(everything)))
    own = GeneratedSecret(name="g", ref=ObjectRef("", "Secret", NAMESPACE, "g"), key="k", kind="hex", length=8)
    removal = draw(st.integers(0, 4)) == 0
    wanted = Wanted(
        release="shop",
        namespace=NAMESPACE,
        uid=UID,
        manifests=() if removal else tuple(one for one, yes in zip(everything, is_wanted, strict=True) if yes),
        generated=() if removal else (own,),
        needs={"web": ("db",)},
        owned={one.ref: _entry(one) for one, yes in zip(everything, is_live, strict=True) if yes},
        sensitive=frozenset({token}),
        is_removal=removal,
    )
    live = {one.ref: live_of(one) for one, yes in zip(everything, is_live, strict=True) if yes}
    observation = Observation(live=live)
    refusal = Refusal(kind=RefusalKind.UNVERIFIABLE, lines=("no kind",))
    outcomes: dict[ObjectRef, Outcome] = {
        one.manifest.ref: Answer(body=live_of(one.manifest), is_created=one.live is None)
        if draw(st.booleans())
        else refusal
        for one in find_candidates(wanted, observation)
        if one.settled is None
    }
    return build_plan(wanted, observation, outcomes), token


def _entry(one: Manifest) -> InventoryEntry:
    return InventoryEntry(
        ref=one.ref, api_version=one.api_version, stage=stage_of(one.ref), component=one.component, manifest=one
    )


@pytest.mark.slow
@settings(max_examples=examples(200), deadline=None)
@given(planned())
def test_a_plan_of_objects_that_hold_secrets_holds_none_and_reads_back_equal(made: tuple[Plan, str]) -> None:
    plan, token = made
    text = checked_document(plan)
    encoded = base64.b64encode(token.encode()).decode()
    assert [one for one in (token, json.dumps(token)[1:-1], encoded) if one in text] == []
