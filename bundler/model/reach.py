"""The families of reach: what a bundle may grant itself, and which of it must be declared. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GRANTS: Final[Mapping[str, str]] = {
    "privileged": "a pod that Pod Security's baseline refuses: capabilities, host namespaces, host ports and so on",
    "host-path": "files of the node: hostPath and local volumes",
    "node-placement": "a pod placed on a named node, past the scheduler",
    "system-priority": "a pod of a system priority class, which evicts others",
    "foreign-accounts": "a pod that runs as a ServiceAccount of someone else",
    "foreign-secrets": "a pod that reads a Secret of someone else",
    "foreign-volumes": "a claim or volume of someone else",
    "token-audience": "a ServiceAccount token for another audience than the API server",
    "remote-volumes": "a volume attached without a claim: NFS, iSCSI, CSI and so on",
    "rbac-wildcard": "rights with `*` in them, and the roles cluster-admin, admin and edit",
    "rbac-secrets": "rights on Secrets",
    "rbac-escalate": "the verb escalate",
    "rbac-bind": "the verb bind",
    "rbac-impersonate": "the verb impersonate",
    "rbac-exec": "rights to enter or proxy to pods and Services",
    "rbac-tokens": "rights to create ServiceAccount tokens",
    "rbac-workloads": "rights to create or change workloads",
    "rbac-bindings": "rights to create or change roles and bindings",
    "rbac-nodes": "rights to change nodes, or to proxy to them",
    "rbac-certificates": "rights to approve or sign certificates",
    "rbac-cluster": "rights to change what governs the whole cluster: namespaces, CRDs, webhooks, volumes and so on",
    "rbac-urls": "rights on URLs that are not resources",
    "rbac-aggregate": "a role that collects other roles, or joins one",
    "rbac-foreign-role": "a binding to a role of someone else, other than view",
    "rbac-foreign-subject": "a binding for a user, a group or a ServiceAccount of someone else",
    "token-secrets": "a Secret that holds a ServiceAccount token or a bootstrap token",
    "external-names": "a Service that is an alias of another host",
    "external-ips": "a Service that takes over external IPs",
    "endpoints": "hand-written Endpoints and EndpointSlices",
    "ingress-snippets": "configuration of the ingress controller in annotations",
    "webhooks": "webhooks of the API server: admission, and conversion of custom resources",
    "admission-policies": "admission policies and their bindings",
    "api-services": "an aggregated API",
    "certificates": "a request for a certificate that the cluster signs",
    "node-labels": "a Node, its labels and taints",
    "pod-security": "the Pod Security level of a namespace",
    "namespace-labels": "other labels of a namespace",
    "default-classes": "a default StorageClass, IngressClass or PriorityClass",
    "node-port": "a port of every node",
    "load-balancer": "a load balancer outside the cluster",
    "ingress-host": "a host name that answers from outside",
}
"""Each family by the name that bundle.yaml declares and a site file forbids."""

EXPOSURES: Final = frozenset({"node-port", "load-balancer", "ingress-host"})
"""Families of many honest bundles: shown in each plan, refused only where the site forbids them."""
