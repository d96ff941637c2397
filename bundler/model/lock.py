"""Who holds a release's lock. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One run of bundler."""

    user: str
    host: str
    pid: int
    boot_id: str
    """Names this boot of this machine and, on Linux, the process-id namespace; empty where neither is known."""
    command: str = ""
    """Sensitive values masked."""
    tool_version: str = ""

    @property
    def identity(self) -> str:
        """How people name it: ``ada@ci-7 pid 123``."""
        return f"{self.user}@{self.host} pid {self.pid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockState:
    """What a Lease says."""

    namespace: str
    release: str
    holder: Holder
    doing: str
    """What its holder does: ``upgrade``."""
    since: datetime | None
    last_heartbeat: datetime | None
    duration_s: float
    transitions: int
    token: str
    """Of the claim; empty for a Lease that bundler did not write."""
    resource_version: str
    uid: str
    is_free: bool
    """True where its holder let go of it without being allowed to delete it."""
    is_alive_here: bool | None = None
    """Whether its holder runs on this machine; None where it did not begin here, or was not looked for."""
