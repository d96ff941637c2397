"""The objects that a pod reads, mounts or runs as. Layer: fields, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.model.json import Body, JSONValue, is_list, is_mapping, items_at, text_at

_REFERENCES: Final = {
    "configMap": ("ConfigMap", "name"),
    "configMapRef": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "secret": ("Secret", "name"),
    "secretRef": ("Secret", "name"),
    "secretKeyRef": ("Secret", "name"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
}
"""Keys of a pod that name another object. Source: the API reference of Pod v1."""


def read_by(pod: JSONValue, *, is_needed: bool = False) -> Iterator[tuple[str, str]]:
    """Yield kind and name of the objects that a pod spec reads or mounts.

    Args:
        pod: the spec, or a part of it.
        is_needed: leave out what the pod starts without.
    """
    for key, inner in members_of(pod):
        kind, field = _REFERENCES.get(key, ("", ""))
        if kind and is_mapping(inner) and not (is_needed and inner.get("optional") is True):
            yield kind, text_at(inner, field) or text_at(inner, "secretName")
        yield from read_by(inner, is_needed=is_needed)


def needed_by(pod: Body) -> Iterator[tuple[str, str]]:
    """Yield kind and name of the objects without which the containers of a pod do not start."""
    yield from read_by(pod, is_needed=True)
    yield from (("Secret", text_at(one, "name")) for one in items_at(pod, "imagePullSecrets"))
    if account := text_at(pod, "serviceAccountName") or text_at(pod, "serviceAccount"):
        yield "ServiceAccount", account


def members_of(value: JSONValue) -> Iterator[tuple[str, JSONValue]]:
    """Yield what is in a mapping by its keys, and what is in a list under no key."""
    if is_mapping(value):
        yield from value.items()
    elif is_list(value):
        yield from (("", item) for item in value)
