"""pytest plugin: the fixtures `server_plane` and `server_site`, and the line that says whether those tests ran.

The control plane of these tests has the kubelet of real processes (`tests.lib.kubelet`) as its nodes; all tests of a session
share it. `--require-servers` makes it an error that it cannot be had; `.ci/run` gives it where the servers can be installed.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.lib.controlplane import HOW_TO_GET as HOW_TO_GET_PLANE, ControlPlane, ControlPlaneError, find_binaries
from tests.lib.running_site import RunningSite, reason_against, start_plane
from tests.lib.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIXTURES = frozenset({"server_plane", "server_site"})
MARKER = "servers"


_TALLY = pytest.StashKey[Tally]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our option."""
    group = parser.getgroup("servers")
    group.addoption("--require-servers", action="store_true", help="fail where real servers cannot run as pods")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.stash[_TALLY] = tally = Tally(MARKER, "tests with real servers")
    config.pluginmanager.register(tally)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that runs servers, before `-m` selects."""
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(MARKER)


@pytest.fixture(scope="session")
def server_plane(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a control plane whose pods are real processes; each test takes its own namespace."""
    tally = pytestconfig.stash[_TALLY]
    binaries = None
    tally.why = reason_against()
    if not tally.why:
        try:
            binaries = find_binaries()
        except ControlPlaneError as error:
            pytest.fail(str(error), pytrace=False)
        tally.why = "" if binaries else HOW_TO_GET_PLANE
    if binaries is None:
        if pytestconfig.getoption("--require-servers"):
            pytest.fail(f"no servers, and --require-servers is given: {tally.why}", pytrace=False)
        pytest.skip(tally.why)
    folder = tmp_path_factory.mktemp("servers")
    plane = start_plane(folder, binaries)
    try:
        yield plane
        dead = plane.dead_program()
    finally:
        plane.stop()
        shutil.rmtree(folder / "etcd", ignore_errors=True)
    assert dead is None, f"{dead} ended during the tests; see {folder / str(dead)}.log"


@pytest.fixture
def server_site(server_plane: ControlPlane, tmp_path: Path) -> Iterator[RunningSite]:
    """Return a fresh namespace in which Pod Security is enforced as restricted."""
    site = RunningSite(server_plane, tmp_path)
    site.create()
    yield site
    site.delete()
