from __future__ import annotations

import pytest

from bundler.planning.diff import json_patch
from bundler.planning.ignored_fields import content_of, same_content


def test_version_kind_and_metadata_come_first_in_whatever_order_the_server_sent_them() -> None:
    listed = {"metadata": {"name": "a", "uid": "1"}, "data": {}, "apiVersion": "v1", "kind": "ConfigMap", "status": {}}
    answered = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {}}
    assert list(content_of(listed).items()) == list(content_of(answered).items())
    assert list(content_of(listed)) == ["apiVersion", "kind", "metadata", "data"]


@pytest.mark.parametrize(
    ("one", "other", "is_same"), [(1, True, False), (0, False, False), (1, 1.0, True), ("1", 1, False)]
)
def test_a_value_of_another_type_is_another_value(one: object, other: object, is_same: bool) -> None:
    before, after = ({"kind": "Widget", "spec": {"free": [{"a": value}]}} for value in (one, other))
    assert same_content(before, after) is is_same
    assert (json_patch(before, after) == []) is is_same
