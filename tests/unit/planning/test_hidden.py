"""What a record hides is hidden in the live object too."""

from __future__ import annotations

import pytest

from bundler.model.redaction import MASK
from bundler.planning.hidden import hidden_like


@pytest.mark.parametrize(
    ("live", "recorded", "shown"),
    [
        pytest.param({"a": "x", "b": 1}, {"a": "x", "b": 1}, {"a": "x", "b": 1}, id="nothing-hidden"),
        pytest.param({"a": "x", "b": 1}, {"a": MASK, "b": 1}, {"a": MASK, "b": 1}, id="a-leaf"),
        pytest.param({"a": 12}, {"a": MASK}, {"a": MASK}, id="a-number"),
        pytest.param({"a": {"b": "x", "c": "y"}}, {"a": {"b": MASK}}, {"a": {"b": MASK, "c": "y"}}, id="nested"),
        pytest.param({"a": {"b": "x"}}, {"a": MASK}, {"a": MASK}, id="a-mapping-with-a-secret-key"),
        pytest.param({"a": ["x", "y"]}, {"a": ["x", MASK]}, {"a": ["x", MASK]}, id="in-a-list"),
        pytest.param({"a": ["z", "x", "y"]}, {"a": ["x", MASK]}, {"a": MASK}, id="a-list-that-moved"),
        pytest.param({"a": ["z", "x"]}, {"a": ["x"]}, {"a": ["z", "x"]}, id="a-list-without-secrets"),
        pytest.param({"a": "x"}, {}, {"a": "x"}, id="not-recorded"),
        pytest.param({"a": "x"}, None, {"a": "x"}, id="no-record"),
    ],
)
def test_what_a_record_hides_is_hidden(live, recorded, shown):
    assert hidden_like(live, recorded) == shown
