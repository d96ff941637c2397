"""Built-in kinds and their schemas."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.fields import kinds
from bundler.fields.kinds import (
    all_kinds,
    immutable_changes,
    kind_info,
    plural_of,
    pod_spec_path,
    preferred_version,
    schema_for,
    schema_of,
    schema_of_unknown,
    scope_of,
)
from bundler.fields.schema import SchemaNode, unknown_fields


def at(group: str, version: str, kind: str, *names: str) -> SchemaNode:
    """Return the schema of a place; ``[]`` steps into the items of a list."""
    node = schema_for(group, version, kind)
    for name in names:
        assert node is not None
        node = node.items if name == "[]" else node.field(name)
    assert node is not None
    return node


CONTAINERS = ("spec", "template", "spec", "containers")


@pytest.mark.parametrize(
    ("group", "kind", "plural", "is_namespaced", "version"),
    [
        ("", "ConfigMap", "configmaps", True, "v1"),
        ("", "Namespace", "namespaces", False, "v1"),
        ("", "Endpoints", "endpoints", True, "v1"),
        ("apps", "Deployment", "deployments", True, "v1"),
        ("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, "v2"),
        ("networking.k8s.io", "NetworkPolicy", "networkpolicies", True, "v1"),
        ("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", False, "v1"),
        ("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", False, "v1"),
        ("apiregistration.k8s.io", "APIService", "apiservices", False, "v1"),
        ("coordination.k8s.io", "Lease", "leases", True, "v1"),
    ],
)
def test_a_built_in_kind_is_known(group: str, kind: str, plural: str, is_namespaced: bool, version: str) -> None:
    assert (plural_of(group, kind), scope_of(group, kind), preferred_version(group, kind)) == (
        plural,
        is_namespaced,
        version,
    )


def test_a_kind_that_is_not_built_in_is_none() -> None:
    assert (
        scope_of("x.example", "Gadget")
        is plural_of("x.example", "Gadget")
        is preferred_version("", "Deployment")
        is None
    )
    assert (
        schema_for("", "v1", "Deployment") is schema_of({"kind": "ConfigMap"}) is pod_spec_path("", "ConfigMap") is None
    )


def test_subresources_are_told() -> None:
    deployment, config_map = kind_info("apps", "Deployment"), kind_info("", "ConfigMap")
    assert deployment is not None
    assert config_map is not None
    assert deployment.has_status
    assert not config_map.has_status


def test_every_kind_has_a_schema_with_metadata_for_each_version() -> None:
    kinds = all_kinds()
    assert len(kinds) > 70
    assert list(kinds) == sorted(kinds)
    for info in kinds:
        for version in info.versions:
            assert at(info.group, version, info.kind, "metadata").knows("managedFields") or info.kind.endswith("Review")


@pytest.mark.parametrize(
    ("place", "list_type", "keys", "defaults"),
    [
        ((*CONTAINERS,), "map", ("name",), {"name": ""}),
        ((*CONTAINERS, "[]", "ports"), "map", ("containerPort", "protocol"), {"containerPort": 0, "protocol": "TCP"}),
        ((*CONTAINERS, "[]", "args"), "atomic", (), {}),
        (("metadata", "finalizers"), "set", (), {}),
        (("metadata", "ownerReferences"), "map", ("uid",), {"uid": ""}),
    ],
)
def test_lists_merge_as_openapi_says(
    place: tuple[str, ...], list_type: str, keys: tuple[str, ...], defaults: dict[str, object]
) -> None:
    node = at("apps", "v1", "Deployment", *place)
    assert (node.shape, node.list_type, node.map_keys, dict(node.key_defaults)) == ("list", list_type, keys, defaults)


def test_selectors_are_atomic_and_labels_are_not() -> None:
    assert at("apps", "v1", "Deployment", "spec", "selector").map_type == "atomic"
    assert at("", "v1", "Service", "spec", "selector").map_type == "atomic"
    assert at("apps", "v1", "Deployment", "metadata", "labels").map_type == "granular"


@pytest.mark.parametrize(
    ("place", "scalar"),
    [
        (("spec", "replicas"), "integer"),
        (("spec", "strategy", "rollingUpdate", "maxSurge"), "int-or-string"),
        ((*CONTAINERS, "[]", "resources", "limits", "cpu"), "quantity"),
        (("spec", "paused"), "boolean"),
        (("metadata", "creationTimestamp"), "time"),
        (("metadata", "labels", "any"), "string"),
    ],
)
def test_scalars_have_types(place: tuple[str, ...], scalar: str) -> None:
    assert at("apps", "v1", "Deployment", *place).scalar == scalar


def test_unknown_fields_are_named_as_strict_decoding_names_them() -> None:
    schema = schema_for("apps", "v1", "Deployment")
    assert schema is not None
    body = {
        "kind": "Deployment",
        "metadata": {"labels": {"any": "x"}, "lables": {}},
        "spec": {"template": {"spec": {"containers": [{"nam": 1}]}}, "foo": 1},
    }
    assert unknown_fields(body, schema) == ("metadata.lables", "spec.foo", "spec.template.spec.containers[0].nam")


def test_of_a_kind_nobody_knows_the_metadata_is_known() -> None:
    root = schema_of_unknown()
    assert unknown_fields({"spec": {"a": [{"b": 1}]}, "metadata": {"oops": 1}}, root) == ("metadata.oops",)


@pytest.mark.parametrize(
    ("kind", "before", "after", "changed"),
    [
        (
            "apps/v1/Deployment",
            {"spec": {"selector": {"a": 1}, "replicas": 1}},
            {"spec": {"selector": {"a": 2}, "replicas": 2}},
            ("spec.selector",),
        ),
        (
            "apps/v1/StatefulSet",
            {"spec": {"serviceName": "a", "template": 1}},
            {"spec": {"serviceName": "b", "template": 2}},
            ("spec.serviceName",),
        ),
        ("batch/v1/Job", {"spec": {"template": {"a": 1}}}, {"spec": {"template": {"a": 2}}}, ("spec.template",)),
        ("v1/Service", {"spec": {"clusterIP": "1"}}, {"spec": {"clusterIP": "2"}}, ("spec.clusterIP",)),
        ("v1/Service", {"spec": {"clusterIP": "1"}}, {"spec": {"type": "ExternalName"}}, ()),
        ("v1/PersistentVolumeClaim", {"spec": {"volumeName": ""}}, {"spec": {"volumeName": "v"}}, ()),
        ("v1/PersistentVolumeClaim", {"spec": {"resources": 1}}, {"spec": {"resources": 2}}, ()),
        ("v1/ConfigMap", {"immutable": True, "data": {"a": "1"}}, {"immutable": True, "data": {"a": "2"}}, ("data",)),
        ("v1/ConfigMap", {"data": {"a": "1"}}, {"data": {"a": "2"}}, ()),
        ("v1/Secret", {"type": "Opaque"}, {"type": "kubernetes.io/tls"}, ("type",)),
        (
            "rbac.authorization.k8s.io/v1/RoleBinding",
            {"roleRef": {"name": "a"}},
            {"roleRef": {"name": "b"}},
            ("roleRef",),
        ),
    ],
)
def test_changes_of_immutable_fields_are_found(
    kind: str, before: dict[str, object], after: dict[str, object], changed: tuple[str, ...]
) -> None:
    api_version, _, name = kind.rpartition("/")
    assert immutable_changes({"apiVersion": api_version, "kind": name, **before}, after) == changed


def test_nothing_is_read_before_a_kind_is_asked_for() -> None:
    code = "import bundler.fields.kinds as k; assert k._data.cache_info().misses == 0"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_lines_of_the_table_are_what_the_whole_file_says() -> None:
    whole = json.loads(Path(kinds.__file__).with_name("kinds.json").read_bytes())["schemas"]
    table = kinds._data().schemas
    assert [table[place] for place in range(len(whole))] == whole
    with pytest.raises(IndexError):
        table[len(whole)]
