"""Change an object as it is in the cluster, without losing what others write at the same time. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bundler.errors.cluster import ConflictError
from bundler.model.cluster import FIELD_MANAGER, Payload
from bundler.model.json import Body, canonical_json, text_at

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef
    from bundler.ports import ClusterClient

_TRIES: Final = 10
"""Controllers write the status of an object that has just changed several times; more is a writer without end."""


def rewrite(
    ref: ObjectRef,
    edit: Callable[[Body | None], Body | None],
    cluster: ClusterClient,
    *,
    version: str = "",
    manager: str = FIELD_MANAGER,
    subresource: str = "",
) -> Body | None:
    """Read an object, change it and write it, and try again when another client wrote in between; return the result.

    Args:
        ref: the object.
        edit: takes the object, or None if it does not exist; returns the object to write, or None to write nothing.
            Called again when another client wrote in between.
        cluster: where it is.
        version: of the API in which it is read and written; the server's choice when empty.
        manager: of the fields that change.
        subresource: what of it is written; all else when empty.

    Raises:
        ConflictError: when others write all the time.
        ClusterError
    """
    for tries_left in reversed(range(_TRIES)):
        live = cluster.get(ref, version=version)
        wanted = edit(live)
        if wanted is None:
            return live
        content, api_version = canonical_json(wanted), text_at(wanted, "apiVersion")
        payload = Payload(ref=ref, api_version=api_version, content=content, manager=manager, subresource=subresource)
        try:
            return cluster.replace(payload).body
        except ConflictError:
            if not tries_left:
                raise
    raise AssertionError
