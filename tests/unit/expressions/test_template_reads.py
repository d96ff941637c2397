"""Which values each line of a template reads, and what decides whether it is printed."""

from __future__ import annotations

import pytest

from bundler.expressions.compiled import CompiledCodes
from bundler.expressions.markers import place_of
from bundler.expressions.template_reads import TemplateReads
from bundler.render.templates import MarkedLanguage

_LIB = """\
{% macro labels() %}
app: {{ values.label }}
{% endmacro %}
{% macro head(name, more='') %}
name: {{ name }}
  {% if more %}
{{ more }}
  {% endif %}
{% endmacro %}
{% macro tree(node) %}
{{ node.name }}{{ tree(node.child) }}
{% endmacro %}
"""
_FILES = {"_lib.yaml": _LIB, "_part.yaml": "part: {{ values.part }} {{ web.port }}\n"}
_IMPORT = "{% from '_lib.yaml' import labels, head, tree with context %}\n"


def _reads(text: str) -> TemplateReads:
    files = {**_FILES, "a.yaml": text}
    language = MarkedLanguage(files, CompiledCodes(), marks_every_line=True)
    return TemplateReads("a.yaml", lambda name: language.facts_of(files[name], name), _FILES)


def _words(paths: frozenset[tuple[str, ...]]) -> str:
    return " ".join(sorted(".".join(path[1:]) if path[0] == "values" else ":".join(path) for path in paths))


@pytest.mark.parametrize(
    ("text", "file", "line", "direct", "around"),
    [
        ("a: {{ values.a.b }}\nb: {{ values.c }}", "a.yaml", 1, "a.b", ""),
        ("a: {{ values.a.b }}\nb: {{ values.c }}", "a.yaml", 2, "c", ""),
        ("a:\n  {{ values.r | to_yaml }}", "a.yaml", 2, "r", ""),
        ("a: {{ [values.a,\n values.b] | to_json }}", "a.yaml", 1, "a b", ""),
        ("{% if values.on %}\na: {{ values.a }}\n{% endif %}", "a.yaml", 2, "a", "on"),
        ("{% if values.x %}\na: 1\n{% elif values.y %}\na: 2\n{% else %}\na: 3\n{% endif %}", "a.yaml", 6, "", "x y"),
        ("{% if values.on %}\na: 1\n{% endif %}\nb: {{ values.b }}", "a.yaml", 4, "b", ""),
        ("{% for p in values.ports if p.on %}\n- {{ p.port }}\n{% endfor %}", "a.yaml", 2, "ports", "ports"),
        ("{% set r = values.r %}\na: {{ r.cpu }}", "a.yaml", 2, "r.cpu", ""),
        ("{% if values.x %}{% set r = 1 %}{% endif %}\na: {{ r }}", "a.yaml", 2, "x", ""),
        (_IMPORT + "m: {{ labels() }}", "a.yaml", 2, "label", ""),
        (_IMPORT + "m:\n  {{ labels() | indent(2) }}", "_lib.yaml", 2, "label", ""),
        (_IMPORT + "{{ head(values.name) }}", "_lib.yaml", 5, "name", ""),
        (_IMPORT + "{{ head(values.name, more=values.more) }}", "_lib.yaml", 7, "more", "more"),
        (_IMPORT + "{% if values.on %}\n{{ head('x') }}\n{% endif %}", "_lib.yaml", 5, "", "on"),
        (_IMPORT + "{{ tree(values.tree) }}", "_lib.yaml", 11, "tree", ""),
        ("{% import '_lib.yaml' as lib with context %}\n{{ lib.head(values.name) }}", "_lib.yaml", 5, "name", ""),
        (
            "{% set web = values.web %}\n{% if values.on %}\n{% include '_part.yaml' %}\n{% endif %}",
            "_part.yaml",
            1,
            "part web.port",
            "on",
        ),
        ("{% set n = '_part.yaml' %}\n{% if values.on %}{% include n %}{% endif %}", "_part.yaml", 1, "part web:port", "on"),
        ("a: {{ components.db.outputs.host ~ release.name }}", "a.yaml", 1, "components:db:outputs:host release:name", ""),
    ],
)  # fmt: skip
def test_a_line_knows_what_it_reads_and_what_it_is_printed_under(
    text: str, file: str, line: int, direct: str, around: str
) -> None:
    found = _reads(text).at(file, place_of(line))
    assert (_words(found.direct), _words(found.around)) == (direct, around)


def test_a_template_reads_all_that_its_lines_and_those_of_its_files_read() -> None:
    found = _reads(_IMPORT + "{% if values.on %}{{ head(values.name) }}{% endif %}\n{% set unused = values.u %}")
    assert _words(found.all()) == "label name on"
