"""What a bundle becomes, as a graph: JSON, and Mermaid, which GitHub and GitLab draw. Layer: wire, pure.

Source of the notation: mermaid.js.org/syntax/flowchart.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from bundler.model.graph import EdgeKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.graph import BundleGraph, GraphComponent, GraphObject


class GraphObjectForm(TypedDict):
    """One object, or a volume that a StatefulSet asks for."""

    name: str
    """``Deployment/shop-web``; ``volume/shop-db-data`` for a claim template."""
    component: str
    """Its path; empty for the bundle's own."""
    detail: str
    """Of a volume: its size."""


class GraphEdgeForm(TypedDict):
    """One object has to do with another one."""

    source: str
    target: str
    kind: str


class GraphComponentForm(TypedDict):
    """A bundle inside the bundle; the first one is the bundle itself."""

    path: str
    name: str
    version: str
    needs: list[str]


class GraphForm(TypedDict):
    """Components, objects, and how they hang together."""

    components: list[GraphComponentForm]
    objects: list[GraphObjectForm]
    edges: list[GraphEdgeForm]


def graph_form(graph: BundleGraph) -> GraphForm:
    """Return a graph."""
    return {
        "components": [
            {"path": one.path, "name": one.name, "version": one.version, "needs": list(one.needs)}
            for one in graph.components
        ],
        "objects": [{"name": one.name, "component": one.component, "detail": one.detail} for one in graph.objects],
        "edges": [{"source": one.source, "target": one.target, "kind": one.kind.value} for one in graph.edges],
    }


def mermaid(graph: BundleGraph) -> str:
    """Return a flowchart: a frame for each component, the objects that have to do with another one, arrows."""
    ids = {one.name: f"o{number}" for number, one in enumerate(linked_objects(graph))}
    frames = {one.path: f"c{number}" for number, one in enumerate(graph.components)}
    lines = ["flowchart LR"]
    for component in graph.components:
        lines += _frame(component, frames[component.path], linked_objects(graph, component.path), ids)
    lines += [f"  {ids[edge.source]} -->|{edge.kind}| {ids[edge.target]}" for edge in graph.edges]
    lines += [
        f"  {frames[one.path]} -.->|{EdgeKind.NEEDS}| {frames[need]}"
        for one in graph.components
        for need in one.needs
        if need in frames
    ]
    return "\n".join([*lines, ""])


def linked_objects(graph: BundleGraph, component: str | None = None) -> list[GraphObject]:
    """Return the objects that have to do with another one; accounts, policies and the like stay out of pictures.

    Args:
        graph: of the bundle.
        component: the path of the component that is meant; None: all.
    """
    linked = {name for edge in graph.edges for name in (edge.source, edge.target)}
    return [one for one in graph.objects if one.name in linked and component in {None, one.component}]


def title_of(component: GraphComponent) -> str:
    """Return how a component is called in a picture: ``db: postgres 16.2.1``."""
    own = f"{component.name} {component.version}"
    return f"{component.path}: {own}" if component.path else own


def _frame(component: GraphComponent, frame: str, objects: list[GraphObject], ids: dict[str, str]) -> Iterator[str]:
    yield f'  subgraph {frame}["{_quoted(title_of(component))}"]'
    for one in objects:
        detail = f" {one.detail}" if one.detail else ""
        yield f'    {ids[one.name]}["{_quoted(one.name + detail)}"]'
    yield "  end"


def _quoted(text: str) -> str:
    return text.replace('"', "#quot;")
