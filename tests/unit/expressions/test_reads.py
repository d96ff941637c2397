"""Which values templates read, as far as their text tells."""

from __future__ import annotations

import pytest

from bundler.errors.bundle import TemplateSyntaxError
from bundler.expressions.template_reads import read_paths


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("nothing", []),
        ("{{ release.name }}", []),
        ("{{ values.a.b }}", ["a.b"]),
        ("{{ values['a']['b-c'] }}", ["a.b-c"]),
        ("{{ values.a | to_yaml }}", ["a"]),
        ("{{ values | to_yaml }}", [""]),
        ("{{ values[key] }}", [""]),
        ("{{ values.a[key].b }}", ["a"]),
        ("{{ values.list[0].b }}", ["list"]),
        ("{{ values.list[1:] }}", ["list"]),
        ("{% for k, v in values.x.items() %}{{ v.z }}{% endfor %}", ["x"]),
        ("{% for v in values.x %}{{ v.z }}{% endfor %}", ["x"]),
        ("{{ values.a.get('b', values.c) }}", ["a", "c"]),
        ("{% if values.a is defined and values.b %}{% endif %}", ["a", "b"]),
        ("{{ values.a | default(values.b) }}", ["a", "b"]),
        ("{{ {'k': [values.a, (values.b,)]} | to_json }}", ["a", "b"]),
        ("{% set v = values.a %}{{ v.b }}", ["a.b"]),
        ("{% set v = values.a %}", []),
        ("{% set v = values.a %}{{ v | to_yaml }}", ["a"]),
        ("{% set v = values.a %}{{ v.items() }}", ["a"]),
        ("{% set v = values.a %}{% set w = v.b %}{{ w.c }}", ["a.b.c"]),
        ("{% set v = values.a %}{% set v = values.b %}{{ v.c }}", ["a.c", "b.c"]),
        ("{% set v = values %}{{ v.c }}", ["c"]),
        ("{% set v = values.a %}{% set v = v.b %}{{ v.c }}", ["a.b", "a.c"]),
        ("{% set v = w.x %}{% set w = v.y %}{{ w.c }}", [""]),
        ("{% set v = values.a or {} %}{{ v.b }}", ["a"]),
        ("{% set ns = namespace(v=values.a) %}{{ ns.v.b }}", ["a"]),
        ("{% with v = values.a, w = values.b ~ 'x' %}{{ v.c }}{{ w }}{% endwith %}", ["a.c", "b"]),
        ("{% set v %}{{ values.a }}{% endset %}{{ v.b }}", ["a"]),
        ("{% macro m(x=values.a) %}{{ x.b }}{{ values.c.d }}{% endmacro %}", ["a.b", "c.d"]),
        ("{{ m(values.a, k=values.b, *values.c) }}", ["a", "b", "c"]),
        ("{% call m(values.a) %}{{ values.b }}{% endcall %}", ["a", "b"]),
    ],
)
def test_what_a_template_reads(text: str, paths: list[str]) -> None:
    assert sorted(".".join(path) for path in read_paths({"a.yaml": text})) == paths


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("{% include '_v.yaml' %}{{ web.image }}", ["web.image"]),
        ("{% from '_v.yaml' import web %}{{ web.image }}", ["web.image"]),
        ("{% from '_v.yaml' import web as w %}{{ w.image }}", ["web.image"]),
        ("{% import '_v.yaml' as lib %}{{ lib.web.image }}", ["web.image"]),
        ("{% import '_v.yaml' as lib %}{{ lib['web'].image }}", ["web.image"]),
        ("{% import '_v.yaml' as lib %}{{ lib[name].image }}", ["web"]),
        ("{% import '_v.yaml' as lib %}{{ lib.labels(values.a) }}", ["a"]),
        ("{% import '_v.yaml' as lib %}", []),
    ],
)
def test_variables_go_from_file_to_file(text: str, paths: list[str]) -> None:
    files = {"a.yaml": text, "_v.yaml": "{% set web = values.web %}{% macro labels(x) %}{{ x }}{% endmacro %}"}
    assert sorted(".".join(path) for path in read_paths(files)) == paths


def test_calls_in_calls_are_each_looked_at_once() -> None:
    assert read_paths({"a.yaml": "{{ " + "f(" * 40 + "values.a" + ")" * 40 + " }}"}) == {("a",)}


def test_variables_that_are_set_from_each_other_are_each_looked_at_once() -> None:
    pairs = "".join(
        f"{{% set a{i} = a{i - 1} ~ b{i - 1} %}}{{% set b{i} = b{i - 1} ~ a{i - 1} %}}" for i in range(1, 60)
    )
    text = f"{{% set a0 = values.a %}}{{% set b0 = values.b %}}{pairs}{{{{ a59 }}}}"
    assert read_paths({"a.yaml": text}) == {("a",), ("b",)}


def test_what_goes_through_more_variables_than_anyone_can_follow_may_be_everything() -> None:
    chain = "".join(f"{{% set v{i} = v{i - 1} %}}" for i in range(1, 2000))
    assert read_paths({"a.yaml": f"{{% set v0 = values.a %}}{chain}{{{{ v1999 }}}}"}) == {()}
    circle = "".join(
        f"{{% set a{i} = a{(i + 1) % 40} ~ b{i} %}}{{% set b{i} = b{(i + 1) % 40} ~ a{i} %}}" for i in range(40)
    )
    assert () in read_paths({"a.yaml": f"{{% set a0 = values.a %}}{circle}{{{{ a0 }}}}"})


def test_a_template_that_is_not_valid_is_named() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        read_paths({"a.yaml": "{{ values.a"})
    assert caught.value.context[0].startswith("a.yaml: ")
