"""Fixtures of the tests on the real API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.sweep import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lib.controlplane import ControlPlane


@pytest.fixture
def sites(control_plane: ControlPlane) -> Iterator[Callable[[], Site]]:
    """Return a maker of places for one release each; their namespaces are deleted at the end."""
    made: list[Site] = []

    def make() -> Site:
        made.append(Site(control_plane))
        return made[-1]

    yield make
    for site in made:
        site.delete()
