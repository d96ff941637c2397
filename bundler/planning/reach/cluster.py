"""What changes the rules of the whole cluster, or speaks in its name. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.model.json import mapping_at, text_at, value_at
from bundler.model.labels import PREFIX
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef

_TOKENS = frozenset({"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"})
_ADMISSION = "admissionregistration.k8s.io"
_WEBHOOKS = ("webhooks", "intercepts requests to the API server")
_CHANGES = ("admission-policies", "changes what others write")
_REFUSES = ("admission-policies", "refuses what others write")
_BY_KIND = {
    (_ADMISSION, "MutatingWebhookConfiguration"): _WEBHOOKS,
    (_ADMISSION, "ValidatingWebhookConfiguration"): _WEBHOOKS,
    (_ADMISSION, "MutatingAdmissionPolicy"): _CHANGES,
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): _CHANGES,
    (_ADMISSION, "ValidatingAdmissionPolicy"): _REFUSES,
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): _REFUSES,
    ("apiregistration.k8s.io", "APIService"): ("api-services", "answers for a part of the API"),
    ("certificates.k8s.io", "CertificateSigningRequest"): ("certificates", "asks for a certificate of the cluster"),
    ("", "Node"): ("node-labels", "writes a node"),
}
_POD_SECURITY = "pod-security.kubernetes.io/"
_DEFAULT_CLASS = "/is-default-class"
_OWN_LABELS = (PREFIX, "app.kubernetes.io/", "helm.sh/")
_NAME_LABEL = "kubernetes.io/metadata.name"


def cluster_grants(manifest: Manifest, _own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    """Yield what an object changes for the whole cluster."""
    ref, body = manifest.ref, manifest.body
    if found := _BY_KIND.get((ref.group, ref.kind)):
        yield found
    match ref.group, ref.kind:
        case "", "Secret" if text_at(body, "type") in _TOKENS:
            yield "token-secrets", f"is of the type {text_at(body, 'type')}"
        case "", "Namespace":
            yield from _namespace_grants(manifest)
        case "apiextensions.k8s.io", "CustomResourceDefinition":
            if text_at(body, "spec", "conversion", "strategy") == "Webhook":
                yield "webhooks", "converts objects by a webhook"
        case _:
            yield from _default_grants(manifest)


def _namespace_grants(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for label, value in mapping_at(manifest.body, "metadata", "labels").items():
        if label.startswith(_POD_SECURITY):
            yield "pod-security", f"sets {label.removeprefix(_POD_SECURITY)} to {value}"
        elif not label.startswith(_OWN_LABELS) and label != _NAME_LABEL:
            yield "namespace-labels", f"sets the label {label} to {value}"


def _default_grants(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for key, value in mapping_at(manifest.body, "metadata", "annotations").items():
        if key.endswith(_DEFAULT_CLASS) and value == "true":
            yield "default-classes", "is the default for what names no class"
    if manifest.ref.kind == "PriorityClass" and value_at(manifest.body, "globalDefault") is True:
        yield "default-classes", "is the default for what names no class"
