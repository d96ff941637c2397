"""Which conflicts a rule means."""

from __future__ import annotations

import pytest

from bundler.model.conflicts import ConflictRule, OnConflict, ignoring, path_problem, policy_of
from bundler.model.refs import ObjectRef

WEB = ObjectRef("apps", "Deployment", "prod", "shop-web")
IMAGE = '.spec.template.spec.containers[name="web"].image'


@pytest.mark.parametrize(
    ("rule", "path", "fits"),
    [
        ({}, ".spec.replicas", True),
        ({"path": "spec.replicas"}, ".spec.replicas", True),
        ({"path": ".spec.replicas"}, ".spec.replicas", True),
        ({"path": "spec"}, ".spec.replicas", True),
        ({"path": "spec.rep"}, ".spec.replicas", False),
        ({"path": "spec.replicas"}, ".spec", False),
        ({"path": "spec.template.spec.containers[*].image"}, IMAGE, True),
        ({"path": 'spec.template.spec.containers[name="web"]'}, IMAGE, True),
        ({"path": 'spec.template.spec.containers[name="app"]'}, IMAGE, False),
        ({"path": "spec.template.spec.containers[name=web].image"}, IMAGE, True),
        ({"path": "spec.template.spec.containers[name=we].image"}, IMAGE, False),
        ({"path": "spec.template.spec.containers[*].env"}, IMAGE, False),
        ({"path": "spec.*"}, ".spec.replicas", False),
        ({"kind": "Deployment", "name": "shop-*", "manager": "kubectl*"}, IMAGE, True),
        ({"kind": "StatefulSet"}, IMAGE, False),
        ({"name": "web"}, IMAGE, False),
        ({"manager": "kubectl"}, IMAGE, False),
    ],
)
def test_a_rule_fits_by_all_of_its_parts(rule: dict[str, str], path: str, fits: bool):
    found = ConflictRule(policy=OnConflict.KEEP, **rule).fits(WEB, path, "kubectl-edit")
    assert found is fits


def test_rules_of_the_site_come_before_those_of_the_bundle_and_the_flag_is_last():
    site = ConflictRule(policy=OnConflict.FAIL, path="spec.replicas")
    bundle = ConflictRule(policy=OnConflict.KEEP, path="spec")
    policy = policy_of(OnConflict.TAKE, (site,), (bundle,))
    paths = [".spec.replicas", ".spec.paused", ".data.a"]
    assert [rule.policy for path in paths if (rule := policy.rule_for(WEB, path, "x"))] == ["fail", "keep", "take"]


def test_a_json_pointer_names_any_item_where_it_has_an_index():
    rule = ignoring("Deployment/*:/spec/template/spec/containers/0/image")
    assert rule.fits(WEB, IMAGE, "kubectl")
    assert ignoring("/metadata/annotations/a.b~1c").path == ".metadata.annotations.a.b/c"


@pytest.mark.parametrize(
    "text", ["", "Service/web", "deployment:.spec", "Deployment:", ":.spec", "spec[", "spec..a", "spec.*", ".spec.**.a"]
)
def test_what_could_fit_no_field_is_refused(text: str):
    with pytest.raises(ValueError, match=r"is not a field|has \* for a field|is empty"):
        ignoring(text)


@pytest.mark.parametrize(
    "path", ["spec", ".data.my.conf", 'spec.args[="a]b"]', ".metadata.labels.a/b", "spec.ports[0]"]
)
def test_what_the_api_server_writes_is_a_path(path: str):
    assert not path_problem(path)
