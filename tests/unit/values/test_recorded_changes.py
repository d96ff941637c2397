"""Which recorded values differ between two revisions, and which fields they explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.values.recorded_changes import RecordedChanges, RecordedValues

if TYPE_CHECKING:
    from bundler.model.json import Body


def between(
    before: Body, after: Body, *, computed: tuple[Body, Body] | None = None, is_same_bundle: bool = True
) -> RecordedChanges:
    return RecordedChanges(
        RecordedValues(said="revision 2", bundle="desk 1.1.0", user=before, computed=computed[0] if computed else None),
        RecordedValues(said="revision 1", bundle="desk 1.0.0", user=after, computed=computed[1] if computed else None),
        is_same_bundle=is_same_bundle,
        is_secret=lambda text: text in {"hush", "hush-hush"},
    )


def told(changes: RecordedChanges) -> list[str]:
    return [str(one) for one in changes.told(changes.pointers)]


def test_a_value_that_only_the_newer_revision_was_given_is_not_set_in_the_older_one():
    assert told(between({"a": 1, "b": "x"}, {"a": 2})) == [
        "a 1 → 2 (revision 1)",
        'b "x" is gone (not set in revision 1)',
    ]


def test_what_follows_from_a_single_value_says_so():
    computed = ({"qps": 2000, "web": {"max": 8}}, {"qps": 1000, "web": {"max": 4}})
    changes = between({"qps": 2000}, {"qps": 1000}, computed=computed)
    (root, derived) = changes.told(changes.behind(8, 4))
    assert (str(root), str(derived), derived.because) == ("qps 2000 → 1000 (revision 1)", "web.max 8 → 4", ("qps",))
    assert changes.is_one


def test_of_another_bundle_what_the_user_did_not_give_is_its_doing():
    computed = ({"qps": 2000, "max": 8}, {"qps": 1000, "max": 4})
    changes = between({"qps": 2000}, {"qps": 1000}, computed=computed, is_same_bundle=False)
    assert told(changes) == ["max 8 → 4 (desk 1.0.0)", "qps 2000 → 1000 (revision 1)"]
    assert not changes.is_one


def test_a_secret_and_a_mapping_with_one_inside_show_no_text():
    changes = between({"token": "hush", "more": [{"key": "hush-hush"}]}, {"token": "x", "more": []})
    assert told(changes) == ["more changed (revision 1)", "token changed (revision 1)"]


def test_a_value_that_could_not_be_read_is_not_said_to_differ():
    assert told(between({"token": "***"}, {"token": "hush"})) == []


@pytest.mark.parametrize(
    ("before", "after", "values"),
    [
        ("2", "1", {"replicas"}),
        (2, 1, {"replicas"}),
        ("web:2.1", "web:2.0", {"tag"}),
        ("--replicas=2 --tag=2.1 --on=true", "--replicas=1 --tag=2.0 --on=false", {"replicas", "tag", "on"}),
        (["a"], ["a", "b"], {"hosts"}),
        (None, "b", set()),
        ("2", "3", set()),
        ("x 2.1", "y 2.0", set()),
    ],
)
def test_a_field_follows_the_values_whose_texts_it_has(before: object, after: object, values: set[str]):
    newer = {"replicas": 2, "tag": "2.1", "on": True, "hosts": ["a"]}
    older = {"replicas": 1, "tag": "2.0", "on": False, "hosts": ["a", "b"]}
    changes = between(newer, older)
    assert {pointer[1:] for pointer in changes.behind(before, after)} == values  # type: ignore[arg-type]
