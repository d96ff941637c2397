"""Walking through JSON."""

from __future__ import annotations

from bundler.model.json import leaves_in, texts_in

VALUE = {"a": [1, {"b": "x"}, (True, None)], "c": "", "d": {}, "e": 2.5}


def test_leaves_are_what_is_no_mapping_and_no_list() -> None:
    assert list(leaves_in(VALUE)) == [1, "x", True, None, "", 2.5]
    assert list(leaves_in("alone")) == ["alone"]


def test_texts_are_the_leaves_that_may_have_to_be_masked() -> None:
    assert list(texts_in(VALUE)) == ["1", "x", "2.5"]
