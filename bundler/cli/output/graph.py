"""What ``bundler show --graph`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line
from bundler.wire.graph import graph_form, title_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.cli.session.app import App
    from bundler.model.graph import BundleGraph, GraphComponent


def show_graph(app: App, graph: BundleGraph) -> None:
    """Print each component with its objects, and below each object what it has to do with."""
    app.show(graph_form(graph), (line for component in graph.components for line in _lines(graph, component)))


def _lines(graph: BundleGraph, component: GraphComponent) -> Iterator[Line]:
    depth = component.path.count("/") + bool(component.path)
    needs = f", needs {', '.join(component.needs)}" if component.needs else ""
    yield Line(f"{'  ' * depth}{title_of(component)}{needs}", "bold")
    for one in graph.objects:
        if one.component == component.path and not one.name.startswith("volume/"):
            yield Line(f"{'  ' * depth}  {one.name}")
            yield from (
                Line(f"{'  ' * depth}    {edge.kind} {_described(graph, edge.target)}", "dim")
                for edge in graph.edges
                if edge.source == one.name
            )


def _described(graph: BundleGraph, name: str) -> str:
    detail = next((one.detail for one in graph.objects if one.name == name), "")
    return f"{name} {detail}".rstrip()
