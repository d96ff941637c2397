"""An order as hooks may see it: for an install, and for an upgrade. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.bundle import HOOKS_FOLDER, template_place
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest

_SEEN = ("operation", "revision")


def as_hooks_see(order: RenderRequest) -> tuple[RenderRequest, ...]:
    """Return an order, and the same for an upgrade where a hook may look different then."""
    hooks = (
        text
        for bundle in order.bundle.tree()
        for name, text in bundle.templates.items()
        if template_place(name).startswith(HOOKS_FOLDER)
    )
    if any(word in text for text in hooks for word in _SEEN):
        return order, replace(order, operation="upgrade", revision=2)
    return (order,)
