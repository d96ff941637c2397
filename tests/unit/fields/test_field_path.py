"""Field paths as the API server writes them, followed into an object."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, strategies as st

from bundler.fields.field_path import leading_steps, value_at_path, without_field

BODY = {
    "metadata": {"labels": {"app.kubernetes.io/name": "a", "app": "b"}},
    "data": {"my.conf": "x", "my": "y"},
    "spec": {
        "ports": [{"port": 1}, {"port": 2, "name": "web"}],
        "template": {"spec": {"containers": [{"image": "i"}]}},
    },
}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("spec.ports[1].port", ("spec", "ports", 1, "port")),
        ("spec.ports[1].port: Invalid value: 70000: too large", ("spec", "ports", 1, "port")),
        (".spec.ports[0]: expected map", ("spec", "ports", 0)),
        ("spec.ports[7].port", ("spec", "ports")),
        ("spec.ports[1].prot", ("spec", "ports", 1)),
        ("metadata.labels.app.kubernetes.io/name: too long", ("metadata", "labels", "app.kubernetes.io/name")),
        ("metadata.labels[app.kubernetes.io/name]", ("metadata", "labels", "app.kubernetes.io/name")),
        ("metadata.labels.app", ("metadata", "labels", "app")),
        ('data["my.conf"]: bad', ("data", "my.conf")),
        ("data.my.conf", ("data", "my.conf")),
        ("data[my]", ("data", "my")),
        ("spec: Forbidden: updates to spec.ports", ("spec",)),
        ("status.phase", ()),
        ("", ()),
        ("the whole object is too large", ()),
        ("spec.ports[x].port", ("spec", "ports")),
        ('spec.ports[name="web"].port: expected', ("spec", "ports", 1, "port")),
        ('spec.ports[port=2,name="web"].port', ("spec", "ports", 1, "port")),
        ('spec.ports[name="db"].port', ("spec", "ports")),
        ("specs.ports", ()),
    ],
)
def test_a_path_leads_as_far_as_the_object_goes(text: str, steps: tuple[str | int, ...]) -> None:
    assert leading_steps(text, BODY) == steps


BODIES = st.recursive(
    st.integers(),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.text("ab./-", min_size=1, max_size=4), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text('ab.[]"/-01: ', max_size=20), BODIES)
def test_wherever_a_text_leads_there_is_something(text: str, body: object) -> None:
    for step in leading_steps(text, body):
        body = body[step]  # type: ignore[index]


PLAIN = st.recursive(
    st.integers(),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, min_size=1)
    ),
    max_leaves=8,
)


@pytest.mark.medium
@given(st.dictionaries(st.text("abc", min_size=1), PLAIN, min_size=1), st.data())
def test_a_written_path_is_followed_to_its_end(body: object, data: st.DataObject) -> None:
    text, steps, place = "", [], body
    while isinstance(place, dict | list) and data.draw(st.booleans()):
        step = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
        steps.append(step)
        place = place[step]
    assert leading_steps(f"{text}: it is wrong", body) == tuple(steps)


WHOLE = {
    "metadata": {"labels": {"app.kubernetes.io/name": "web", "a": "b"}},
    "spec": {
        "replicas": 3,
        "containers": [
            {"name": "web", "image": "w"},
            {"name": "side", "ports": [{"containerPort": 80, "protocol": "TCP"}]},
        ],
        "finalizers": ["x", "y"],
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".spec.replicas", 3),
        ('.spec.containers[name="web"].image', "w"),
        ('.spec.containers[name="side"].ports[containerPort=80,protocol="TCP"].protocol', "TCP"),
        (".metadata.labels.app.kubernetes.io/name", "web"),
        (".metadata.labels.a", "b"),
        ('.spec.finalizers[="y"]', "y"),
        (".spec.containers[1].name", "side"),
        (".spec.absent", None),
        ('.spec.containers[name="none"].image', None),
        (".spec.replicas.deeper", None),
        (".spec.containers[9]", None),
    ],
)
def test_the_value_at_a_whole_path_is_returned(path: str, value: object) -> None:
    assert value_at_path(WHOLE, path) == value


POD = {"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}], "args": ["one", "two"]}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".spec.args", {"spec": {"containers": POD["spec"]["containers"]}}),
        ('.spec.containers[name="b"].image', {"spec": {**POD["spec"], "containers": [POD["spec"]["containers"][0], {"name": "b"}]}}),
        ('.spec.containers[name="a"]', {"spec": {**POD["spec"], "containers": [POD["spec"]["containers"][1]]}}),
        ('.spec.args[="one"]', {"spec": {**POD["spec"], "args": ["two"]}}),
        (".spec.args[0]", {"spec": {**POD["spec"], "args": ["two"]}}),
    ],
)  # fmt: skip
def test_a_field_is_left_out_of_a_copy(path: str, expected: object):
    before = copy.deepcopy(POD)
    assert without_field(POD, path) == expected
    assert before == POD


@pytest.mark.parametrize("path", ["", ".spec.none", '.spec.containers[name="c"]', ".spec.args[7]", ".spec.args.more"])
def test_a_field_that_is_not_there_leaves_the_object_as_it_is(path: str):
    assert without_field(POD, path) is POD
