"""How checks are shown: one line each, what to do below those that failed. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line
from bundler.model.check import CheckState
from bundler.model.size import counted, sentence
from bundler.wire.checks import check_forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.cli.session.app import App
    from bundler.model.check import Check

_SIGNS = {
    CheckState.PASSED: ("✔", "green"),
    CheckState.FAILED: ("✖", "red"),
    CheckState.WARNED: ("!", "yellow"),
    CheckState.SKIPPED: ("\u2013", "dim"),
}


def show_checks(app: App, checks: Sequence[Check]) -> int:
    """Print checks; return the exit code: 1 where any failed."""
    bad = sum(check.state is CheckState.FAILED for check in checks)
    if app.output == "text":
        width = max((len(check.name) for check in checks), default=0)
        app.screen.lines(line for check in checks for line in _lines(check, width))
        app.screen.say(f"{counted(len(checks), 'check')}, {bad} failed", "red" if bad else "green")
    else:
        app.screen.document(check_forms(checks), app.output)
    return 1 if bad else 0


def _lines(check: Check, width: int) -> Iterator[Line]:
    sign, style = _SIGNS[check.state]
    yield Line(f"{sign} {check.name.ljust(width)}  {check.found}", style)
    yield from (Line(f"  {' ' * width}  {detail}") for detail in check.details)
    if check.hint and check.state in {CheckState.FAILED, CheckState.WARNED}:
        yield Line(f"  {' ' * width}  hint: {sentence(check.hint)}", "cyan")
