"""pytest plugin: the fixture `namespaces`, and the line that says whether those tests ran.

`--require-namespaces` makes it an error that the kernel grants none; `.ci/run` gives it where it grants them.
"""

from __future__ import annotations

import pytest

from tests.lib.netns import HOW_TO_GET, are_granted
from tests.lib.tally import Tally

FIXTURE = "namespaces"
MARKER = "namespaces"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our option."""
    group = parser.getgroup("namespaces")
    group.addoption("--require-namespaces", action="store_true", help="fail where no network namespace can be made")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(Tally(MARKER, "tests in namespaces"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that makes namespaces, before `-m` selects."""
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(MARKER)


@pytest.fixture(scope="session")
def namespaces(pytestconfig: pytest.Config) -> None:
    """Skip, or fail where that was asked for, where no network namespace can be made."""
    if are_granted():
        return
    if pytestconfig.getoption("--require-namespaces"):
        pytest.fail(f"no network namespaces, and --require-namespaces is given: {HOW_TO_GET}", pytrace=False)
    pytest.skip(HOW_TO_GET)
