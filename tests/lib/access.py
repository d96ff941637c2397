"""Who may use the test control plane: tokens, certificates, kubeconfigs, and RBAC objects."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.lib.certs import Authority

MASTERS = "system:masters"
CONTEXT = "controlplane"
CERTIFICATE_USER = "client-cert"
DEPLOYER_ROLE = "deployer"

ALL_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
READ_VERBS = ("get", "list", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUser:
    """A user that the API server knows by a fixed token."""

    name: str
    groups: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """Return the bearer token."""
        return f"token-of-{self.name}"


TOKEN_USERS = (
    TokenUser(name="admin", groups=(MASTERS,)),
    TokenUser(name="viewer"),
    TokenUser(name="deployer"),
    TokenUser(name="stranger"),  # authenticates, may do nothing
    TokenUser(name="exec", groups=(MASTERS,)),
    TokenUser(name="token-file", groups=(MASTERS,)),
)
UNKNOWN_USER = "unknown"  # its token is refused: 401
USERS = (*(user.name for user in TOKEN_USERS), CERTIFICATE_USER, UNKNOWN_USER)


def write_token_file(path: Path) -> None:
    """Write what `--token-auth-file` reads."""
    lines = [f'{user.token},{user.name},{user.name},"{",".join(user.groups)}"' for user in TOKEN_USERS]
    path.write_text("\n".join(lines) + "\n")


def write_kubeconfigs(folder: Path, server: str, authority: Authority) -> dict[str, Path]:
    """Write `folder/NAME.kubeconfig` for every user and return them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = {user.name: user.token for user in TOKEN_USERS}
    pair = authority.issue(CERTIFICATE_USER, groups=(MASTERS,))
    token_file = folder / "token"
    token_file.write_text(tokens["token-file"] + "\n")
    users: dict[str, dict[str, Any]] = {name: {"token": token} for name, token in tokens.items()}
    users["token-file"] = {"tokenFile": str(token_file)}
    users["exec"] = {"exec": _exec_plugin(folder, tokens["exec"])}
    users[CERTIFICATE_USER] = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
    users[UNKNOWN_USER] = {"token": "a-token-that-no one-gave-out"}
    ca = base64.b64encode(authority.certificate.read_bytes()).decode()
    written = {}
    for name, user in users.items():
        written[name] = folder / f"{name}.kubeconfig"
        written[name].write_text(json.dumps(_kubeconfig(server, ca, name, user), indent=2))
        written[name].chmod(0o600)
    return written


def cluster_objects() -> list[tuple[str, dict[str, Any]]]:
    """Return the RBAC objects that every control plane gets, each with the path to POST it to."""
    viewers = _binding("ClusterRoleBinding", "viewers", "", role=("ClusterRole", "view"), user="viewer")
    return [("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", viewers)]


def deployer_objects(namespace: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the Role and RoleBinding that let `deployer` work in one namespace and nowhere else."""
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": DEPLOYER_ROLE, "namespace": namespace},
        "rules": deployer_rules(),
    }
    binding = _binding("RoleBinding", DEPLOYER_ROLE, namespace, role=("Role", DEPLOYER_ROLE), user="deployer")
    return [(f"{path}/roles", role), (f"{path}/rolebindings", binding)]


def deployer_rules() -> list[dict[str, Any]]:
    """Return the rules of a namespace deployer: workloads and what they need, no roles, nothing cluster-wide."""
    core = ("configmaps", "persistentvolumeclaims", "pods", "secrets", "serviceaccounts", "services")
    apps = ("daemonsets", "deployments", "deployments/scale", "replicasets", "statefulsets", "statefulsets/scale")
    return [
        _rule("", core),
        _rule("", ("endpoints", "events", "limitranges", "pods/log", "resourcequotas"), READ_VERBS),
        _rule("apps", apps),
        _rule("autoscaling", ("horizontalpodautoscalers",)),
        _rule("batch", ("cronjobs", "jobs")),
        _rule("bundler.dev", ("releases",), READ_VERBS),
        _rule("coordination.k8s.io", ("leases",)),
        _rule("discovery.k8s.io", ("endpointslices",), READ_VERBS),
        _rule("networking.k8s.io", ("ingresses", "networkpolicies")),
        _rule("policy", ("poddisruptionbudgets",)),
    ]


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str] = ALL_VERBS) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _binding(kind: str, name: str, namespace: str, *, role: tuple[str, str], user: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "roleRef": {"apiGroup": group, "kind": role[0], "name": role[1]},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def _kubeconfig(server: str, ca: str, name: str, user: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": server, "certificate-authority-data": ca}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": name, "namespace": "default"}}],
    }


def _exec_plugin(folder: Path, token: str) -> dict[str, Any]:
    """Write a credential plugin that, like a strict one, wants KUBERNETES_EXEC_INFO, and counts its calls in a file."""
    version = "client.authentication.k8s.io/v1"
    status = {"token": token, "expirationTimestamp": "2099-01-01T00:00:00Z"}
    answer = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})
    script = folder / "exec-plugin"
    script.write_text(
        f"#!{sys.executable} -IS\n"
        "import json, os, sys\n"
        "json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        f"with open({str(folder / 'exec-calls')!r}, 'a') as calls:\n"
        "    calls.write('called\\n')\n"
        f"print({answer!r})\n"
    )
    script.chmod(0o700)
    return {"apiVersion": version, "command": str(script), "interactiveMode": "Never"}
