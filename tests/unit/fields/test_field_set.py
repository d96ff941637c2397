"""Sets of fields."""

from typing import Any

import pytest

from bundler.fields.field_set import EMPTY, FieldSet, owned_fields, to_path

TREE = {
    "f:spec": {"f:replicas": {}, "f:list": {'k:{"name":"web"}': {".": {}, "f:image": {}}}},
    "f:set": {'v:"a"': {}, "v:1": {}},
}
PATHS = [
    ("f:set", 'v:"a"'),
    ("f:set", "v:1"),
    ("f:spec", "f:list", 'k:{"name":"web"}'),
    ("f:spec", "f:list", 'k:{"name":"web"}', "f:image"),
    ("f:spec", "f:replicas"),
]


def test_the_members_of_a_set_are_listed_parents_first() -> None:
    assert list(FieldSet.parse(TREE).paths()) == PATHS
    assert FieldSet.of(PATHS).serialise() == TREE


@pytest.mark.parametrize(
    ("path", "is_in"),
    [
        (("f:spec", "f:replicas"), True),
        (("f:spec",), False),
        (("f:spec", "f:list", 'k:{"name":"web"}'), True),
        (("f:spec", "f:list"), False),
        (("f:spec", "f:other"), False),
        ((), False),
    ],
)
def test_membership_is_of_exactly_one_path(path: tuple[str, ...], is_in: bool) -> None:
    assert (path in FieldSet.parse(TREE)) is is_in


def test_leaves_are_the_members_with_nothing_below() -> None:
    assert list(FieldSet.parse(TREE).leaves().paths()) == [path for path in PATHS if path[-1][0] != "k"]


@pytest.mark.parametrize("text", [None, "x", [], {}, {".": {}}])
def test_what_is_no_set_is_empty(text: Any) -> None:
    assert FieldSet.parse(text).is_empty
    assert EMPTY.is_empty


def test_keys_are_spelled_one_way_whatever_encoder_wrote_them() -> None:
    escaped = FieldSet.parse({"f:a": {'k:{"name":"\\u003cx\\u003e"}': {".": {}, "f:b": {}}, 'v:"\\u0026"': {}}})
    assert escaped == FieldSet.parse({"f:a": {'k:{"name":"<x>"}': {".": {}, "f:b": {}}, 'v:"&"': {}}})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:spec", "f:replicas"), ".spec.replicas"),
        (("f:c", 'k:{"name":"web"}', "f:image"), '.c[name="web"].image'),
        (("f:p", 'k:{"protocol":"TCP","containerPort":80}'), '.p[containerPort=80,protocol="TCP"]'),
        (("f:metadata", "f:finalizers", 'v:"x"'), '.metadata.finalizers[="x"]'),
        (("f:l", "i:3"), ".l[3]"),
        (("f:metadata", "f:annotations", "f:a.b/c"), ".metadata.annotations.a.b/c"),
    ],
)
def test_paths_are_written_as_in_conflicts(path: tuple[str, ...], text: str) -> None:
    assert to_path(path) == text


def test_a_whole_field_with_all_below_it_is_taken_out() -> None:
    assert FieldSet.parse(TREE).without_subtree("spec") == FieldSet.parse({"f:set": TREE["f:set"]})


def test_ownership_is_read_by_manager_and_operation_without_subresources() -> None:
    entries = [
        {"manager": "a", "operation": "Apply", "fieldsV1": {"f:x": {}}},
        {"manager": "a", "operation": "Update", "fieldsV1": {"f:y": {}}},
        {"manager": "a", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}},
        {"manager": "b", "operation": "Apply", "fieldsV1": {"f:z": {}}},
    ]
    body = {"metadata": {"managedFields": entries}}
    assert list(owned_fields(body, "a").paths()) == [("f:x",)]
    assert list(owned_fields(body, "a", operation="Update").paths()) == [("f:y",)]
    assert owned_fields(body, "nobody").is_empty


def test_all_entries_of_one_manager_count_together() -> None:
    """A server keeps two entries of one manager until the next write folds them."""
    entries = [
        {"manager": "a", "operation": "Apply", "fieldsV1": {"f:x": {}}},
        {"manager": "b", "operation": "Apply", "fieldsV1": {"f:z": {}}},
        {"manager": "a", "operation": "Apply", "fieldsV1": {"f:y": {}}},
    ]
    assert list(owned_fields({"metadata": {"managedFields": entries}}, "a").paths()) == [("f:x",), ("f:y",)]
