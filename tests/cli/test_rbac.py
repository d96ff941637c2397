"""``bundler rbac``: roles for kubectl."""

from __future__ import annotations

import pytest

from tests.lib.bundles import make_bundle

CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_roles_and_their_bindings_are_printed(cli):
    items = cli("rbac", "operator", "-n", "party", "--for", "party/pipeline", "-o", "json").ok().document["items"]
    assert [one["kind"] for one in items] == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    assert items[3]["subjects"] == [{"kind": "ServiceAccount", "namespace": "party", "name": "pipeline"}]
    plurals = {plural for rule in items[2]["rules"] for plural in rule["resources"]}
    assert {"secrets", "roles", "rolebindings"} <= plurals
    assert cli("rbac", "nginx", "--for", "ada").ok().out.count("\n---\n") == 1


@pytest.mark.parametrize("subject", ["a/b/c", "/b", "system:serviceaccount:a"])
def test_an_impossible_subject_is_refused(cli, subject):
    assert cli("rbac", "nginx", "--for", subject).code == 2


@pytest.mark.parametrize(("recreated", "may_delete"), [((), False), (("PersistentVolumeClaim/data",), True)])
def test_claims_may_be_deleted_only_where_the_bundle_says_that_they_may_be_recreated(cli, recreated, may_delete):
    bundle = make_bundle(cli.home, {"templates/data.yaml": CLAIM}, upgrade={"recreate": list(recreated)})
    (role,) = cli("rbac", bundle, "-o", "json").ok().document["items"]
    (rule,) = [one for one in role["rules"] if "persistentvolumeclaims" in one["resources"]]
    assert ("delete" in rule["verbs"]) is may_delete


def test_a_service_account_for_the_controller_is_printed_with_its_roles(cli):
    items = cli("rbac", "operator", "-n", "party", "--for-controller", "-o", "json").ok().document["items"]
    kinds = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    assert [one["kind"] for one in items] == kinds
    assert {one["metadata"]["name"] for one in items} == {"bundler-operator", "party-bundler-operator"}
    subject = {"kind": "ServiceAccount", "namespace": "party", "name": "bundler-operator"}
    assert [one["subjects"] for one in items if "subjects" in one] == [[subject], [subject]]


@pytest.mark.parametrize(("more", "is_said"), [((), True), (("--for-controller",), True), (("--read-only",), False)])
def test_a_role_that_only_a_cluster_admin_may_write_is_named(cli, more, is_said):
    printed = cli("rbac", "controller", "-n", "system", *more).ok()
    said = "ClusterRole/system-controller-more collects the rules of other roles"
    assert (said in printed.err) is is_said


@pytest.mark.parametrize("other", [("--for", "ada"), ("--read-only",)])
def test_a_service_account_for_the_controller_is_for_no_one_else(cli, other):
    refused = cli("rbac", "nginx", "--for-controller", *other)
    assert refused.code == 2
    assert f"{other[0]} was given with --for-controller" in refused.err
