"""Charts of how values follow from one of them, on the terminal or as a picture. Layer: cli.

Drawing is left to two libraries, which come with ``pip install 'bundler[plot]'``: few machines that install bundles
need them.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Final

from bundler.errors import UsageError
from bundler.fields.quantity import amount_of
from bundler.files.whole_file import write_output
from bundler.wire.sweep import sweep_form

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bundler.model.json import JSONValue
    from bundler.model.sweep import SweepResult

FORMATS: Final = (".svg", ".png")
_HINT: Final = "sweep over a number from which numbers follow; `bundler values --explain` shows the formulas"
_MIB: Final = 1024 * 1024
_MAX_TICKS: Final = 4
_WIDTH_CHARS: Final = 60
_HEIGHT_LINES: Final = 8
_COLUMNS: Final = 3
_PANEL_INCHES: Final = (3.6, 2.4)


def terminal_chart(result: SweepResult) -> str:
    """Return a chart for each value that is a number or a quantity.

    Raises:
        UsageError: when no value is a number, or the library is missing.
    """
    try:
        import plotille  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing_library("plotille") from error
    at = _positions(result)
    charts = []
    for path, heights in _series(result):
        figure = plotille.Figure()
        figure.width, figure.height, figure.with_colors = _WIDTH_CHARS, _HEIGHT_LINES, False
        figure.register_label_formatter(float, _tick)
        figure.x_label, figure.y_label = result.path, path
        figure.set_x_limits(min_=min(at), max_=max(at))
        figure.set_y_limits(min_=min(0.0, *heights), max_=max(heights) or 1.0)
        figure.plot(at, heights)
        charts.append(f"{figure.show()}\n")
    return "\n".join(charts)


def write_chart(result: SweepResult, path: Path) -> None:
    """Write a picture with a panel for each value that is a number or a quantity; an SVG also holds the numbers.

    Raises:
        UsageError: when no value is a number, the format is unknown, or the library is missing.
        OutputError: when the file cannot be written.
    """
    write_picture(path, lambda format_: _picture(result, format_))


def write_picture(path: Path, draw: Callable[[str], bytes]) -> None:
    """Write what ``draw`` makes of the format that the file's name asks for: ``svg`` or ``png``.

    Raises:
        UsageError: when the format is unknown, or the library is missing.
        OutputError: when the file cannot be written.
    """
    if path.suffix not in FORMATS:
        found = f"{path.name} ends in none of {', '.join(FORMATS)}"
        raise UsageError(f"drawing {path}", context=[found], hint="name a file such as sizes.svg")
    write_output(path, draw(path.suffix[1:]))


def drawing() -> AbstractContextManager[None]:
    """Set up the library so that the same content is the same file: ids that follow from it, no offsets."""
    from matplotlib import rc_context  # noqa: PLC0415 - an extra

    return rc_context({"svg.hashsalt": "bundler", "font.size": 8, "axes.formatter.useoffset": False})


def _picture(result: SweepResult, format_: str) -> bytes:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above
    except ImportError as error:
        raise missing_library("matplotlib") from error
    at, series = _positions(result), _series(result)
    rows = -(-len(series) // _COLUMNS)
    with drawing():
        figure = Figure(figsize=(_PANEL_INCHES[0] * _COLUMNS, _PANEL_INCHES[1] * rows), layout="constrained")
        panels = figure.subplots(rows, _COLUMNS, squeeze=False)
        for panel in panels.flat[len(series) :]:
            panel.set_axis_off()
        for panel, (path, heights) in zip(panels.flat, series, strict=False):
            panel.plot(at, heights, linewidth=1.8)
            panel.set_title(path)
            panel.xaxis.set_major_locator(MaxNLocator(_MAX_TICKS))
            panel.set_xlabel(result.path)
            panel.set_ylim(bottom=min(0.0, *heights))
            panel.grid(visible=True, alpha=0.3)
        written = io.BytesIO()
        numbers = json.dumps(sweep_form(result), sort_keys=True, default=str)
        metadata = {"Date": None, "Description": numbers} if format_ == "svg" else {}
        figure.savefig(written, format=format_, metadata=metadata)
    return written.getvalue()


def _positions(result: SweepResult) -> list[float]:
    try:
        return _numbers(result.points)
    except ValueError as error:
        found = f"{', '.join(result.points)} are not all numbers"
        raise UsageError(f"drawing what follows from {result.path}", context=[found], hint=_HINT) from error


def _series(result: SweepResult) -> list[tuple[str, list[float]]]:
    """Return what can be drawn, named: values that are a number or a quantity at every point; memory in MiB."""
    found: list[tuple[str, list[float]]] = []
    for row in result.rows:
        try:
            heights = _numbers(row.values)
        except ValueError:
            continue
        is_memory = all(str(value).endswith("i") for value in row.values)
        found.append((f"{row.path} (MiB)", [one / _MIB for one in heights]) if is_memory else (row.path, heights))
    if not found:
        raise UsageError(f"drawing what follows from {result.path}", context=["no number changes"], hint=_HINT)
    return found


def _numbers(values: Sequence[JSONValue]) -> list[float]:
    """Return numbers and quantities as numbers.

    Raises:
        ValueError: when one is neither.
    """
    if any(isinstance(value, bool) or not isinstance(value, int | float | str) for value in values):
        raise ValueError("not a number")
    return [float(amount_of(value)) for value in values]


def _tick(value: float, chars: int, delta: float, *, left: bool = False) -> str:
    """Return the label of a tick, as the library asks for it."""
    del delta
    text = f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    return text.ljust(chars) if left else text.rjust(chars)


def missing_library(library: str) -> UsageError:
    """Return the error of one who has not installed what draws."""
    return UsageError(
        "drawing a chart",
        context=[f"the library {library} is not installed"],
        hint="install it with: pip install 'bundler[plot]'",
    )
