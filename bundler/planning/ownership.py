"""Whose an object is. Layer: planning, pure."""

from __future__ import annotations

from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import Body, items_at, mapping_at, text_at
from bundler.model.labels import INSTANCE, RELEASE_UID

_HELM_RELEASE = "meta.helm.sh/release-name"
_HELM_NAMESPACE = "meta.helm.sh/release-namespace"
ARGO_TRACKING = "argocd.argoproj.io/tracking-id"
ARGO_INSTANCE = "argocd.argoproj.io/instance"
"""A label, or an annotation, as Argo CD is set up."""
_FLUX_NAMES = (
    ("kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("helm.toolkit.fluxcd.io/name", "Flux HelmRelease"),
)


def helm_release_of(live: Body) -> tuple[str, str] | None:
    """Return name and namespace of the Helm release that an object says it belongs to; None where it says nothing."""
    annotations = mapping_at(live, "metadata", "annotations")
    name, namespace = text_at(annotations, _HELM_RELEASE), text_at(annotations, _HELM_NAMESPACE)
    return (name, namespace) if name else None


def is_ours(live: Body, uid: str) -> bool:
    """Return whether a live object carries this release's uid."""
    return text_at(live, "metadata", "labels", RELEASE_UID) == uid


def lost_its_label(live: Body) -> bool:
    """Return whether someone took the release's label off an object that we wrote; for objects in a record only.

    What was deleted and made again by others carries no field of ours.
    """
    if RELEASE_UID in mapping_at(live, "metadata", "labels"):
        return False
    return any(entry.get("manager") == FIELD_MANAGER for entry in items_at(live, "metadata", "managedFields"))


def has_controller(live: Body) -> bool:
    """Return whether a controller made the object (an EndpointSlice carries its Service's labels, ours included)."""
    return any(owner.get("controller") is True for owner in items_at(live, "metadata", "ownerReferences"))


def owner_of(live: Body) -> str:
    """Name the owner of an object as far as its metadata tells, in words for a person."""
    labels, annotations = mapping_at(live, "metadata", "labels"), mapping_at(live, "metadata", "annotations")
    if uid := text_at(labels, RELEASE_UID):
        return f'bundler release "{text_at(labels, INSTANCE) or "?"}" (release-uid {uid[:8]})'
    if name := text_at(annotations, _HELM_RELEASE):
        return f'Helm release "{name}" (namespace {text_at(annotations, _HELM_NAMESPACE) or "?"})'
    if application := _argo_application(labels, annotations):
        return f'Argo CD application "{application}"'
    for key, tool in _FLUX_NAMES:
        if name := text_at(labels, key):
            return f'{tool} "{name}"'
    return _owner_by_reference(live) or _owner_by_manager(live)


def _argo_application(labels: Body, annotations: Body) -> str:
    tracked = (text_at(notes, key) for notes in (labels, annotations) for key in (ARGO_TRACKING, ARGO_INSTANCE))
    return next((one.partition(":")[0] for one in tracked if one), "")


def _owner_by_reference(live: Body) -> str:
    for owner in items_at(live, "metadata", "ownerReferences"):
        return f"{text_at(owner, 'kind')}/{text_at(owner, 'name')}"
    return ""


def _owner_by_manager(live: Body) -> str:
    entries = items_at(live, "metadata", "managedFields")
    managers = [text_at(entry, "manager") for entry in entries if not text_at(entry, "subresource")]
    return f"no one; last written by {managers[-1]}" if managers else "no one"
