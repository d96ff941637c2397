"""Tags written as in Go are answered with the right spelling."""

import pytest

from bundler.expressions.failures import explain
from bundler.expressions.go_habits import go_hint
from bundler.expressions.language import Language

TAGS = {
    "{{- if .Values.x }}": "{% if values.x %}",
    '{{- if eq .Values.a "b" }}': '{% if values.a == "b" %}',
    "{{ if and .Values.a .Values.b -}}": "{% if values.a and values.b %}",
    "{{- else if .Values.x }}": "{% elif values.x %}",
    "{{ else }}": "{% else %}",
    "{{- end }}": "{% endif %}",
    "{{- range .Values.list }}": "{% for item in values.list %}",
    "{{- range $key, $one := .Values.map }}": "{% for key, one in values.map | items %}",
    "{{- range $one := .Values.list }}": "{% for one in values.list %}",
    "{{- with .Values.a }}": "{% if values.a %}",
    "{{- $x := .Values.a }}": "{% set x = values.a %}",
    "{{/* why */}}": "{# why #}",
    "{{ .Values.x }}": "{{ values.x }}",
    "{{ .Release.Name }}-web": "{{ release.name }}",
    "{{ $.Chart.Version }}": "{{ bundle.version }}",
    '{{ default "x" .Values.y }}': '{{ values.y | default("x") }}',
    '{{ .Values.y | default "x" | quote }}': '{{ values.y | default("x") | quote }}',
    '{{ values.y | default "x" }}': '{{ values.y | default("x") }}',
    "{{ values.x | indent 4 }}": "{{ values.x | indent(4) }}",
    "{{ toYaml .Values.x | nindent 4 }}": "{{ values.x | to_yaml }}",
    "{{ quote .Values.x }}": "{{ values.x | quote }}",
    "{{ trunc 63 .Values.x }}": "{{ values.x | trunc(63) }}",
    '{{ required "say it" .Values.x }}': '{{ values.x | required("say it") }}',
    '{{ printf "%s-%s" .Release.Name "a" }}': '{{ "%s-%s" | format(release.name, "a") }}',
    '{{ include "shop.labels" . }}': '{% from "_helpers.yaml" import labels %} and {{ labels() }}',
    '{{- define "shop.labels" }}': "{% macro labels() %}",
    '{{ .Files.Get "a.txt" }}': '{{ files.get("a.txt") }}',
    "{{ tpl .Values.x . }}": "has no equal",
    "{{ values.x | toYaml }}": "to_yaml",
    "{{ values.x | b64enc }}": "b64encode",
    "{% if .Values.x %}": "{% if values.x %}",
    "{{ $labels.instance }}": "{% raw %}",
    "{{#each items}}": "{% raw %}",
}


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_of_charts_is_answered_with_how_it_is_written_here(tag):
    names = {"values": {}, "release": {"name": "a"}}
    language = Language()
    language.globals.update(names)
    with pytest.raises(Exception) as raised:
        language.from_string(f"a: b\n{tag}\n").render()
    assert TAGS[tag] in explain(raised.value, names).hint


@pytest.mark.parametrize("line", ["{{ values.a }}", "{% if values.a %}", "{{ values.a | default('x') }}", "a: b", "{{"])
def test_what_is_written_as_here_needs_no_hint(line):
    assert not go_hint(line)
