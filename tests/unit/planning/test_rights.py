"""What a release has to be allowed, as rules of roles."""

from __future__ import annotations

from typing import Any

from bundler.fields.kinds import plural_of
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef, group_of
from bundler.planning.rights import Right, defined_plurals, granted_rules, reading, rules_of, whole_life


def manifest(api_version: str, kind: str, name: str, namespace: str = "shop", **body: Any) -> Manifest:
    ref = ObjectRef(group_of(api_version), kind, namespace, name)
    return Manifest(ref=ref, api_version=api_version, body=body, source=Source("a.yaml", 1))


CONFIG = manifest("v1", "ConfigMap", "a")
CRD = manifest(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "guests.example.org",
    "",
    spec={"group": "example.org", "names": {"kind": "Guest", "plural": "guests"}},
)
RULE = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}


def verbs_on(rights: frozenset[Right], plural: str) -> set[str]:
    return {right.verb for right in rights if right.plural == plural}


def test_an_object_may_be_written_watched_and_deleted_and_no_more():
    rights = whole_life([CONFIG], "shop", plural_of)
    assert verbs_on(rights, "configmaps") == {"get", "list", "watch", "create", "patch", "update", "delete"}
    assert verbs_on(rights, "pods") == {"list", "watch"}
    assert {right.namespace for right in rights} == {"shop"}


def test_what_is_never_deleted_needs_no_right_to_delete_it():
    assert "delete" not in verbs_on(whole_life([CRD], "shop", plural_of), "customresourcedefinitions")


def test_pods_of_a_stateful_set_may_be_deleted_where_it_goes_in_steps():
    stateful = manifest("apps/v1", "StatefulSet", "db")
    assert "delete" not in verbs_on(whole_life([stateful], "shop", plural_of), "pods")
    assert "delete" in verbs_on(whole_life([stateful], "shop", plural_of, goes_in_steps=True), "pods")
    assert "delete" not in verbs_on(whole_life([CONFIG], "shop", plural_of, goes_in_steps=True), "pods")


def test_components_in_namespaces_of_their_own_are_explained_and_scaled_and_have_generated_secrets_there():
    there = manifest("apps/v1", "Deployment", "web", "shop-north")
    secret = ObjectRef("", "Secret", "shop-north", "password")
    rights = whole_life([CONFIG, there], "shop", plural_of, generated=[secret])
    north = frozenset(right for right in rights if right.namespace == "shop-north")
    assert verbs_on(north, "secrets") == {"get", "list", "create", "update"}
    assert verbs_on(north, "pods") == verbs_on(north, "replicasets") == {"list", "watch"}
    assert verbs_on(north, "pods/log") == {"get"}
    assert verbs_on(north, "horizontalpodautoscalers") == verbs_on(north, "resourcequotas") == {"list"}
    seen = frozenset(
        right
        for right in reading([CONFIG, there], "shop", plural_of, generated=[secret])
        if right.namespace == "shop-north"
    )
    assert verbs_on(seen, "secrets") == {"get", "list"}
    assert verbs_on(seen, "pods/log") == {"get"}


def test_reading_writes_nothing():
    found = reading([CONFIG, CRD], "shop", plural_of)
    assert {right.verb for right in found if right.plural == "leases"} == {"get"}  # who works on the release
    assert {right.verb for right in found} == {"get", "list", "watch"}


def test_rules_join_resources_of_the_same_verbs():
    rights = [Right("", plural, "shop", verb) for plural in ("pods", "events") for verb in ("watch", "list")]
    assert rules_of(rights) == [{"apiGroups": [""], "resources": ["events", "pods"], "verbs": ["list", "watch"]}]


def test_what_a_bundle_grants_must_be_held():
    group = "rbac.authorization.k8s.io"
    role = manifest(f"{group}/v1", "Role", "own", rules=[RULE, RULE])
    own = manifest(f"{group}/v1", "RoleBinding", "own", roleRef={"kind": "Role", "name": "own"})
    foreign = manifest(f"{group}/v1", "RoleBinding", "view", roleRef={"kind": "ClusterRole", "name": "view"})
    bind = {"apiGroups": [group], "resources": ["clusterroles"], "resourceNames": ["view"], "verbs": ["bind"]}
    assert granted_rules([role, own, foreign], "shop") == [RULE, bind]
    assert granted_rules([role, own, foreign], "") == []


def test_a_kind_that_the_bundle_defines_is_known_by_its_definition():
    assert defined_plurals([CRD, CONFIG]) == {("example.org", "Guest"): "guests"}
