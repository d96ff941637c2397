"""Objects in the way that a release takes over, with the fields of who made them. Layer: planning, pure.

An apply leaves the fields of the former owner of an object alone: what the bundle does not have would stay in it
for ever. So the former owner's fields become ours first, as kubectl itself does it when it moves to server-side apply
(k8s.io/client-go, util/csaupgrade); our apply then drops what it does not have, the annotation last-applied included.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from bundler.fields.field_set import EMPTY, FieldSet
from bundler.fields.managers import ManagerKey, Managers, Ownership, applier, read_managers, write_managers
from bundler.fields.merge import without_abandoned
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.autoscale import is_stopped
from bundler.planning.ownership import ARGO_INSTANCE, ARGO_TRACKING, has_controller, helm_release_of, owner_of

_MAKERS: Final = frozenset(
    {"kubectl", "kubectl-client-side-apply", "kubectl-create", "kubectl-replace", "helm", "before-first-apply"}
)
"""Field managers of tools that wrote an object as a whole; `kubectl edit` and controllers keep their fields."""
_PAUSE: Final = FieldSet.parse({"f:spec": {"f:replicas": {}}})
_ARGO = (ARGO_TRACKING, ARGO_INSTANCE)
_FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")


def is_asked_for(ref: ObjectRef, patterns: Sequence[str]) -> bool:
    """Return whether an object is to be taken over: ``KIND/NAME``, ``*`` for any characters of either."""
    return any(fnmatchcase(ref.short, pattern) for pattern in patterns)


def kept_by(live: Body, *, has_helm_release: bool | None) -> str:
    """Say who looks after an object and would fight for it; empty where it may be taken over.

    Args:
        live: the object.
        has_helm_release: whether the records of its Helm release are there; None where that cannot be seen.
    """
    labels, annotations = mapping_at(live, "metadata", "labels"), mapping_at(live, "metadata", "annotations")
    if RELEASE_UID in labels or any(key in labels or key in annotations for key in (*_ARGO, *_FLUX)):
        return owner_of(live)
    if has_controller(live):
        return f"the controller of {owner_of(live)}"
    if helm_release_of(live) and has_helm_release is not False:
        unseen = "" if has_helm_release else ", as far as can be seen: its records may not be read"
        return f"{owner_of(live)}{unseen}"
    return ""


def taken_over(live: Body, *, is_autoscaled: bool) -> Body:
    """Return an object in which the fields of its former owners are ours; nothing else in it changes.

    Args:
        live: the object.
        is_autoscaled: its replicas are an autoscaler's: that someone paused it, at 0, stays theirs to say.
    """
    former, kept = _split(live, _PAUSE if is_autoscaled and is_stopped(live) else EMPTY)
    ours = kept.get(applier(FIELD_MANAGER), Ownership(fields=EMPTY, api_version="", time=""))
    kept[applier(FIELD_MANAGER)] = replace(
        ours, fields=ours.fields.union(former), api_version=text_at(live, "apiVersion")
    )
    return {**live, "metadata": {**mapping_at(live, "metadata"), "managedFields": write_managers(kept)}}


def once_applied(answer: Body, live: Body, desired: Manifest, *, is_autoscaled: bool) -> Body:
    """Return an object as it will be once it is taken over: what the bundle does not have is gone.

    Args:
        answer: the server's, to a forced apply of ``desired``; it still has what its former owners set.
        live: the object.
        desired: what is applied.
        is_autoscaled: its replicas are an autoscaler's.
    """
    former, kept = _split(live, _PAUSE if is_autoscaled and is_stopped(live) else EMPTY)
    return without_abandoned(answer, last=former, others=kept.values(), applied=desired.body)


def _split(live: Body, stays: FieldSet) -> tuple[FieldSet, Managers]:
    """Return the fields of those who give an object up, and the managers that keep theirs, or these few."""
    former, kept = EMPTY, Managers()
    for key, owned in read_managers(live).items():
        if _is_former(key, live):
            former = former.union(owned.fields.difference(stays))
            theirs = owned.fields.intersection(stays)
            if not theirs.is_empty:
                kept[key] = replace(owned, fields=theirs)
        else:
            kept[key] = owned
    return former, kept


def _is_former(key: ManagerKey, live: Body) -> bool:
    is_same_version = key.version in {"", text_at(live, "apiVersion")}
    return key.manager in _MAKERS and not key.subresource and is_same_version
