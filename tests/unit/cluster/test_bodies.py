"""Texts reach the server as they are."""

import json

import pytest
import yaml

from bundler.cluster.bodies import escaped_for_yaml
from bundler.model.json import canonical_json

ODD = ["\x7f", "\x80", "\x85", "\x9f", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff", "\x00", "\r", "\n"]


@pytest.mark.parametrize("odd", ODD)
def test_a_reader_of_yaml_reads_the_text_that_was_sent(odd):
    body = {"data": {"a": f"x{odd}y", f"k{odd}": "ö€😀"}}
    sent = escaped_for_yaml(canonical_json(body))
    assert json.loads(sent) == body
    assert yaml.load(sent.decode(), Loader=yaml.BaseLoader) == body


def test_other_texts_are_sent_as_they_are():
    content = canonical_json({"a": "äöü “” 日本語 😀 \\u0085"})
    assert escaped_for_yaml(content) == content
