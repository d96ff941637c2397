"""Objects that are named by their content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors.bundle import ManifestError, TemplateLimitError
from bundler.expressions.content_names import digest_name
from bundler.render.bundle import render_bundle
from tests.lib.rendering import bundle_of, context_of, render, values_of

if TYPE_CHECKING:
    from bundler.render.types import Rendering

CONFIG = """
    {% set settings = {'PORT': values.port | string, 'LEVEL': values.level} %}
    {% set settings_name = digest_name(release.name, settings) %}
"""
TEMPLATE = """
    {% from '_config.yaml' import settings, settings_name with context %}
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: {{ settings_name }}}
    data: {{ settings | to_yaml }}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec: {volumes: [{name: c, configMap: {name: {{ settings_name }}}}]}
"""
SECRET = """
    {% set logins = values.logins %}
    apiVersion: v1
    kind: Secret
    metadata: {name: {{ digest_name(release.name, logins, secret=true) }}}
    stringData: {{ logins | to_yaml }}
"""


def test_an_object_and_what_refers_to_it_have_one_name_from_one_expression() -> None:
    rendering = render({"_config.yaml": CONFIG, "a.yaml": TEMPLATE}, {"port": 80, "level": "info"})
    made = digest_name("shop", {"LEVEL": "info", "PORT": "80"})
    assert [one.ref.name for one in rendering.manifests] == [made, "web"]
    assert rendering.manifests[1].body["spec"]["volumes"][0]["configMap"]["name"] == made
    assert rendering.content_names == {made}


def test_what_macros_print_counts_by_its_text() -> None:
    template = """
        {% macro script() %}
        echo {{ values.word }}
        {% endmacro %}
        {% set data = {'run.sh': script()} %}
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: {{ digest_name('scripts', data) }}}
        data: {{ data | to_yaml }}
    """
    rendering = render({"a.yaml": template}, {"word": "hi"})
    assert rendering.manifests[0].ref.name == digest_name("scripts", {"run.sh": "echo hi\n"})
    assert rendering.manifests[0].body["data"] == {"run.sh": "echo hi\n"}


@pytest.mark.parametrize("logins", [{"pin": "1234"}, {"user": "admin", "password": "secret"}, {"a": "abcdef"}])
def test_a_secret_of_short_values_alone_is_not_named_by_its_content(logins: dict) -> None:
    with pytest.raises(ManifestError) as caught:
        render({"a.yaml": SECRET}, {"logins": logins})
    (line,) = caught.value.context
    assert line.startswith(
        f"templates/a.yaml:2: Secret/{digest_name('shop', logins, secret=True)} is named by its content"
    )
    assert not any(value in line for value in logins.values())
    assert caught.value.hint == (
        "use longer values, or give the Secret a fixed name; put what is not a secret into a ConfigMap"
    )


@pytest.mark.parametrize("logins", [{"user": "admin", "password": "t0p-s3cret-enough"}, {"pin": ""}, {}])
def test_a_secret_that_cannot_be_guessed_is(logins: dict) -> None:
    (one,) = render({"a.yaml": SECRET}, {"logins": logins}).manifests
    assert one.ref.name == digest_name("shop", logins, secret=True)


def test_short_values_under_a_fixed_name_are_no_one_elses_business() -> None:
    fixed = SECRET.replace("{{ digest_name(release.name, logins, secret=true) }}", "logins-0123abcd")
    assert render({"a.yaml": fixed}, {"logins": {"pin": "1234"}}).content_names == frozenset()


def test_encoded_values_count_by_what_they_hold() -> None:
    encoded = SECRET.replace("stringData: {{ logins | to_yaml }}", "data: {pin: {{ '1234' | b64encode }}}")
    with pytest.raises(ManifestError):
        render({"a.yaml": encoded}, {"logins": {"pin": "1234"}})


QUICK = SECRET.replace(", secret=true", "")
SENSITIVE_CONFIG = """
    {% set data = {'app.conf': 'password = ' ~ values.password, 'LEVEL': 'info'} %}
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: {{ digest_name(release.name, data) }}}
    data: {{ data | to_yaml }}
"""


def test_a_secret_is_named_by_a_digest_that_is_slow_to_compute() -> None:
    """Thousands of millions of guesses a second could be checked against the other one."""
    logins = {"user": "admin", "password": "t0p-s3cret-enough"}
    with pytest.raises(ManifestError) as caught:
        render({"a.yaml": QUICK}, {"logins": logins})
    (line,) = caught.value.context
    assert line.startswith(
        f"templates/a.yaml:2: Secret/{digest_name('shop', logins)} is named by a digest that is quick"
    )
    assert "t0p" not in line
    assert caught.value.hint == "write digest_name(name, data, secret=true), there and in what refers to it"


@pytest.mark.parametrize("logins", [{"pin": ""}, {}])
def test_a_secret_without_values_hides_nothing(logins: dict) -> None:
    (one,) = render({"a.yaml": QUICK}, {"logins": logins}).manifests
    assert one.ref.name == digest_name("shop", logins)


def render_with_password(template: str, password: str) -> Rendering:
    values = values_of({"password": password}, sensitive=frozenset({"/password"}))
    return render_bundle(bundle_of({"a.yaml": template}), values, context_of())


def test_a_sensitive_value_in_a_config_map_is_hidden_like_one_in_a_secret() -> None:
    with pytest.raises(ManifestError) as caught:
        render_with_password(SENSITIVE_CONFIG, "t0p-s3cret-enough")
    assert "quick to compute: the sensitive values in it could be guessed" in caught.value.context[0]
    slow = SENSITIVE_CONFIG.replace("data) }}", "data, secret=true) }}")
    assert render_with_password(slow, "t0p-s3cret-enough").manifests
    assert render({"a.yaml": SENSITIVE_CONFIG}, {"password": "t0p-s3cret-enough"}).manifests


def test_a_short_sensitive_value_in_a_config_map_is_not_under_a_name_of_its_content() -> None:
    whole = SENSITIVE_CONFIG.replace("'password = ' ~ values.password", "values.password").replace(
        "data) }}", "data, secret=true) }}"
    )
    with pytest.raises(ManifestError) as caught:
        render_with_password(whole, "abcdef")
    assert "so short that they could be guessed" in caught.value.context[0]


def test_a_template_cannot_ask_for_secret_names_without_end() -> None:
    with pytest.raises(TemplateLimitError):
        render({"a.yaml": "{% for n in range(1500) %}{{ digest_name('a', {}, secret=true) }}{% endfor %}"})
