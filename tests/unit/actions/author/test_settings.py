"""lint looks into branches that are off by default."""

import pytest

from bundler.actions.author.lint import lint
from bundler.actions.compose.user_values import UserInput
from bundler.loader.locate import find_bundle
from bundler.model.finding import Level
from bundler.model.values import UserLayers
from tests.lib.bundles import make_bundle

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
SCHEMA = """{"properties": {
  "metrics": {"type": "object", "properties": {"enabled": {"type": "boolean"}, "port": {"type": "integer"}}},
  "mode": {"enum": ["one", "many"]}
}}"""
VALUES = "metrics: {enabled: false}\nmode: one\n"


def findings_of(parent, template, level=Level.ERROR, **options):
    files = {"values.yaml": VALUES, "values.schema.json": SCHEMA, "templates/a.yaml": template}
    location = find_bundle(str(make_bundle(parent, files, **options)))
    found = lint(location, UserInput(user=UserLayers())).findings
    return [(one.place, one.message, one.details) for one in found if one.level is level]


BRANCHES = {
    "a misspelt value": (
        CONFIG + "{% if values.metrics.enabled %}\ndata: {p: {{ values.metric.port }}}\n{% endif %}\n",
        "values.metric.port is not set",
        "with metrics.enabled=true",
    ),
    "a misspelt key": (
        CONFIG + "{% if values.mode == 'many' %}\ndat: {}\n{% endif %}\n",
        "ConfigMap/a: dat is unknown to Kubernetes",
        "with mode=many",
    ),
    "an object that leaves the namespace": (
        CONFIG.replace("a}", "a{% if values.metrics.enabled %}, namespace: kube-system{% endif %}}"),
        "kube-system",
        "with metrics.enabled=true",
    ),
    "text that is not YAML": (
        CONFIG + "{% if values.metrics.enabled %}\ndata: [\n{% endif %}\n",
        "is not valid YAML",
        "with metrics.enabled=true",
    ),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_what_is_wrong_in_a_branch_that_is_off_is_found_with_its_setting(tmp_path, name):
    template, message, setting = BRANCHES[name]
    ((place, found, details),) = findings_of(tmp_path, template)
    assert place.startswith("templates/a.yaml:")
    assert message in " ".join([found, *details])
    assert details[-1] == setting


def test_what_is_wrong_in_any_case_is_reported_once_and_without_a_setting(tmp_path):
    ((_, message, details),) = findings_of(tmp_path, CONFIG + "dat: {}\n")
    assert message == "ConfigMap/a: dat is unknown to Kubernetes"
    assert not details


def test_a_value_of_the_schema_that_a_switch_needs_is_a_warning(tmp_path):
    template = CONFIG + "{% if values.metrics.enabled %}\ndata: {p: '{{ values.metrics.port }}'}\n{% endif %}\n"
    assert not findings_of(tmp_path, template)
    warnings = findings_of(tmp_path, template, Level.WARNING, name="again")
    assert [details[-1] for _, message, details in warnings if "is not set" in message] == ["with metrics.enabled=true"]


def test_a_bundle_that_asks_for_what_a_switch_needs_is_right(tmp_path):
    asks = "{{ values.metrics.port | required('metrics.port says where') }}"
    template = CONFIG + f"{{% if values.metrics.enabled %}}\ndata: {{p: '{asks}'}}\n{{% endif %}}\n"
    assert not findings_of(tmp_path, template)


def test_a_setting_that_the_schema_refuses_is_not_tried(tmp_path):
    schema = SCHEMA.replace('"enabled": {"type": "boolean"}', '"enabled": {"type": "boolean", "const": false}')
    files = {
        "values.yaml": VALUES,
        "values.schema.json": schema,
        "templates/a.yaml": CONFIG + "{% if values.metrics.enabled %}\ndat: {}\n{% endif %}\n",
    }
    location = find_bundle(str(make_bundle(tmp_path, files)))
    assert not [one for one in lint(location, UserInput(user=UserLayers())).findings if one.level is Level.ERROR]


def test_spellings_of_yaml_1_1_are_warnings_and_no_errors(tmp_path):
    template = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: 'a:1'}]\n"
        "  volumes:\n    - name: v\n      configMap:\n        name: a\n        defaultMode: 0755\n"
        "        optional: yes\n"
    )
    assert not findings_of(tmp_path, template)
    warnings = findings_of(tmp_path, template, Level.WARNING, name="again")
    assert [place for place, message, _ in warnings if "YAML 1.1" in message] == [
        "templates/a.yaml:10",
        "templates/a.yaml:11",
    ]
