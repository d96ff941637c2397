"""A picture of what a bundle becomes: a band for each component, a column for each role. Layer: cli."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Final

from bundler.cli.flows.chart import drawing, missing_library, write_picture
from bundler.wire.graph import graph_form, linked_objects, title_of

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.graph import BundleGraph, GraphObject

    _Corner = tuple[float, float]

_ENTRANCES: Final = ("Ingress", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "Gateway")
_IN_FRONT: Final = ("Service", "HorizontalPodAutoscaler", "PodDisruptionBudget")
_DATA: Final = ("ConfigMap", "Secret", "PersistentVolumeClaim", "volume")
_COLUMNS: Final = 4
_BOX: Final = (2.6, 0.36)
_STEP: Final = (3.3, 0.52)
_ARROW: Final = {"arrowstyle": "->", "color": "#777777", "linewidth": 0.8}
_COLORS: Final = ("#f4e3c1", "#cfe3f7", "#d7ecd2", "#eadcf4")


def write_graph(graph: BundleGraph, path: Path) -> None:
    """Write a picture; an SVG also holds the graph as JSON.

    Raises:
        UsageError: when the format is unknown, or the library is missing.
        OutputError: when the file cannot be written.
    """
    write_picture(path, lambda format_: _picture(graph, format_))


def _picture(graph: BundleGraph, format_: str) -> bytes:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
        from matplotlib.patches import FancyBboxPatch, Rectangle  # noqa: PLC0415 - as above
    except ImportError as error:
        raise missing_library("matplotlib") from error
    places, bands = _layout(graph)
    width, height = _STEP[0] * _COLUMNS, max(bottom for _, bottom, _ in bands) + 0.2
    with drawing():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        for top, bottom, title in bands:
            band = Rectangle((0.1, top), width - 0.2, bottom - top - 0.1, facecolor="#fafafa", edgecolor="#bbbbbb")
            axes.add_patch(band)
            axes.text(0.2, top + 0.22, title, fontweight="bold")
        for edge in graph.edges:
            axes.annotate("", *_ends(places[edge.source], places[edge.target]), arrowprops=_ARROW)
        for one in linked_objects(graph):
            x, y = places[one.name]
            box = FancyBboxPatch((x, y), *_BOX, "round,pad=0.02", facecolor=_COLORS[_column(one)], edgecolor="#888888")
            axes.add_patch(box)
            label = f"{one.name} {one.detail}".rstrip()
            axes.text(x + _BOX[0] / 2, y + _BOX[1] / 2, label, ha="center", va="center", fontsize=7)
        written = io.BytesIO()
        metadata = {"Date": None, "Description": json.dumps(graph_form(graph), sort_keys=True)}
        figure.savefig(written, format=format_, metadata=metadata if format_ == "svg" else {})
    return written.getvalue()


def _ends(source: _Corner, target: _Corner) -> tuple[_Corner, _Corner]:
    """Return where an arrow points to and where it starts: from side to side, the way it goes."""
    middle = _BOX[1] / 2
    if target[0] > source[0]:
        return (target[0], target[1] + middle), (source[0] + _BOX[0], source[1] + middle)
    return (target[0] + _BOX[0] * 0.9, target[1] + middle), (source[0] + _BOX[0] * 0.9, source[1] + middle)


def _layout(graph: BundleGraph) -> tuple[dict[str, tuple[float, float]], list[tuple[float, float, str]]]:
    """Return the corner of each object's box, and top, bottom and title of each component's band."""
    places: dict[str, tuple[float, float]] = {}
    bands: list[tuple[float, float, str]] = []
    top = 0.1
    for component in graph.components:
        used = [0] * _COLUMNS
        for one in linked_objects(graph, component.path):
            column = _column(one)
            places[one.name] = (0.3 + column * _STEP[0], top + 0.4 + used[column] * _STEP[1])
            used[column] += 1
        needs = f"   needs {', '.join(component.needs)}" if component.needs else ""
        bottom = top + 0.5 + max(used) * _STEP[1]
        bands.append((top, bottom, title_of(component) + needs))
        top = bottom
    return places, bands


def _column(one: GraphObject) -> int:
    kind = one.name.partition("/")[0]
    columns = (_ENTRANCES, _IN_FRONT, (), _DATA)
    return next((index for index, kinds in enumerate(columns) if kind in kinds), 2)
