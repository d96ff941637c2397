"""pytest plugin: tests that use `server_plane` or `server_site`, and the line that says whether they ran.

`--require-servers` makes it an error that servers cannot be had; `.ci/run` gives it where they can be installed.
"""

from __future__ import annotations

import pytest

from tests.lib.tally import Tally

FIXTURES = frozenset({"server_plane", "server_site"})
MARKER = "servers"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our option."""
    group = parser.getgroup("servers")
    group.addoption("--require-servers", action="store_true", help="fail where real servers cannot run as pods")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(Tally(MARKER, "tests with real servers"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that runs servers, before `-m` selects."""
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(MARKER)
