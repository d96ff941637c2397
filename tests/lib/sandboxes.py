"""Sandboxes for tests: in memory, with a clock that never waits, and images that fail as they do on the real API."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from bundler.sandbox.client import SandboxClient
from bundler.sandbox.settings import SandboxSettings
from tests.lib.clocks import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.ports import Clock

IMAGE_FAULTS = {
    "broken": "ImagePullBackOff",
    "crash": "CrashLoopBackOff",
    "exit1": "CrashLoopBackOff",
    "failjob": "CrashLoopBackOff",
    "unready": "NotReady",
    "slow": "SlowStart",
}
"""The words that `tests/lib/pod_states.py` knows for the pods of the control plane."""


def open_sandbox(clock: Clock | None = None, *, path: Path | None = None, **settings: float) -> SandboxClient:
    """Open a sandbox; without a clock its time passes only when something sleeps. It closes when the test drops it."""
    made = SandboxSettings(image_faults=IMAGE_FAULTS, **settings)  # type: ignore[arg-type]
    return closed_when_dropped(SandboxClient.open(path, clock or FakeClock(), settings=made))


def closed_when_dropped(client: SandboxClient) -> SandboxClient:
    """Return a client whose connection is closed when nothing refers to the client any more."""
    weakref.finalize(client, client._store.close)
    return client
