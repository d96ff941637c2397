"""Bundles and what is in them."""

from __future__ import annotations

from tests.unit.values.builders import bundle


def test_the_tree_of_a_bundle_is_itself_and_its_components_all_the_way_down() -> None:
    inner = bundle("", name="inner")
    middle = bundle("", name="middle", components={"inner": inner})
    top = bundle("", name="top", components={"middle": middle, "other": inner})
    assert [one.metadata.name for one in top.tree()] == ["top", "middle", "inner", "inner"]
