"""How many tests of a kind ran, and how many were skipped for want of what they need: one line at the end of a session.

Workers of one session report to it: it counts what all of them did.
"""

from __future__ import annotations

import pytest


class Tally:
    """Counts the tests that carry a marker."""

    def __init__(self, marker: str, title: str) -> None:
        """Start at zero.

        Args:
            marker: of the tests that count.
            title: how the line calls them.
        """
        self.run = self.skipped = 0
        self.reasons: dict[str, None] = {}
        """Why tests were skipped, each once."""
        self._marker, self._title = marker, title

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once: by its call, or by the setup that did not get that far."""
        if self._marker not in report.keywords:
            return
        if report.skipped and report.when == "setup":
            self.skipped += 1
            self.reasons[report.longrepr[2].removeprefix("Skipped: ")] = None
        elif report.when == "call" or (report.when == "setup" and report.failed):
            self.run += 1

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say in one line what became of them."""
        if self.skipped:
            reasons = "; ".join(self.reasons)
            terminalreporter.write_line(f"{self._title}: {self.run} run, {self.skipped} skipped: {reasons}")
        elif self.run:
            terminalreporter.write_line(f"{self._title}: {self.run} run")
