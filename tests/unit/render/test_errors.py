"""What people read when templates are wrong: golden files, one situation each."""

from __future__ import annotations

import pytest

from bundler.errors import BundlerError
from bundler.errors.bundle import (
    ManifestError,
    RenderedYamlError,
    RenderError,
    TemplateError,
    TemplateLimitError,
    TemplateSyntaxError,
    UndefinedValueError,
)
from bundler.expressions.bounds import DEFAULT_BOUNDS, Bounds
from bundler.model.bundle import GenerateSpec
from bundler.model.manifest import Source
from bundler.render.bundle import render_bundle
from tests.lib.golden import check_golden, error_text
from tests.lib.rendering import bundle_of, context_of, values_of

VALUES = {
    "db": {"name": "shop", "port": 5432},
    "ports": [{"name": "http", "port": 80}, {"name": "metrics"}],
    "nothing": [{"inner": None}],
    "password": "correct-horse-battery",
    "list": [1, 2],
}
GENERATE = (
    GenerateSpec(
        name="db-password",
        secret="{{ release.name }}-db",
        key="password",
        kind="password",
        length=24,
        source=Source("bundle.yaml", 9),
    ),
)
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"

SITUATIONS: dict[str, tuple[type[BundlerError], dict[str, str]]] = {
    "undefined-in-filter": (
        UndefinedValueError,
        {"web.yaml": HEAD + "data:\n  host: {{ values.db.host | upper | quote }}\n"},
    ),
    "undefined-in-in": (
        UndefinedValueError,
        {"web.yaml": HEAD + "data:\n{% if 'a' in values.features %}\n  a: b\n{% endif %}\n"},
    ),
    "attribute-of-null": (
        UndefinedValueError,
        {"web.yaml": HEAD + "data:\n  x: {{ values.nothing[0].inner.deeper }}\n"},
    ),
    "inside-macro": (
        UndefinedValueError,
        {
            "_helpers.yaml": "{% macro address(db) -%}\n{{ db.name }}:\n{{ db.host }}\n{%- endmacro %}\n",
            "web.yaml": '{% from "_helpers.yaml" import address %}\n' + HEAD + "data:\n  x: {{ address(values.db) }}\n",
        },
    ),
    "inside-include": (
        UndefinedValueError,
        {
            "_outer.yaml": '\n{% include "_inner.yaml" %}\n',
            "_inner.yaml": "data:\n  zone: {{ values.zone }}\n",
            "web.yaml": HEAD + '{% include "_outer.yaml" %}\n',
        },
    ),
    "inside-for": (
        UndefinedValueError,
        {
            "web.yaml": HEAD
            + "data:\n{% for port in values.ports %}\n  {{ port.name }}: {{ port.port }}\n{% endfor %}\n"
        },
    ),
    "unknown-name": (UndefinedValueError, {"web.yaml": HEAD + "data: {x: {{ vaules.db }}}\n"}),
    "if-without-else": (UndefinedValueError, {"web.yaml": HEAD + "data: {x: {{ 1 if values.db.port == 1 }}}\n"}),
    "syntax": (TemplateSyntaxError, {"web.yaml": HEAD + "{% if values.db %}\ndata: {}\n"}),
    "unknown-filter": (TemplateSyntaxError, {"web.yaml": HEAD + "data: {x: {{ values.db.name | camel }}}\n"}),
    "unknown-tag": (TemplateSyntaxError, {"web.yaml": HEAD + "{% define x %}\n"}),
    "mixed-types": (TemplateError, {"web.yaml": HEAD + "data:\n  x: {{ values.db.name + values.db.port }}\n"}),
    "filter-misused": (TemplateError, {"web.yaml": HEAD + "data:\n  x: {{ values.db.name | ceil }}\n"}),
    "printed-mapping": (TemplateError, {"web.yaml": HEAD + "data:\n  x: {{ values.db }}\n"}),
    "missing-include": (TemplateError, {"web.yaml": HEAD + '{% include "other.yaml" %}\n', "other.yaml": HEAD}),
    "author-stops": (TemplateError, {"web.yaml": "{{ fail('choose web or worker') }}\n"}),
    "generated-text": (TemplateError, {"web.yaml": "x: {{ generated['db-password'].text }}\n"}),
    "generated-printed": (TemplateError, {"web.yaml": "x: {{ generated['db-password'] }}\n"}),
    "generated-unknown": (TemplateError, {"web.yaml": "x: {{ generated['password'].key }}\n"}),
    "missing-file": (TemplateError, {"web.yaml": "x: {{ files.get('conf/a.ini') }}\n"}),
    "endless-macro": (
        TemplateLimitError,
        {"web.yaml": "{% macro m() %}{{ m() }}{% endmacro %}\nx: {{ m() }}\n"},
    ),
    "too-many-steps": (
        TemplateLimitError,
        {"web.yaml": "{% for a in range(5000) %}\n{% for b in range(5000) %}\nx: 1\n{% endfor %}\n{% endfor %}\n"},
    ),
    "broken-yaml": (
        RenderedYamlError,
        {"web.yaml": HEAD + "data:\n{% for port in values.ports %}\n  {{ port.name }}: [\n{% endfor %}\n"},
    ),
    "duplicate-key": (RenderedYamlError, {"web.yaml": HEAD + "data: {}\n\ndata: {}\n"}),
    "broken-secret": (
        RenderedYamlError,
        {"web.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: plain-text\n  b: [\n"},
    ),
    "sensitive-in-broken-yaml": (
        RenderedYamlError,
        {"web.yaml": HEAD + "data:\n  a: {{ values.password }}: {{ values.password | b64encode }}\n"},
    ),
    "not-an-object": (RenderedYamlError, {"web.yaml": "# a comment\n- 1\n"}),
    "missing-kind": (ManifestError, {"web.yaml": HEAD + "---\napiVersion: v1\nmetadata: {name: b}\n"}),
    "missing-name": (ManifestError, {"web.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  labels: {}\n"}),
    "generate-name": (ManifestError, {"web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n"}),
    "reserved-annotation": (
        ManifestError,
        {"web.yaml": HEAD.replace("  name: a\n", "  name: a\n  annotations:\n    bundler.dev/release-uid: x\n")},
    ),
    "aliased-labels": (
        ManifestError,
        {"web.yaml": HEAD + "  labels: &common {app: a}\nspec: {selector: {matchLabels: *common}}\n"},
    ),
    "many-at-once": (
        RenderError,
        {
            "a.yaml": HEAD + "data: {x: {{ values.zz }}}\n",
            "b.yaml": "{% if %}\n",
            "c.yaml": HEAD + "data: [\n",
            "d.yaml": HEAD + "---\nkind: ConfigMap\n---\n- 1\n",
        },
    ),
}


def render_error(templates: dict[str, str], bounds: Bounds = DEFAULT_BOUNDS) -> BundlerError:
    bundle = bundle_of(templates, generate=GENERATE)
    values = values_of(VALUES, sensitive=frozenset({"/password"}))
    with pytest.raises(BundlerError) as caught:
        render_bundle(bundle, values, context_of(bounds=bounds))
    return caught.value


@pytest.mark.parametrize("name", sorted(SITUATIONS))
def test_a_rendering_error_says_what_where_and_what_to_do(name: str) -> None:
    error_type, templates = SITUATIONS[name]
    error = render_error(templates)
    assert type(error) is error_type
    check_golden(f"render/{name}.txt", error_text(error))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (HEAD + "data:\n\tx: y\n", "indent with blanks"),
        (HEAD + "data: {}\n" + HEAD, "put a line with --- between two objects"),
        (HEAD + "data: {a: 1, a: 2}\n", "fix the template"),
        (HEAD + "data: {{ .Values.name }}\n", "write {{ values.name }}"),
        (HEAD + "data: {{ .name }}\n", "start a path with a name"),
        (HEAD + "{{ if values.list }}\n", "a tag is written in {% %}: {% if values.list %}"),
        (HEAD + "data: {{ values.list values.name }}\n", "write one expression in {{ }}"),
        (HEAD + "data: a {# b\n", "write {% raw %}{#{% endraw %}"),
        (HEAD + "{{ if .Values.list }}\n", "a tag is written in {% %}"),
        (HEAD + "data: {{ values.db | toYaml }}\n", "here it is called to_yaml"),
        (HEAD + "data: {{ 1 is odds }}\n", "did you mean odd?"),
        (HEAD + "data: {x: {{ values.db.name.upper }}}\n", "write values.db.name.upper() with parentheses"),
        (HEAD + "data: {x: {{ values.db.name.encode() }}}\n", "see docs/templates.md for the filters"),
        (HEAD + "data: {x: {{ values.db.name.other }}}\n", "set it with --set db.name.other"),
        (HEAD + "{% macro f(a) %}{{ a }}{% endmacro %}\ndata: {x: {{ f(1, 2) }}}\n", "give it what it asks for"),
    ],
)
def test_a_hint_fits_the_mistake(text: str, start: str) -> None:
    assert render_error({"web.yaml": text}).hint.startswith(start)


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("{% if a %}\n{% for x in y %}\n{% endfor %}\n", "the {% if %} of line 1 is not closed", "write {% endif %}"),
        (
            "a\n{% for x in y %}\n{% if a %}\n{% endfor %}\n",
            "the {% if %} of line 3 is not closed",
            "write {% endif %}",
        ),
        ("{% macro f() %}\n{% if a %}{% endif %}\n", "the {% macro %} of line 1 is not closed", "write {% endmacro %}"),
        ("{% set a = 1 %}\n{% set b %}\n", "the {% set %} of line 2 is not closed", "write {% endset %}"),
    ],
)
def test_a_block_that_is_not_closed_is_named_with_the_line_that_opens_it(text: str, sentence: str, hint: str) -> None:
    error = render_error({"web.yaml": text})
    assert sentence in error.context[0]
    assert error.hint.startswith(hint)


def test_a_name_that_is_not_there_to_import_is_to_be_defined() -> None:
    files = {"_a.yaml": "", "web.yaml": "{% from '_a.yaml' import g %}\n" + HEAD + "data: {x: {{ g() }}}\n"}
    assert render_error(files).hint == "define it there with {% macro g(…) %}, or correct the name"


def test_no_sensitive_value_is_in_any_rendering_error() -> None:
    for _, templates in SITUATIONS.values():
        text = error_text(render_error(templates))
        assert "correct-horse" not in text
        assert "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5" not in text
        assert "plain-text" not in text


def test_problems_of_a_component_carry_its_path() -> None:
    from bundler.model.bundle import ComponentSpec

    inner = bundle_of({"x.yaml": "a: {{ values.zz }}\n"}, name="postgres")
    spec = ComponentSpec(name="db", bundle="../postgres", source=Source("bundle.yaml", 1))
    outer = bundle_of({}, components=(spec,), component_bundles={"db": inner})
    with pytest.raises(UndefinedValueError) as caught:
        render_bundle(outer, values_of({}, db=values_of({})), context_of())
    assert caught.value.context[0].startswith("db/templates/x.yaml:1:7: values.zz is not set")
    assert "--set db.zz=…" in caught.value.hint


def test_the_output_of_all_templates_together_is_bounded() -> None:
    templates = dict.fromkeys(("a.yaml", "b.yaml", "c.yaml"), "# " + "x" * 500 + "\n")
    error = render_error(templates, Bounds(max_output_chars=1000))
    assert isinstance(error, TemplateLimitError)


def test_a_set_block_grows_within_bounds() -> None:
    doubling = "{% set x %}" + "y" * 1000 + "{% endset %}\n"
    doubling += "{% set x %}{{ x }}{{ x }}{% endset %}\n" * 30 + "{{ x }}"
    assert isinstance(render_error({"a.yaml": doubling}), TemplateLimitError)


def test_a_very_long_line_is_cut_after_masking() -> None:
    line = "a: " + "x" * 290 + "{{ values.password }}{{ values.password }}: [\n"
    error = render_error({"a.yaml": line})
    assert max(map(len, error.context)) <= 300
    assert "correct" not in error_text(error)


SECRETS_IN_ERRORS = {
    "in a list": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  stringData: {a: hunter-two}\n",
    "flow": "{apiVersion: v1, kind: Secret, stringData: {a: hunter-two}}\n",
    "flow over lines": "{apiVersion: v1,\n kind: Secret, stringData: {a: hunter-two},\n metadata: {}}\n",
    "json": '{"apiVersion": "v1", "kind": "Secret",\n "stringData": {"a": "hunter-two"}}\n',
    "anchored": "apiVersion: v1\nkind: &k Secret\nstringData: {a: hunter-two}\nmetadata: {}\n",
    "indented": "  apiVersion: v1\n  kind: Secret\n  stringData: {a: hunter-two}\n  metadata: {}\n",
    "block scalar": "apiVersion: v1\nkind: Secret\nmetadata: {}\nstringData:\n  a: |\n    x: hunter-two\n",
}
BREAKS = {
    "no": "",
    "below": "\nx: [\n",
    "tag": "\nb: !hunter-two x\n",
    "alias": "\nb: *hunter-two\n",
    "undefined": "b: {{ values.nope }}\n",
    "syntax": "b: {{ values. }}\n",
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("text", SECRETS_IN_ERRORS.values(), ids=SECRETS_IN_ERRORS)
def test_no_error_quotes_the_surroundings_of_a_secret(text: str, broken: str) -> None:
    assert "hunter-two" not in error_text(render_error({"web.yaml": text + broken}))


def test_a_secret_in_another_document_hides_no_line_of_a_template() -> None:
    text = SECRETS_IN_ERRORS["anchored"] + "---\na: 1\nb: 2\nc: {{ values.nope }}\nd: 3\n"
    shown = error_text(render_error({"web.yaml": text}))
    assert "b: 2" in shown
    assert "hunter-two" not in shown


LABELS = "{% macro labels(n=0) %}\n\nfirst: 1\nsecond: [\nthird: 3\n{% endmacro %}\n"


@pytest.mark.parametrize(
    "printed",
    [
        "{{ labels() }}",
        "{{ labels() | trim }}",
        "{{ labels() | trim | indent(4) }}",
        "{{ labels() | indent(4) }}",
        "{{ labels() | replace('x', 'y') | trim | indent(4) }}",
        "{{ labels().strip() | indent(4) }}",
        "{{ labels().strip().replace('third', '3rd') | indent(4) }}",
        "{{ [labels() | trim, 'more: 1'] | join('\n') | indent(4) }}",
        "{% filter trim | indent(4) %}{{ labels() }}{% endfilter %}",
        "{% set text %}{{ labels() }}{% endset %}{{ text | trim | indent(4) }}",
        "{% if labels() | trim != '' %}{{ labels() | trim | indent(4) }}{% endif %}",
        "{% set text = labels() | trim %}{{ text | indent(4) if 'first' in text }}",
    ],
)
def test_broken_yaml_out_of_a_macro_is_reported_at_the_line_of_the_macro(printed: str) -> None:
    files = {
        "_helpers.yaml": LABELS,
        "web.yaml": '{% from "_helpers.yaml" import labels %}\n' + HEAD + "  labels:\n    " + printed + "\n",
    }
    error = render_error(files)
    assert error.context[0].startswith("templates/_helpers.yaml:"), error.context[0]
    assert error.context[0].split(":")[1] in {"4", "5"}


def test_a_fault_in_the_first_line_of_a_macro_is_of_that_line() -> None:
    helpers = "{% macro labels() -%}\na: b: c\n{%- endmacro %}\n"
    web = '{% from "_helpers.yaml" import labels %}\n' + HEAD + "  labels:\n    {{ labels() | trim | indent(4) }}\n"
    assert render_error({"_helpers.yaml": helpers, "web.yaml": web}).context[0].startswith("templates/_helpers.yaml:2:")


def test_a_fault_beside_what_a_macro_prints_is_of_the_line_that_calls_it() -> None:
    helpers = "{% macro name() -%}\nx\n{%- endmacro %}\n"
    web = '{% from "_helpers.yaml" import name %}\n' + HEAD + "  labels:\n    a: b: {{ name() | trim | indent(4) }}\n"
    assert render_error({"_helpers.yaml": helpers, "web.yaml": web}).context[0].startswith("templates/web.yaml:7:")
