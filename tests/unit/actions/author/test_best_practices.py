"""What lint says about single objects: above all what forgotten quotes and wrong indentation make of them."""

import pytest

from bundler.actions.author.best_practices import check_manifest
from tests.lib.manifests import manifest


def errors_of(kind, api_version="v1", name="a", **fields):
    return [
        (flaw.rule, flaw.message)
        for flaw in check_manifest(manifest(kind, name, api_version, **fields))
        if flaw.is_error
    ]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"kind": "ConfigMap", "data": {"port": 80}}, "data.port: expected string, got integer"),
        ({"kind": "ConfigMap", "data": {"on": True}}, "data.on: expected string, got boolean"),
        ({"kind": "ConfigMap", "data": {"x": {"y": "z"}}}, "data.x: expected string, got map"),
        (
            {"kind": "ConfigMap", "data": None, "metadata": {"labels": {"v": 1.5}}},
            "metadata.labels.v: expected string, got number",
        ),
        ({"kind": "Secret", "stringData": {"pin": 1234}}, "stringData.pin: expected string, got integer"),
        ({"kind": "Secret", "data": {"pin": "not base64!"}}, "data.pin: illegal base64 data"),
        (
            {"kind": "Service", "spec": {"selector": "web", "ports": [{"port": 80}]}},
            "spec.selector: expected map, got string",
        ),
        (
            {
                "kind": "Pod",
                "spec": {"containers": [{"name": "a", "image": "a:1", "resources": {"limits": {"memory": "12Mib"}}}]},
            },
            (
                'spec.containers[name="a"].resources.limits.memory: quantities must match the regular expression '
                "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            ),
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_told_with_its_path_and_without_itself(made, message):
    assert errors_of(**made) == [("wrong-type", message)]


@pytest.mark.parametrize(
    ("made", "start"),
    [
        ({"kind": "ConfigMap", "name": "Foo_Bar"}, 'metadata.name: Invalid value: "Foo_Bar"'),
        ({"kind": "ConfigMap", "data": {"a b": "x"}}, "data[a b]: Invalid value"),
        ({"kind": "ConfigMap", "metadata": {"labels": {"a": "x" * 64}}}, "metadata.labels: Invalid value"),
        (
            {
                "kind": "Deployment",
                "api_version": "apps/v1",
                "spec": {
                    "selector": {"matchLabels": {"app": "a"}},
                    "template": {
                        "metadata": {"labels": {"app": "b"}},
                        "spec": {"containers": [{"name": "a", "image": "a:1"}]},
                    },
                },
            },
            "spec.template.metadata.labels: Invalid value",
        ),
    ],
)
def test_what_the_server_would_refuse_is_told_without_a_server(made, start):
    ((rule, message),) = errors_of(**made)
    assert (rule, message[: len(start)]) == ("refused", start)


def test_a_kind_that_kubernetes_groups_do_not_have_is_an_error_and_one_of_others_is_not():
    (flaw,) = check_manifest(manifest("Deploymnt", "a"))
    assert (flaw.rule, flaw.is_error, flaw.hint) == ("unknown-kind", True, "did you mean Deployment of apps/v1?")
    assert errors_of("Deploymnt", "example.org/v1") == []
    assert errors_of("HTTPRoute", "gateway.networking.k8s.io/v1") == []


@pytest.mark.parametrize(
    ("kind", "api_version"),
    [
        ("Ingress", "extensions/v1beta1"),
        ("Ingress", "networking.k8s.io/v1beta1"),
        ("Deployment", "extensions/v1beta1"),
        ("Deployment", "apps/v1beta2"),
        ("NetworkPolicy", "extensions/v1beta1"),
        ("CronJob", "batch/v1beta1"),
        ("PodSecurityPolicy", "policy/v1beta1"),
        ("PodSecurityPolicy", "extensions/v1beta1"),
        ("CustomResourceDefinition", "apiextensions.k8s.io/v1beta1"),
        ("FlowSchema", "flowcontrol.apiserver.k8s.io/v1beta3"),
    ],
)
def test_a_version_that_kubernetes_no_longer_serves_is_an_error(kind, api_version):
    assert [rule for rule, _ in errors_of(kind, api_version, spec={})][:1] == ["gone-version"]
