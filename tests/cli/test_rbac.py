"""``bundler rbac``: roles for kubectl."""

from __future__ import annotations

import pytest


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
