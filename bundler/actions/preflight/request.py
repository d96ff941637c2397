"""What a preflight is asked. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.json import Body
    from bundler.ports import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightRequest:
    """What would be installed, and where."""

    order: RenderRequest
    delivery: Trusted | None = None
    registry: Registry | None = None
    """The site's, with our own credentials."""
    registry_of: Callable[[Body], Registry] | None = None
    """Opens the site's registry with the credentials of a pull secret (``.dockerconfigjson``)."""
    may_create_namespace: bool = True
    next_version: str = ""
    """A Kubernetes that the cluster will be upgraded to, whose APIs are checked too; empty: none."""
