"""The values that a bundle works with, who set each, and what they become as one of them changes. Layer: actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.compose.compose import values_of
from bundler.errors import BundlerError
from bundler.errors.bundle import ValuesError
from bundler.model.lean import dataclass, replace
from bundler.model.sweep import RefusedPoint, Sweep, SweepResult, SweptValue
from bundler.model.values import Assignment, AssignmentKind, MergedValues
from bundler.values.explain import ExplainRow, explain
from bundler.values.flatten import flatten, whole_data
from bundler.values.paths import pointer_as_path

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.json import Body, JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedValues:
    """All values of a bundle and its components."""

    data: Body
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedValues:
    """Who set each value."""

    rows: tuple[ExplainRow, ...]
    warnings: tuple[str, ...]


def computed_values(order: RenderRequest, *, is_masked: bool = True) -> ComputedValues:
    """Return the values that a bundle and its components work with.

    Args:
        order: bundle, names and values.
        is_masked: hide sensitive values.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    values = _values(order)
    return ComputedValues(data=whole_data(values, is_masked=is_masked), warnings=values.warnings)


def explained_values(order: RenderRequest, path: str = "") -> ExplainedValues:
    """Return who set each value below a path; sensitive ones are masked.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    values = _values(order)
    return ExplainedValues(rows=explain(values, path), warnings=values.warnings)


def _values(order: RenderRequest) -> MergedValues:
    with order.codes:
        return values_of(order)


def sweep_values(order: RenderRequest, sweep: Sweep) -> SweepResult:
    """Compute the values at each point; what is the same at all of them is left out.

    Args:
        order: bundle, names and values.
        sweep: what is set, after all other values.

    Raises:
        ValuesError: when no point is accepted.
    """
    accepted: list[tuple[str, Mapping[str, JSONValue]]] = []
    refused: list[RefusedPoint] = []
    for point in sweep.points:
        try:
            accepted.append((point, _leaves(_at(order, sweep.path, point))))
        except BundlerError as error:
            refused.append(RefusedPoint(point=point, problem="; ".join(error.context) or str(error)))
    if not accepted:
        problems = [f"{sweep.path}={one.point}: {one.problem}" for one in refused]
        raise ValuesError(f"sweeping over {sweep.path}", context=problems, hint="choose points that the bundle accepts")
    return SweepResult(
        path=sweep.path,
        points=tuple(point for point, _ in accepted),
        rows=_changing([leaves for _, leaves in accepted], sweep.path),
        refused=tuple(refused),
    )


def _at(order: RenderRequest, path: str, point: str) -> RenderRequest:
    assignment = Assignment(kind=AssignmentKind.SET, path=path, text=point, typed=point)
    return replace(order, user=replace(order.user, assignments=(*order.user.assignments, assignment)))


def _leaves(order: RenderRequest) -> dict[str, JSONValue]:
    return {pointer_as_path(pointer): leaf.masked for pointer, leaf in flatten(_values(order)).items()}


def _changing(points: Sequence[Mapping[str, JSONValue]], path: str) -> list[SweptValue]:
    paths = sorted({one for leaves in points for one in leaves} - {path})
    rows = [SweptValue(path=one, values=tuple(leaves.get(one) for leaves in points)) for one in paths]
    return [row for row in rows if any(value != row.values[0] for value in row.values)]
