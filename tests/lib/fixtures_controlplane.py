"""pytest plugin: the fixtures `control_plane` and `namespace`, and the line that says whether those tests ran.

Options: `--require-controlplane` makes a missing control plane an error (`.ci/run` gives it where Go is installed);
`--controlplane DIR` uses one that `python -m tests.lib.controlplane up DIR` started, which saves its start.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lib.controlplane import HOW_TO_GET, ControlPlane, ControlPlaneError, find_binaries
from tests.lib.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE = "control_plane"
MARKER = "controlplane"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    group = parser.getgroup("control plane")
    group.addoption("--require-controlplane", action="store_true", help="fail where there is no control plane")
    group.addoption("--controlplane", metavar="DIR", help="use the control plane that was started in DIR")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(Tally(MARKER, "control plane tests"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the control plane, before `-m` selects."""
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(MARKER)


@pytest.fixture(scope="session")
def control_plane(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a control plane that all tests of a worker share; each takes its own namespace."""
    running = pytestconfig.getoption("--controlplane")
    if running:
        plane = ControlPlane.attach(Path(running))
        yield plane
        plane.stop()
        return
    folder = tmp_path_factory.mktemp("controlplane")
    yield from to_the_end(_start(folder, pytestconfig), folder)


def to_the_end(plane: ControlPlane, folder: Path) -> Iterator[ControlPlane]:
    """Lend a control plane to tests, stop it after them, and insist that no program of it ended before."""
    try:
        yield plane
        dead = plane.dead_program()
    finally:
        plane.stop()
        # pytest keeps the folders of several runs; the logs are worth that, 100 MB of database are not.
        shutil.rmtree(folder / "etcd", ignore_errors=True)
    assert dead is None, f"{dead} ended during the tests; see {folder / str(dead)}.log"


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """Make a fresh namespace, and ask for its deletion afterwards without waiting for that."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    control_plane.api("POST", "/api/v1/namespaces", body)
    yield name
    control_plane.api("DELETE", f"/api/v1/namespaces/{name}")


def _start(folder: Path, config: pytest.Config) -> ControlPlane:
    try:
        binaries = find_binaries()
    except ControlPlaneError as error:
        pytest.fail(str(error), pytrace=False)
    if binaries is not None:
        return ControlPlane.start(folder, binaries)
    if config.getoption("--require-controlplane"):
        pytest.fail(f"no control plane, and --require-controlplane is given: {HOW_TO_GET}", pytrace=False)
    pytest.skip(HOW_TO_GET)
