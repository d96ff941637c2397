"""The template line of any place in a rendered object."""

from __future__ import annotations

import pytest

from bundler.model.refs import ObjectRef
from tests.lib.rendering import bundle_of, context_of, render, values_of

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        {% for name in values.names %}
        - name: {{ name }}
          image: "nginx:{{ loop.index }}"
        {% endfor %}
        - {{ values.extra | to_yaml }}
{% include "_job.yaml" %}
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    metadata: {name: one}
    spec:
      containers:
        - name: a
          image: busybox:1
  - apiVersion: v1
    kind: Pod
    metadata: {name: two}
    spec: {containers: [{name: b,
      image: "busybox:2"}]}
"""
JOB = """---
apiVersion: batch/v1
kind: Job
metadata: {name: job}
spec:
  template:
    spec:
      containers: [{name: x, image: tool:1}]
"""
DATA = {"names": ["a", "b"], "extra": {"name": "c", "image": "nginx:3"}}
CONTAINERS = ("spec", "template", "spec", "containers")


@pytest.mark.parametrize(
    ("ref", "steps", "line"),
    [
        (ObjectRef("apps", "Deployment", "prod", "web"), (*CONTAINERS, 0, "image"), "templates/web.yaml:10"),
        (ObjectRef("apps", "Deployment", "prod", "web"), (*CONTAINERS, 1, "image"), "templates/web.yaml:10"),
        (ObjectRef("apps", "Deployment", "prod", "web"), (*CONTAINERS, 1, "name"), "templates/web.yaml:9"),
        (ObjectRef("apps", "Deployment", "prod", "web"), (*CONTAINERS, 2, "image"), "templates/web.yaml:12"),
        (ObjectRef("apps", "Deployment", "prod", "web"), ("spec", "template", "nowhere"), "templates/web.yaml:5"),
        (ObjectRef("batch", "Job", "prod", "job"), (*CONTAINERS, 0, "image"), "templates/_job.yaml:8"),
        (ObjectRef("", "Pod", "prod", "one"), ("spec", "containers", 0, "image"), "templates/web.yaml:24"),
        (ObjectRef("", "Pod", "prod", "two"), ("spec", "containers", 0, "image"), "templates/web.yaml:29"),
    ],
)
def test_a_place_has_the_line_that_printed_it(ref, steps, line) -> None:
    rendering = render({"web.yaml": WEB, "_job.yaml": JOB}, DATA)
    assert str(rendering.find_source(ref, steps)) == line


def test_an_object_that_is_not_rendered_has_no_line() -> None:
    assert render({"web.yaml": JOB}).find_source(ObjectRef("", "Pod", "prod", "no"), ("spec",)) is None


def test_a_component_is_named_in_front_of_its_template() -> None:
    from bundler.model.bundle import ComponentSpec
    from bundler.model.manifest import Source
    from bundler.render.bundle import render_bundle

    inner = bundle_of({"job.yaml": JOB}, name="db")
    spec = ComponentSpec(name="db", bundle="../db", source=Source("bundle.yaml", 3))
    outer = bundle_of({}, components=(spec,), component_bundles={"db": inner})
    rendering = render_bundle(outer, values_of({}, db=values_of({})), context_of())
    found = rendering.find_source(ObjectRef("batch", "Job", "prod", "job"), (*CONTAINERS, 0, "image"))
    assert str(found) == "db/templates/job.yaml:8"


def test_lines_do_not_make_two_renderings_different() -> None:
    assert render({"web.yaml": JOB}) == render({"web.yaml": JOB})


SHARED = """\
{% macro both() %}
m: {one: "{{ values.a }}", two: "{{ values.b }}"}
single: {{ values.c }}
{% endmacro %}
{% macro plain(x) -%}{{ x }}{%- endmacro %}
apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {app: "{{ values.app }}-x", tier: {{ values.tier | quote }}}}
data:
  flow: { a: {{ values.a | quote }}, b: "{{ values.b }}{{ values.empty }}", c: 'x' {% if values.on %}, d: "1"{% endif %} }
  {{ values.key }}: y
  none: {{ values.none }}
  text: |
    one {{ values.a }}
    two {{ values.b }}
  all: {{ {"x": values.a, "y": values.b} | to_yaml }}
  tree: {{ values.tree | to_yaml }}
  list: [{% for one in values.list %}"{{ one }}", {% endfor %}"{{ plain(values.last) }}"]
  {{ both() | indent(2) }}
"""
SHARED_DATA = {
    **{name: name for name in ("a", "b", "c", "app", "tier", "last", "key")},
    "on": True,
    "list": ["1", "2"],
    "tree": {"p": 1, "q": 2},
    "none": "",
    "empty": "",
}


@pytest.mark.parametrize(
    ("steps", "direct", "around", "is_certain"),
    [
        (("metadata", "name"), "", "", True),
        (("metadata", "labels", "app"), "app", "", True),
        (("metadata", "labels", "tier"), "tier", "", True),
        (("metadata", "labels"), "app tier", "", True),
        (("data", "flow", "a"), "a", "", True),
        (("data", "flow", "b"), "b empty", "", True),
        (("data", "flow", "c"), "", "", True),
        (("data", "flow", "d"), "", "on", True),
        (("data", "key"), "key", "", True),
        (("data", "none"), "none", "", True),
        (("data", "flow", "gone"), "", "", True),
        (("gone",), "", "", True),
        (("data", "text"), "a b", "", True),
        (("data", "all", "x"), "a b", "", False),
        (("data", "all"), "a b", "", True),
        (("data", "tree", "q"), "tree", "", True),
        (("data", "list", 0), "list", "list", True),
        (("data", "list", 2), "last", "", True),
        (("data", "m", "one"), "a b", "", False),
        (("data", "single"), "c", "", True),
    ],
)
def test_a_field_knows_what_is_read_for_it_and_not_what_others_of_its_line_read(steps, direct, around, is_certain):
    rendering = render({"web.yaml": SHARED}, SHARED_DATA)
    found = rendering.find_origin(ObjectRef("", "ConfigMap", "prod", "web"), steps)
    assert found is not None
    words = [" ".join(sorted(".".join(path[1:]) for path in paths)) for paths in (found.direct, found.around)]
    assert (*words, found.is_certain) == (direct, around, is_certain)


CALLED_TWICE = """\
{% macro inner(value) %}
x: {{ value }}
{% endmacro %}
{% macro outer(with_more) %}
y: 2
{% if with_more %}
{{ inner(values.deep) }}
{% endif %}
{% endmacro %}
{% macro short(value) -%}{{ value }}{%- endmacro %}
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
plain:
  {{ inner(values.a) | indent(2) }}
deep:
  {{ outer(values.more) | indent(2) }}
{% if values.on %}
switched:
  {{ inner(values.b) | indent(2) }}
{% endif %}
{% set kept = short(values.c) %}
short: [{{ short(values.a) }}, {{ short(values.b) }}, {{ kept }}]
"""


@pytest.mark.parametrize(
    ("steps", "direct", "around"),
    [
        (("plain", "x"), "a", ""),
        (("deep", "y"), "", ""),
        (("deep", "x"), "deep", "more"),
        (("switched", "x"), "b", "on"),
        (("short", 0), "a", ""),
        (("short", 1), "b", ""),
        (("short", 2), "c", ""),
    ],
)
def test_what_a_macro_prints_depends_on_the_call_that_printed_it_and_on_no_other(steps, direct, around) -> None:
    values = {"on": True, "more": True, "deep": "d", "a": "a", "b": "b", "c": "c"}
    found = render({"web.yaml": CALLED_TWICE}, values).find_origin(ObjectRef("", "ConfigMap", "prod", "web"), steps)
    assert found is not None
    words = [" ".join(sorted(".".join(path[1:]) for path in paths)) for paths in (found.direct, found.around)]
    assert words == [direct, around]
