"""Which rights roles and bindings give away. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.model.json import Body, items_at, list_at, mapping_at, strings_at, text_at
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef

_RBAC = "rbac.authorization.k8s.io"
_AGGREGATES = f"{_RBAC}/aggregate-to-"
_VERBS = ("escalate", "bind", "impersonate")
_WRITES = frozenset({"create", "update", "patch", "*"})
_POWERFUL_ROLES = frozenset({"cluster-admin", "admin", "edit"})
_HARMLESS_ROLE = "view"

_ANY_VERB = {
    "rbac-exec": {
        "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "pods/ephemeralcontainers", "services/proxy",
    },
    "rbac-tokens": {"serviceaccounts/token"},
    "rbac-nodes": {"nodes/proxy"},
    "rbac-certificates": {
        "certificatesigningrequests/approval", "certificatesigningrequests/status", "signers",
    },
}  # fmt: skip
_WRITTEN = {
    "rbac-workloads": {
        "pods", "podtemplates", "replicationcontrollers", "deployments", "daemonsets", "replicasets", "statefulsets",
        "jobs", "cronjobs",
    },
    "rbac-bindings": {"roles", "clusterroles", "rolebindings", "clusterrolebindings"},
    "rbac-nodes": {"nodes", "nodes/status"},
    "rbac-cluster": {
        "namespaces", "namespaces/finalize", "persistentvolumes", "customresourcedefinitions", "apiservices",
        "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings", "validatingadmissionpolicies", "validatingadmissionpolicybindings",
        "storageclasses", "priorityclasses", "ingressclasses", "runtimeclasses", "csidrivers", "flowschemas",
        "prioritylevelconfigurations",
    },
}  # fmt: skip


def rbac_grants(manifest: Manifest, own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    """Yield what a role allows, or whom a binding gives what."""
    if manifest.ref.group != _RBAC:
        return
    if manifest.ref.kind.endswith("Binding"):
        yield from _binding_grants(manifest, own)
        return
    for rule in items_at(manifest.body, "rules"):
        yield from _rule_grants(rule)
    yield from _aggregations(manifest.body)


def _binding_grants(manifest: Manifest, own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    namespace, body = manifest.ref.namespace, manifest.body
    kind, name = text_at(body, "roleRef", "kind"), text_at(body, "roleRef", "name")
    if name in _POWERFUL_ROLES:
        yield "rbac-wildcard", f"binds {name}"
    role = ObjectRef(_RBAC, kind, namespace if kind == "Role" else "", name)
    if role not in own and (kind, name) != ("ClusterRole", _HARMLESS_ROLE):
        yield "rbac-foreign-role", f"binds the {kind} {name}, which is not in the bundle"
    for subject in items_at(body, "subjects"):
        who, called = text_at(subject, "kind"), text_at(subject, "name")
        account = ObjectRef("", "ServiceAccount", text_at(subject, "namespace") or namespace, called)
        if who != "ServiceAccount" or account not in own:
            place = f" in {account.namespace}" if who == "ServiceAccount" else ""
            yield "rbac-foreign-subject", f"gives rights to the {who} {called}{place}, which is not in the bundle"


def _rule_grants(rule: Body) -> Iterator[tuple[str, str]]:
    verbs = set(strings_at(rule, "verbs"))
    resources = [str(resource) for resource in list_at(rule, "resources")]
    if "*" in verbs or "*" in list_at(rule, "apiGroups") or any("*" in resource for resource in resources):
        yield "rbac-wildcard", "grants *"
    allowed = ", ".join(strings_at(rule, "verbs"))
    if any(resource.partition("/")[0] == "secrets" for resource in resources):
        yield "rbac-secrets", f"grants {allowed} on secrets"
    for verb in _VERBS:
        if verb in verbs:
            yield f"rbac-{verb}", f"grants {verb}"
    for table in (_ANY_VERB, _WRITTEN if verbs & _WRITES else {}):
        for grant, dangers in table.items():
            for resource in resources:
                if resource in dangers:
                    yield grant, f"grants {allowed} on {resource}"
    if urls := list_at(rule, "nonResourceURLs"):
        yield "rbac-urls", f"grants {allowed} on {', '.join(map(str, urls))}"


def _aggregations(body: Body) -> Iterator[tuple[str, str]]:
    if "aggregationRule" in body:
        yield "rbac-aggregate", "collects the rules of other roles"
    for label, value in mapping_at(body, "metadata", "labels").items():
        if label.startswith(_AGGREGATES) and value == "true":
            yield "rbac-aggregate", f"adds its rules to {label.removeprefix(_AGGREGATES)}"
