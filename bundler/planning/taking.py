"""Objects that carry another release's label: whether this release may take or share them. Layer: planning, pure."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.definition import DEFINITION, served_versions
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.labels import COMPONENT, INSTANCE, RELEASE_UID
from bundler.model.manifest import GeneratedSecret, Manifest
from bundler.planning.normalize import component_label

if TYPE_CHECKING:
    from bundler.planning.observation import Wanted

_KEPT = frozenset({DEFINITION, ("", "PersistentVolumeClaim"), ("", "PersistentVolume")})
_IN_CRDS = re.compile(r"(?:^|/)crds/")


class Standing(StrEnum):
    """What an object of another release is to this one."""

    FREE = "free"
    """Its release is gone, and left it behind on purpose."""
    SHARED = "shared"
    """A definition that another release brought too, and looks after."""
    FOREIGN = "foreign"


def standing_of(manifest: Manifest, live: Body, *, is_recorded: bool | None) -> Standing:
    """Tell what a wanted object is that carries the label of another release.

    Args:
        manifest: as this release wants it.
        live: the object.
        is_recorded: whether any record of that release is left; None where that cannot be seen.
    """
    kind = (manifest.ref.group, manifest.ref.kind)
    if is_recorded is None or kind not in _KEPT:
        return Standing.FOREIGN
    if not is_recorded:
        return Standing.FREE
    if kind != DEFINITION or not _IN_CRDS.search(manifest.source.file):
        return Standing.FOREIGN
    is_served = set(served_versions(manifest.body)) <= set(served_versions(live))
    return Standing.SHARED if is_served else Standing.FOREIGN


def is_others(live: Body, uid: str) -> bool:
    """Return whether an object carries the label of another release."""
    return text_at(live, "metadata", "labels", RELEASE_UID) not in {"", uid}


def taken_secret(live: Body, secret: GeneratedSecret, wanted: Wanted) -> Body:
    """Return a generated Secret that another release left behind with the labels of this one; its data stays.

    Args:
        live: the object as it is in the cluster.
        secret: as bundle.yaml defines it.
        wanted: what the release is to hold.
    """
    metadata = mapping_at(live, "metadata")
    ours = {INSTANCE: wanted.release, RELEASE_UID: wanted.uid, COMPONENT: component_label(secret.component)}
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return {**live, "metadata": {**kept, "labels": {**mapping_at(metadata, "labels"), **ours}}}
