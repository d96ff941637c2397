"""The values that a bundle works with, and who set each. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.compose.compose import expression_names
from bundler.model.lean import dataclass
from bundler.values.compute import compute_values
from bundler.values.explain import explain
from bundler.values.flatten import whole_data

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.json import Body
    from bundler.model.values import MergedValues
    from bundler.values.explain import ExplainRow


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
    with order.codes as codes:
        return compute_values(order.bundle, order.user, names=expression_names(order), codes=codes)
