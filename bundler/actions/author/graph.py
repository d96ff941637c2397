"""Draw what a bundle becomes. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.compose.compose import compose
from bundler.model.lean import replace
from bundler.ports import UNCONFINED
from bundler.render.graph import bundle_graph

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.graph import BundleGraph


def graph_of(order: RenderRequest) -> BundleGraph:
    """Return components, objects, and how they hang together, for a bundle as it is ordered.

    Raises:
        BundlerError: when values, templates or objects are wrong.
    """

    def work() -> BundleGraph:
        made = compose(replace(order, confinement=UNCONFINED))
        return bundle_graph(order.bundle, made.rendering, made.manifests)

    return order.confinement.run(work, doing=f"rendering {order.bundle.metadata.name}")
