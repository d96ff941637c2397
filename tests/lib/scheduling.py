"""pytest plugin: which tests stay with one worker where `--dist loadfile` shares them out.

The tests of a file do, for what they make once. So do all that run servers: one cluster of real processes is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

SERVERS = "tests/running/"


class _Files(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return SERVERS if nodeid.startswith(SERVERS) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Keep files together, and servers."""
    return _Files(config, log) if config.getvalue("dist") == "loadfile" else None
