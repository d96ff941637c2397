"""What of a plan that restores a revision is drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bundler.model.change import Action, Change, Plan
from bundler.model.conflicts import ConflictPolicy
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.planning.drift import drifted_objects

if TYPE_CHECKING:
    from bundler.model.json import Body

CONFIG = ObjectRef("", "ConfigMap", "prod", "shop-config")


def config(text: str, **annotations: str) -> Any:
    meta = {"name": "shop-config", "namespace": "prod", **({"annotations": annotations} if annotations else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"text": text}}


def drifted(*, recorded: Body, live: Body, answer: Body) -> list[str]:
    desired = Manifest(ref=CONFIG, api_version="v1", body=recorded, source=Source("templates/a.yaml", 1))
    change = Change(ref=CONFIG, action=Action.UPDATE, desired=desired, before=live, after=answer)
    found = drifted_objects(Plan(changes=(change,)), ConflictPolicy(), {}, {})
    return [field.field for one in found for field in one.fields]


def test_what_others_write_again_while_we_look_is_no_drift() -> None:
    live, answer = config("mine", beat="1"), config("hello", beat="2")
    assert drifted(recorded=config("hello"), live=live, answer=answer) == [".data.text"]
    assert drifted(recorded=config("hello"), live=config("hello", beat="1"), answer=answer) == []


def test_what_the_revision_wrote_is_drift_wherever_it_is() -> None:
    answer = config("hello", beat="2")
    assert drifted(recorded=answer, live=config("hello", beat="1"), answer=answer) == [".metadata.annotations.beat"]
