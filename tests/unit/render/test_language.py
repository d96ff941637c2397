"""Statements of the language, as templates use them, and where it says no."""

from __future__ import annotations

import pytest

from bundler.errors.bundle import ManifestError, RenderedYamlError, RenderError, TemplateError, TemplateSyntaxError
from bundler.model.bundle import GenerateSpec
from bundler.model.manifest import Source
from bundler.render.bundle import render_texts
from tests.lib.rendering import bundle_of, context_of, render, values_of

VALUES = {"list": ["a", "b", "c"], "map": {"x": 1}, "tree": [{"n": 1, "sub": [{"n": 2, "sub": []}]}]}


def text(template: str, **files: str) -> str:
    bundle = bundle_of({"a.yaml": template, **{f"_{name}.yaml": content for name, content in files.items()}})
    return render_texts(bundle, values_of(VALUES), context_of())[0].text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% for x in values.list %}{{ loop.index }}{{ x }}{{ '' if loop.last else ',' }}{% endfor %}", "1a,2b,3c"),
        ("{% for x in values.list if x != 'b' %}{{ x }}{% else %}none{% endfor %}", "ac"),
        ("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% for k, v in values.map.items() %}{{ k }}={{ v }}{% endfor %}", "x=1"),
        ("{% for x in values.list | map('upper') %}{{ x }}{% endfor %}", "ABC"),
        ("{{ values.list[1:] | join }}{{ values.list[::-1] | first }}", "bcc"),
        ("{% set ns = namespace(n=0) %}{% for x in values.list %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "3"),
        ("{% macro m(a, b=2) %}{{ a }}{{ b }}{{ caller() if caller is defined else '' }}{% endmacro %}{{ m(1) }}", "12"),
        ("{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}x{% endcall %}", "<x>"),
        ("{% macro t(nodes) %}{% for n in nodes %}{{ n.n }}{{ t(n.sub) }}{% endfor %}{% endmacro %}{{ t(values.tree) }}", "12"),
        ("{% import '_m.yaml' as m %}{{ m.name }}{{ m.twice('x') }}", "lib:xx"),
        ("{% include '_none.yaml' ignore missing %}x", "x"),
        ("{% filter upper %}a{{ 1 }}{% endfilter %}", "A1"),
        ("{% set x %}a{{ 1 }}{% endset %}{{ x }}", "a1"),
        ("{% with y = 2 %}{{ y }}{% endwith %}", "2"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ 1 if 'a' in values.list and 'z' not in values.list else 2 }}", "1"),
        ("{{ 1 < 2 < 3 }}", "true"),
        ("{{ 'a' 'b' }}{# gone #}", "ab"),
        ("{{ values.list | batch(2) | map('join') | join(' ') }}", "ab c"),
        ("{{ values.list | length }}", "3"),
    ],
)  # fmt: skip
def test_the_usual_statements_work(template: str, expected: str) -> None:
    library = "{% set name = 'lib:' %}{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}"
    assert text(template, m=library) == expected


def test_block_tags_leave_no_line_behind() -> None:
    assert text("a\n  {% if true %}\n  b\n  {% endif %}\nc\n") == "a\n  b\nc\n"


def test_a_base_template_can_be_extended() -> None:
    base = "head\n{% block body %}default {{ values.map.x }}\n{% endblock %}"
    assert text("{% extends '_base.yaml' %}{% block body %}{{ super() }}more{% endblock %}", base=base) == (
        "head\ndefault 1\nmore"
    )


@pytest.mark.parametrize(
    ("template", "part"),
    [
        ("{% for n in values.tree recursive %}{{ loop(n.sub) }}{% endfor %}", "recursive"),
        ("{% autoescape true %}{% endautoescape %}", "autoescape"),
        ("{{ 'a' | nope }}", "nope"),
        ("{{ '" + "(" * 3 + "' }}{{ ((( }}", "unexpected"),
    ],
)
def test_what_the_language_leaves_out_is_a_syntax_error(template: str, part: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        text(template)
    assert part in caught.value.context[0]


@pytest.mark.parametrize(
    "template",
    [
        "{{ loop }}",
        "{% for x in values.list %}{{ loop.__class__ }}{% endfor %}",
        "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
        "{% import '_m.yaml' as m %}{{ m._body_stream }}",
        "{% import '_m.yaml' as m %}{{ m.missing() }}",
        "{% from '_m.yaml' import missing %}{{ missing }}",
        "{{ self._TemplateReference__context }}",
        "{% set values.x = 1 %}",
        "{{ range }}",
        "{{ files }}",
        "{{ generated }}",
        "{{ [generated] | to_json }}",
        "{{ capabilities | to_yaml }}",
        "{{ capabilities.kube_at_least('new') }}",
        "{{ 'x' | to_json(indent=99) }}",
        "{{ dict.mro() }}",
    ],
)
def test_machinery_cannot_be_printed_or_reached(template: str) -> None:
    with pytest.raises(RenderError):
        text(template, m="")


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    with pytest.raises(RenderError):
        text("{{ " + "(" * 20000 + " }}")


def test_data_nested_without_end_is_refused() -> None:
    with pytest.raises(TemplateError):
        text(
            "{% set ns = namespace(d={}) %}{% for i in range(200) %}{% set ns.d = {'a': ns.d} %}{% endfor %}{{ ns.d | to_json }}"
        )


def test_a_secret_name_that_cannot_be_computed_names_its_line_in_bundle_yaml() -> None:
    spec = GenerateSpec(
        name="x", secret="{{ values.zz }}", key="k", kind="password", length=8, source=Source("bundle.yaml", 7)
    )
    with pytest.raises(RenderError) as caught:
        render({}, generate=(spec,))
    assert caught.value.context[0].startswith("bundle.yaml:7: values.zz is not set")


@pytest.mark.parametrize(
    ("template", "error_type", "part"),
    [
        ("kind: List\napiVersion: v1\nitems: {}\n", RenderedYamlError, "its items are not a list"),
        ("kind: List\napiVersion: v1\nitems:\n- 1\n", RenderedYamlError, "templates/a.yaml:4"),
        ("kind: A\napiVersion: v1\nmetadata: []\n", ManifestError, "metadata is missing"),
        (
            "kind: A\napiVersion: v1\nmetadata: {name: a, labels: []}\n",
            ManifestError,
            "metadata.labels is not a mapping",
        ),
        ("kind: A\napiVersion: v1\nmetadata: {name: a, namespace: 1}\n", ManifestError, "namespace is not a string"),
        ("kind: A\napiVersion: v1\nmetadata: {name: a, namespace: ''}\n", ManifestError, "metadata.namespace is empty"),
        (
            "x: &l {a: b}\nkind: A\napiVersion: v1\nmetadata: {name: a, labels: *l}\n",
            ManifestError,
            "it is an alias",
        ),
    ],
)
def test_objects_in_the_wrong_shape_are_named(template: str, error_type: type[RenderError], part: str) -> None:
    with pytest.raises(error_type) as caught:
        render({"a.yaml": template})
    assert part in caught.value.context[0]


def test_an_unknown_kind_counts_as_namespaced() -> None:
    from bundler.render.bundle import render_bundle
    from bundler.render.types import Capabilities, RenderContext

    context = RenderContext(release_name="shop", namespace="prod", capabilities=Capabilities(kube_version="1.30"))
    bundle = bundle_of({"a.yaml": "kind: Thing\napiVersion: x.io/v1\nmetadata: {name: a}\n"})
    assert render_bundle(bundle, values_of({}), context).manifests[0].ref.namespace == "prod"
