"""The cluster of these tests: a control plane that has the kubelet of real processes (`tests.lib.kubelet`) as its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.controlplane import HOW_TO_GET as HOW_TO_GET_PLANE, ControlPlane, ControlPlaneError, find_binaries
from tests.lib.fixtures_controlplane import to_the_end
from tests.lib.running_site import RunningSite, reason_against, start_plane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="package")
def server_plane(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a control plane whose pods are real processes; each test takes its own namespace.

    It ends with these tests: its programs would compete with the tests that follow.
    """
    binaries, why = None, reason_against()
    if not why:
        try:
            binaries = find_binaries()
        except ControlPlaneError as error:
            pytest.fail(str(error), pytrace=False)
        why = HOW_TO_GET_PLANE
    if binaries is None:
        if pytestconfig.getoption("--require-servers"):
            pytest.fail(f"no servers, and --require-servers is given: {why}", pytrace=False)
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("servers")
    yield from to_the_end(start_plane(folder, binaries), folder)


@pytest.fixture
def server_site(server_plane: ControlPlane, tmp_path: Path) -> Iterator[RunningSite]:
    """Return a fresh namespace in which Pod Security is enforced as restricted."""
    site = RunningSite(server_plane, tmp_path)
    site.create()
    yield site
    site.delete()
