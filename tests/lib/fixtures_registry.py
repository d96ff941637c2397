"""pytest plugin: the fixtures `registry` and `secure_registry`, and the line that says whether those tests ran.

`--require-registry` makes missing programs an error; `.ci/run` gives it where they can be installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.registry import HOW_TO_GET, Options, RealRegistry, has_tools
from tests.lib.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURES = frozenset({"registry", "secure_registry", "registry_tools"})
MARKER = "registry"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our option."""
    group = parser.getgroup("registries")
    group.addoption("--require-registry", action="store_true", help="fail where there is no docker-registry or skopeo")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(Tally(MARKER, "registry tests"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses a real registry, before `-m` selects."""
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(MARKER)


@pytest.fixture(scope="session")
def registry_tools(pytestconfig: pytest.Config) -> None:
    """Skip, or fail where that was asked for, where the programs are missing."""
    if has_tools():
        return
    if pytestconfig.getoption("--require-registry"):
        pytest.fail(f"no registry, and --require-registry is given: {HOW_TO_GET}", pytrace=False)
    pytest.skip(HOW_TO_GET)


@pytest.fixture(scope="session")
def registry(registry_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """Return a registry without TLS and without a login; tests share it and take repositories of their own."""
    with RealRegistry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def secure_registry(registry_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """Return a registry with TLS from a private authority and a login."""
    with RealRegistry(tmp_path_factory.mktemp("secure-registry"), Options(has_tls=True, has_login=True)) as running:
        yield running
