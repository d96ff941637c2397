"""Values in spellings of YAML 1.1, as in many public manifests."""

import pytest

from bundler.planning.older_yaml import may_hold_older_yaml, read_older_yaml
from tests.lib.manifests import manifest


def pod(**secret):
    return manifest("Pod", "a", spec={"containers": [], "volumes": [{"name": "v", "secret": secret}]})


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("defaultMode", "0755", 493),
        ("defaultMode", "0400", 256),
        ("optional", "yes", True),
        ("optional", "Off", False),
        ("optional", "n", False),
    ],
)
def test_where_kubernetes_wants_a_number_or_a_truth_value_it_is_one(field, text, value):
    read, (reading,) = read_older_yaml(pod(**{field: text}))
    found = read.body["spec"]["volumes"][0]["secret"][field]
    assert (found, type(found)) == (value, type(value))
    assert reading.path == f"spec.volumes[0].secret.{field}"
    assert text in str(reading)


@pytest.mark.parametrize(
    "made",
    [
        manifest("ConfigMap", "a", data={"zip": "0755", "on": "yes"}),
        manifest("Pod", "a", spec={"containers": [{"name": "no", "image": "yes", "args": ["0755", "off"]}]}),
        pod(defaultMode="0999", optional="maybe"),
        manifest("Gadget", "a", "example.dev/v1", spec={"size": "0755", "on": "yes"}),
    ],
)
def test_texts_stay_texts(made):
    assert read_older_yaml(made) == (made, ())


@pytest.mark.parametrize(
    "text", ["a: 0755\n", "a: yes", "- on # x\n", "{a: no, b: 1}", "[a, b: off]", 'a: "yes"\n', "a: 'n'\n"]
)
def test_texts_with_such_a_spelling_are_found_fast(text):
    assert may_hold_older_yaml(text)


@pytest.mark.parametrize("text", ["a: 755\n", "a: yesterday\n", "on: true\n", "a: 0\n", "a: 0.5\n", "a: number\n"])
def test_other_texts_are_not_looked_at(text):
    assert not may_hold_older_yaml(text)
