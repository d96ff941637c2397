from __future__ import annotations

from bundler.model.values import LayerKind
from bundler.values.merge import fold_layers, layer_below, merge_values, without_nulls
from tests.unit.values.builders import layer


def test_mappings_merge_and_lists_replace() -> None:
    lower = {"a": {"x": 1, "y": 2}, "list": [1, 2]}
    assert merge_values(lower, {"a": {"y": 3}, "list": [9]}) == {"a": {"x": 1, "y": 3}, "list": [9]}


def test_a_null_deletes_whether_or_not_the_key_exists() -> None:
    merged = merge_values({"a": {"x": 1, "y": {"z": 2}}}, {"a": {"x": None, "y": {"z": None}}, "b": None})
    assert without_nulls(merged) == {"a": {"y": {}}}


def test_a_mapping_after_a_deletion_starts_afresh() -> None:
    fold = fold_layers([layer("a: {old: 1}"), layer("a: null"), layer("a: {new: 2}")])
    assert fold.data == {"a": {"new": 2}}


def test_no_null_leaks_out_of_lists() -> None:
    assert without_nulls({"list": [None, {"a": None, "b": 1}]}) == {"list": [{"b": 1}]}


def test_every_leaf_has_its_file_and_line() -> None:
    low = layer("a:\n  x: 1\n  y: 2\nlist:\n- k: 1\n", LayerKind.DEFAULTS, "values.yaml")
    high = layer("\na:\n  y: 3\nb: null\n", LayerKind.FILE, "prod.yaml")
    origins = {pointer: str(origin) for pointer, origin in fold_layers([low, high]).origins.items()}
    assert origins == {
        "/a/x": "values.yaml:2",
        "/a/y": "prod.yaml:3",
        "/b": "prod.yaml:4",
        "/list": "values.yaml:4",
        "/list/0": "values.yaml:5",
        "/list/0/k": "values.yaml:5",
    }


def test_what_is_below_a_name_keeps_its_lines() -> None:
    below = layer_below(layer("db:\n  port: 1\ndbx:\n  port: 2\n"), "db")
    assert below is not None
    assert below.data == {"port": 1}
    assert {pointer: origin.line for pointer, origin in below.leaf_origins.items()} == {"": 1, "/port": 2}


def test_nothing_is_below_a_scalar() -> None:
    assert layer_below(layer("db: 1"), "db") is None
    assert layer_below(layer("a: 1"), "db") is None
