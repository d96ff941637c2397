"""Edits of whole objects, as a person makes them: where a controller wrote in between, read again and repeat."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bundler.errors.cluster import ConflictError
from bundler.model.cluster import Payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.model.cluster import Answer
    from bundler.model.refs import ObjectRef
    from bundler.ports import ClusterClient

PATIENCE_S = 30.0


def edit_until_accepted(
    cluster: ClusterClient,
    ref: ObjectRef,
    change: Callable[[Any], Any],
    *,
    manager: str = "kubectl",
    subresource: str = "",
) -> Answer:
    """Replace an object by what ``change`` makes of it; return what the server answers in the end."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        payload = Payload.of(change(cluster.get(ref)), subresource=subresource, manager=manager)
        try:
            return cluster.replace(payload)
        except ConflictError:
            if time.monotonic() > end_s:
                raise
