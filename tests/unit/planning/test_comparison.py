"""Two sets of manifests beside each other."""

from __future__ import annotations

import pytest

from bundler.model.change import Action
from bundler.model.comparison import ComparedObjects
from bundler.model.manifest import GeneratedSecret, Manifest, Source
from bundler.model.redaction import MASK
from bundler.model.refs import ObjectRef
from bundler.planning.comparison import SENSITIVE_ONLY, changes_between
from bundler.planning.diff import object_diff

GENERATED = GeneratedSecret(
    name="p", ref=ObjectRef("", "Secret", "prod", "made"), key="password", kind="password", length=24
)


def config(name: str, **data: str) -> Manifest:
    return of_kind("ConfigMap", name, **data)


def of_kind(kind: str, name: str, **data: str) -> Manifest:
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "prod"}, "data": data}
    return Manifest(
        ref=ObjectRef("", kind, "prod", name), api_version="v1", body=body, source=Source("templates/a.yaml", 1)
    )


def side(*manifests: Manifest, **more: object) -> ComparedObjects:
    return ComparedObjects(manifests=manifests, **more)


def found(before: ComparedObjects, after: ComparedObjects) -> list[tuple[str, str]]:
    return [(change.ref.name, change.action.value) for change in changes_between(before, after)]


def test_what_is_new_gone_and_different_is_told_apart():
    before, after = side(config("a", x="1"), config("b", x="1"), config("c")), side(config("d"), config("b", x="2"))
    after = side(*after.manifests, config("c"))
    assert found(before, after) == [("d", "create"), ("b", "update"), ("c", "none"), ("a", "delete")]


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [((), (GENERATED,), "create"), ((GENERATED,), (), "delete"), ((GENERATED,), (GENERATED,), "none")],
)
def test_generated_secrets_are_there_or_not_and_never_differ(before, after, action):
    assert found(side(generated=before), side(generated=after)) == [("made", action)]


def test_a_sensitive_value_that_differs_is_a_change_without_a_value():
    masked = {config("a").ref: {**config("a").body, "data": {"token": MASK, "x": "1"}}}
    before = side(config("a", token="admin", x="1"), masked=masked)
    (change,) = changes_between(before, side(config("a", token="root", x="1"), masked=masked))
    assert (change.action, change.reason, object_diff(change).lines) == (Action.UPDATE, SENSITIVE_ONLY, ())
    (change,) = changes_between(before, side(config("a", token="root", x="2")))
    assert "root" not in "".join(object_diff(change).lines), "what one side hides is hidden in both"


def test_leaves_of_secrets_show_that_they_differ_and_nothing_else():
    (change,) = changes_between(side(of_kind("Secret", "s", k="YWFh")), side(of_kind("Secret", "s", k="YmJi")))
    assert [line for line in object_diff(change).lines if line[0] in "+-"] == [
        '-  k: "<3 bytes>"',
        '+  k: "<3 bytes, changed>"',
    ]
