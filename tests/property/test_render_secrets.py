"""A sensitive value appears in no error, whichever way a template fails over it."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given, settings, strategies as st

from bundler.errors.bundle import RenderError
from bundler.render.bundle import render_bundle
from tests.lib.golden import error_text
from tests.lib.laws import examples
from tests.lib.rendering import bundle_of, context_of, values_of

SECRETS = st.text(string.ascii_letters + string.digits + "+/=:'\"{[", min_size=24, max_size=24)
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
FAILING = [
    "{{ values.secret | int }}",
    "{{ values.secret | float }}",
    "{{ values.map[values.secret] }}",
    "{{ values[values.secret].deeper }}",
    "{{ values.secret.deeper }}",
    "{{ values.secret + 1 }}",
    "{{ fail('no ' ~ values.secret) }}",
    "{{ values.secret | b64encode | required | int }}",
    "{{ generated[values.secret] }}",
    "{{ files.get(values.secret) }}",
    "{{ capabilities.kube_at_least(values.secret) }}",
    "{% include values.secret %}",
    "{{ values.secret | regex_replace('(', values.secret) }}",
    HEAD + "data: {a: {{ values.secret | to_json }}, b: [}\n",
    HEAD + "data:\n  a: {{ values.secret | b64encode }}: [\n",
    HEAD + "  labels:\n    {{ ('bundler.dev/' ~ values.secret) | to_json }}: x\n",
    "kind: {{ values.secret | to_json }}\nmetadata: {name: {{ values.secret | to_json }}}\n",
    "- {{ values.secret | to_yaml }}\n",
]


@pytest.mark.parametrize("template", FAILING)
@settings(max_examples=examples(15), deadline=None)
@given(secret=SECRETS)
def test_a_secret_is_in_no_error(template: str, secret: str) -> None:
    values = values_of({"secret": secret, "map": {"a": 1}}, sensitive=frozenset({"/secret"}))
    with pytest.raises(RenderError) as caught:
        render_bundle(bundle_of({"a.yaml": template}), values, context_of())
    text = error_text(caught.value)
    assert [secret[i : i + 12] for i in range(13) if secret[i : i + 12] in text] == []
    assert base64.b64encode(secret.encode()).decode() not in text
