"""A saved plan is refused where it shows something other than it does, and not where others write beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.model.change import Action, Change
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.saved_plan import SavedChange
from bundler.planning.diff import object_diff
from bundler.planning.shown_changes import unlike_shown

if TYPE_CHECKING:
    from bundler.model.json import Body

REF = ObjectRef("apps", "Deployment", "prod", "shop")


def _body(image: str, annotations: dict[str, str], replicas: int = 2) -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "prod", "annotations": annotations},
        "spec": {"replicas": replicas, "image": image},
    }


def _change(before: Body, after: Body, *, is_autoscaled: bool = False) -> Change:
    body = _body("b", {"ours": "x"})
    desired = Manifest(ref=REF, api_version="apps/v1", body=body, source=Source("templates/x.yaml", 1))
    return Change(
        ref=REF, action=Action.UPDATE, desired=desired, before=before, after=after, is_autoscaled=is_autoscaled
    )


def _saved(change: Change) -> SavedChange:
    return SavedChange(ref=change.ref, action=change.action, lines=object_diff(change).lines)


STAMPED = {"ours": "x", "deployment.kubernetes.io/revision": "1"}
PLANNED = _change(
    _body("a", {"ours": "x", "deployment.kubernetes.io/revision": "1"}),
    _body("b", {"ours": "x", "deployment.kubernetes.io/revision": "1", "webhook": "10:00"}),
)


@pytest.mark.parametrize(
    ("now", "is_as_shown"),
    [
        (PLANNED, True),
        (
            _change(
                _body("a", {"ours": "x", "deployment.kubernetes.io/revision": "2"}),
                _body("b", {"ours": "x", "deployment.kubernetes.io/revision": "2", "webhook": "10:05"}),
            ),
            True,
        ),
        (_change(_body("a", {"ours": "x"}), _body("c", {"ours": "x"})), False),
        (_change(_body("a", {"ours": "y"}), _body("b", {"ours": "x"})), False),
        (_change(_body("a", {}, replicas=3), _body("b", {"webhook": "10:00"}, replicas=3)), False),
        (_change(_body("a", STAMPED, replicas=3), _body("b", {**STAMPED, "webhook": "1"}, replicas=3)), False),
        (
            _change(
                _body("a", STAMPED, replicas=3), _body("b", {**STAMPED, "webhook": "1"}, replicas=3), is_autoscaled=True
            ),
            True,
        ),
    ],
)
def test_what_controllers_write_beside_a_change_does_not_count(now: Change, *, is_as_shown: bool) -> None:
    lines = unlike_shown([_saved(PLANNED)], [now], str, compares_text=True)
    assert (lines == []) is is_as_shown
    assert unlike_shown([_saved(PLANNED)], [now], str, compares_text=False) == []


def test_lines_around_a_change_cannot_name_another_place() -> None:
    saved = _saved(PLANNED)
    elsewhere = tuple(line.replace("   replicas: 2", "   replicas: 1") for line in saved.lines)
    forged = SavedChange(ref=saved.ref, action=saved.action, lines=elsewhere)
    assert unlike_shown([forged], [PLANNED], str, compares_text=True) == [
        "Deployment/shop: the difference that the plan shows is not the one that would be made"
    ]


def test_the_time_at_which_someone_wrote_a_field_does_not_count_and_what_is_lost_does() -> None:
    note = ("take", "Deployment/shop .spec: live 1 set by x at 2026-11-30T10:00:00Z becomes 2 (--on-conflict)")
    saved = SavedChange(ref=REF, action=Action.UPDATE, lines=_saved(PLANNED).lines, notes=(note,))
    assert unlike_shown([saved], [PLANNED], str, compares_text=True) == [
        "Deployment/shop: take: Deployment/shop .spec: live 1 set by x becomes 2 (--on-conflict): no longer so"
    ]
