"""Which workload looks after a group, told by roles, bindings and ServiceAccounts."""

import pytest

from bundler.fields.rights import find_controllers
from bundler.model.refs import ObjectRef

RBAC = "rbac.authorization.k8s.io"


def workload(name, account="", namespace="ops", kind="Deployment"):
    pod = {"serviceAccountName": account} if account else {}
    return ObjectRef("apps", kind, namespace, name), {"spec": {"template": {"spec": pod}}}


def role(name, *groups, namespace=""):
    kind = "Role" if namespace else "ClusterRole"
    return ObjectRef(RBAC, kind, namespace, name), {"rules": [{"apiGroups": [""]}, {"apiGroups": list(groups)}]}


def binding(role_kind, role_name, account, namespace="", account_namespace="ops"):
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    subject = {"kind": "ServiceAccount", "name": account}
    subject |= {"namespace": account_namespace} if account_namespace else {}
    body = {"roleRef": {"kind": role_kind, "name": role_name}, "subjects": [{"kind": "User", "name": "ada"}, subject]}
    return ObjectRef(RBAC, kind, namespace, f"{role_name}-{account}"), body


STRIMZI, WEB = workload("strimzi", "strimzi"), workload("web", "web")
CASES = [
    ("a cluster role", [role("r", "k.io"), binding("ClusterRole", "r", "strimzi")], ["strimzi"]),
    (
        "a cluster role in one namespace",
        [role("r", "k.io"), binding("ClusterRole", "r", "strimzi", "ops")],
        ["strimzi"],
    ),
    ("a role", [role("r", "k.io", namespace="ops"), binding("Role", "r", "strimzi", "ops", "")], ["strimzi"]),
    ("a role elsewhere", [role("r", "k.io", namespace="far"), binding("Role", "r", "strimzi", "ops")], []),
    ("no role for that group", [role("r", "other.io"), binding("ClusterRole", "r", "strimzi")], []),
    ("no binding", [role("r", "k.io")], []),
    ("an account elsewhere", [role("r", "k.io"), binding("ClusterRole", "r", "strimzi", "", "far")], []),
    ("every group, and no one by name", [role("r", "*"), binding("ClusterRole", "r", "web")], ["web"]),
    (
        "by name beats every group",
        [
            role("all", "*"),
            binding("ClusterRole", "all", "web"),
            role("r", "k.io"),
            binding("ClusterRole", "r", "strimzi"),
        ],
        ["strimzi"],
    ),
]


@pytest.mark.parametrize(("objects", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_controller_is_who_may_work_on_the_group(objects, expected):
    assert [ref.name for ref in find_controllers("k.io", dict([STRIMZI, WEB, *objects]))] == expected


def test_without_a_name_pods_run_as_default_and_a_stateful_set_may_be_a_controller():
    objects = dict([workload("op", kind="StatefulSet"), role("r", "k.io"), binding("ClusterRole", "r", "default")])
    assert [ref.short for ref in find_controllers("k.io", objects)] == ["StatefulSet/op"]
