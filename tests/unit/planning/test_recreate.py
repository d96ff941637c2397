"""Which refusals are about fields that cannot change, which fields these are, and what is created in their place."""

from __future__ import annotations

import pytest

from bundler.model.bundle import RecreateRule
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.planning.recreate import (
    as_created,
    frozen_fields,
    handed_over,
    keeps_pods,
    rule_for,
    says_immutable,
    trial_of,
)


@pytest.mark.parametrize(
    ("line", "is_said"),
    [
        ("spec.selector: Invalid value: …: field is immutable", True),
        ("spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden", True),
        ('spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set', True),
        ("roleRef: Invalid value: cannot change roleRef", True),
        ("value: Forbidden: may not be changed in an update.", True),
        ("parameters: Forbidden: updates to parameters are forbidden.", True),
        ("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`", True),
        ("spec: Forbidden: spec is immutable after creation except resources.requests", True),
        ('spec.size: Invalid value: "integer": Value is immutable', True),
        ("spec.replicas: Invalid value: -1: must be greater than or equal to 0", False),
        ("metadata.labels: Invalid value: `selector` does not match template `labels`", False),
        ("spec.resources.requests.storage: Forbidden: field can not be less than status.capacity", False),
        ('admission webhook "policy.example" denied the request: no latest tags', False),
    ],
)
def test_what_the_server_says_of_a_field_that_cannot_change(line, is_said):
    assert says_immutable(line) is is_said


def stateful_set(*claims: str, app: str = "db", service: str = "db", size: str = "1Gi", **spec):
    templates = [{"metadata": {"name": one}, "spec": {"resources": {"requests": {"storage": size}}}} for one in claims]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {
            "serviceName": service,
            "selector": {"matchLabels": {"app": app}},
            "template": {"metadata": {"labels": {"app": app, "tier": "data"}}},
            "volumeClaimTemplates": templates,
            **spec,
        },
    }


@pytest.mark.parametrize(
    ("live", "wanted", "paths"),
    [
        (stateful_set("a", podManagementPolicy="OrderedReady"), stateful_set("a"), []),
        (stateful_set("a"), stateful_set("a", service="other"), [("spec.serviceName", "db", "other")]),
        (
            stateful_set("a", "b"),
            stateful_set("b", "a", size="2Gi"),
            [(f"spec.volumeClaimTemplates[{name}].spec.resources.requests.storage", "1Gi", "2Gi") for name in "ab"],
        ),
        (
            stateful_set("a"),
            stateful_set("a", "b"),
            [("spec.volumeClaimTemplates[b]", None, stateful_set("b")["spec"]["volumeClaimTemplates"][0])],
        ),
        (
            stateful_set("a", "b"),
            stateful_set("a"),
            [("spec.volumeClaimTemplates[b]", stateful_set("b")["spec"]["volumeClaimTemplates"][0], None)],
        ),
    ],
)
def test_fields_that_cannot_change_are_named_to_the_leaf(live, wanted, paths):
    assert list(frozen_fields(live, wanted)) == paths


@pytest.mark.parametrize(
    ("live", "wanted", "stay"),
    [
        (stateful_set("a"), stateful_set("a", service="other"), True),
        (stateful_set("a", "b"), stateful_set("a"), True),
        (stateful_set("a"), stateful_set("a", "b"), False),
        (stateful_set("a"), stateful_set("a", app="other"), False),
        (stateful_set("a"), stateful_set("a", selector={"matchLabels": {"tier": "data"}}), True),
    ],
)
def test_pods_stay_where_the_new_stateful_set_finds_them_and_their_volumes(live, wanted, stay):
    assert keeps_pods(live, wanted) is stay


SERVICE = ObjectRef("", "Service", "prod", "web")


def service(**spec):
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    return Manifest(ref=SERVICE, api_version="v1", body=body, source=Source("a.yaml", 1))


def test_a_trial_asks_for_no_port_that_the_live_service_holds():
    wanted = service(ports=[{"port": 80, "nodePort": 30080}, {"port": 81, "nodePort": 30081}])
    trial = trial_of(wanted, service(ports=[{"port": 80, "nodePort": 30080}]).body)
    assert (trial.ref.name, trial.body["metadata"]) == ("web-recreated", {"name": "web-recreated"})
    assert trial.body["spec"] == {"ports": [{"port": 80}, {"port": 81, "nodePort": 30081}]}


def test_a_trial_of_a_long_name_has_a_name_that_the_server_takes():
    ref = ObjectRef("", "Service", "prod", f"{'a' * 52}.{'b' * 10}")
    trial = trial_of(Manifest(ref=ref, api_version="v1", body={}, source=Source("a.yaml", 1)), {})
    assert trial.ref.name == f"{'a' * 52}-recreated"


def test_what_only_a_trial_was_given_is_not_shown_of_the_object():
    answer = {**service(clusterIP="10.0.0.9", type="ClusterIP").body, "status": {"x": 1}}
    live = {"metadata": {"name": "web", "uid": "1", "annotations": {"a.kubernetes.io/b": "c", "mine": "d"}}}
    after = as_created(answer, service(type="ClusterIP"), live)
    assert after["spec"] == {"type": "ClusterIP"}
    assert after["metadata"] == {"name": "web", "uid": "1", "annotations": {"a.kubernetes.io/b": "c"}}
    assert "status" not in after


def test_a_rule_means_objects_of_its_component_alone_and_never_what_holds_others():
    rule = RecreateRule(object="Deployment/*-web", source=Source("bundle.yaml", 3), component="shop")
    ref = ObjectRef("apps", "Deployment", "prod", "a-web")
    of = {name: Manifest(ref=ref, api_version="apps/v1", body={}, source=Source("a", 1), component=name) for name in ("shop", "shop/x", "shopping", "")}  # fmt: skip
    assert [name for name, one in of.items() if rule_for(one, [rule])] == ["shop", "shop/x"]
    space = Manifest(ref=ObjectRef("", "Namespace", "", "prod"), api_version="v1", body={}, source=Source("a", 1))
    assert rule_for(space, [RecreateRule(object="Namespace/prod", source=Source("--recreate", 0))]) is None


def test_fields_that_are_left_to_others_are_theirs_again():
    fields = {"f:spec": {"f:replicas": {}, "f:paused": {}}}
    ours = {"manager": "bundler", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": fields, "time": "t"}
    body = {"apiVersion": "apps/v1", "metadata": {"managedFields": [ours]}}
    after = handed_over(body, [(".spec.replicas", "kubectl")])
    assert [(one["manager"], one["operation"], one["fieldsV1"]) for one in after["metadata"]["managedFields"]] == [
        ("bundler", "Apply", {"f:spec": {"f:paused": {}}}),
        ("kubectl", "Update", {"f:spec": {"f:replicas": {}}}),
    ]
