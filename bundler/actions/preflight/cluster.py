"""What the cluster offers: nodes, storage, quota, namespaces, Pod Security. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bundler.actions import author
from bundler.actions.preflight.check_runner import Look, list_all
from bundler.actions.preflight.nodes import node_checks
from bundler.actions.preflight.storage import storage_checks
from bundler.fields.kinds import pod_spec_path
from bundler.images.image_paths import containers_of
from bundler.model.check import Check, failed, passed, skipped
from bundler.model.json import Body, items_at, mapping_at, strings_at, text_at, value_at
from bundler.model.refs import ObjectRef
from bundler.model.size import counted, first_of
from bundler.planning.quota import quota_problems

if TYPE_CHECKING:
    from bundler.actions.preflight.run import PreflightRequest
    from bundler.model.manifest import Manifest
    from bundler.ports import ClusterClient

_ENFORCE = "pod-security.kubernetes.io/enforce"
_RECORD_SECRETS = 3
_MAX_NAMED = 4
_BASELINE = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip


def cluster_looks(
    request: PreflightRequest, manifests: Sequence[Manifest], cluster: ClusterClient, *, declared: Sequence[str]
) -> list[Look]:
    """Return the checks of what the cluster offers.

    Args:
        request: bundle, release and site.
        manifests: rendered, in their normal form.
        cluster: the API to ask.
        declared: namespaces that the bundle declares, which are made where they are missing.
    """
    made = {one.ref.name for one in manifests if one.ref.kind == "Namespace"}
    made |= {request.order.namespace, *declared} if request.may_create_namespace else set()
    namespaces = sorted({request.order.namespace, *(one.ref.namespace for one in manifests if one.ref.namespace)})
    looks = [
        *class_looks(manifests, cluster),
        Look(name="platforms", make=partial(node_checks, request.order.carried, manifests, cluster)),
    ]
    for name in namespaces:
        looks.append(
            Look(name=f"namespace {name}", make=partial(_namespace, name, manifests, cluster, is_made=name in made))
        )
        looks.append(Look(name=f"quota of {name}", make=partial(_quota, name, manifests, cluster)))
    return looks


def class_looks(manifests: Sequence[Manifest], cluster: ClusterClient) -> list[Look]:
    """Return the checks of the classes that volumes and Ingresses name."""
    return [
        Look(name="storage class", make=partial(storage_checks, manifests, cluster)),
        Look(name="ingress class", make=partial(_ingress, manifests, cluster)),
    ]


def _ingress(manifests: Sequence[Manifest], cluster: ClusterClient) -> list[Check]:
    wanted = {text_at(one.body, "spec", "ingressClassName") for one in manifests if one.ref.kind == "Ingress"}
    if not wanted:
        return [skipped("ingress class", "nothing is exposed through an Ingress")]
    there = {text_at(one, "metadata", "name") for one in list_all(cluster, "networking.k8s.io", "IngressClass")}
    missing = sorted(wanted - there - {""})
    if missing:
        known = ", ".join(sorted(there)) or "none"
        hint = "name one in the site file (ingressClass)"
        return [failed("ingress class", f"there is no {', '.join(missing)}; classes are: {known}", hint)]
    return [passed("ingress class", ", ".join(sorted(wanted - {""})) or "the default one")]


def _namespace(name: str, manifests: Sequence[Manifest], cluster: ClusterClient, *, is_made: bool) -> list[Check]:
    body = cluster.get(ObjectRef("", "Namespace", "", name))
    if body is None:
        if is_made:
            return [passed(f"namespace {name}", "it does not exist and will be created")]
        return [failed(f"namespace {name}", "it does not exist", f"create it: kubectl create namespace {name}")]
    level = text_at(body, "metadata", "labels", _ENFORCE) or "privileged"
    problems = [problem for one in manifests if one.ref.namespace == name for problem in _insecure(one, level)]
    if problems:
        found = f"it enforces {level}, and {'; '.join(first_of(problems, _MAX_NAMED))}"
        return [failed(f"namespace {name}", found, "fix the bundle, or ask for another Pod Security level")]
    return [passed(f"namespace {name}", f"it is there, and enforces Pod Security {level}")]


def _insecure(manifest: Manifest, level: str) -> Iterator[str]:
    """Yield what the Pod Security level of a namespace refuses."""
    path = pod_spec_path(manifest.ref.group, manifest.ref.kind)
    if path is None or level == "privileged":
        return
    pod = mapping_at(manifest.body, *path)
    yield from (f"{manifest.ref.short}: {problem}" for problem in _below_baseline(pod))
    if level == "restricted":
        for flaw in author.best_practices.check_manifest(manifest):
            if flaw.rule == "pod-security":
                yield f"{manifest.ref.short}: {flaw.message}"


def _below_baseline(pod: Body) -> Iterator[str]:
    """Source: kubernetes.io/docs/concepts/security/pod-security-standards, "Baseline"."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field) is True:
            yield f"{field} is true"
    yield from (
        f"volume {text_at(volume, 'name')} is a hostPath" for volume in items_at(pod, "volumes") if "hostPath" in volume
    )
    for container in containers_of(pod):
        name = text_at(container, "name")
        if value_at(container, "securityContext", "privileged") is True:
            yield f"container {name} is privileged"
        if any(value_at(port, "hostPort") for port in items_at(container, "ports")):
            yield f"container {name} takes a port of the host"
        added = set(strings_at(container, "securityContext", "capabilities", "add")) - _BASELINE
        if added:
            yield f"container {name} adds {', '.join(sorted(added))}"


def _quota(name: str, manifests: Sequence[Manifest], cluster: ClusterClient) -> list[Check]:
    quotas = list_all(cluster, "", "ResourceQuota", namespace=name)
    if not quotas:
        return [passed(f"quota of {name}", "there is none")]
    new = [one for one in manifests if one.ref.namespace == name and cluster.get(one.ref) is None]
    pairs = [(ObjectRef("", "ResourceQuota", name, text_at(one, "metadata", "name")), one) for one in quotas]
    for problem in quota_problems(new, pairs, extra_secrets=_RECORD_SECRETS):
        return [failed(f"quota of {name}", "; ".join(problem.lines), problem.hint)]
    return [passed(f"quota of {name}", f"what is new ({counted(len(new), 'object')}) fits")]
