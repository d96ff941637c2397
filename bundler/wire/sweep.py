"""What follows from a value that is set to many, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from bundler.model.json import JSONValue
    from bundler.model.sweep import SweepResult


class SweptValueForm(TypedDict):
    """A value that is not the same at every point."""

    path: str
    values: list[JSONValue]
    """One for each point; null where it is not set."""


class RefusedPointForm(TypedDict):
    """A point that the bundle does not accept."""

    point: str
    problem: str


class SweepForm(TypedDict):
    """What follows from each point."""

    path: str
    points: list[str]
    """Those that were accepted, as ``--set`` takes them."""
    values: list[SweptValueForm]
    refused: list[RefusedPointForm]


def sweep_form(result: SweepResult) -> SweepForm:
    """Return what a sweep found."""
    return {
        "path": result.path,
        "points": list(result.points),
        "values": [{"path": row.path, "values": list(row.values)} for row in result.rows],
        "refused": [{"point": one.point, "problem": one.problem} for one in result.refused],
    }
