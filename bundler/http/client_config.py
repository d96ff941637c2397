"""What a client needs from the program around it. Layer: adapter foundation, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass
from bundler.ports import count_nothing, say_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bundler.http.fence import Fence
    from bundler.http.gate import Gate
    from bundler.ports import Clock, Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """Environment, time and the way to tell what happens."""

    env: Mapping[str, str]
    """For proxies and credential plugins."""
    clock: Clock
    budget: Callable[[], float]
    """Seconds that are left for the command; retries end with it."""
    report: Reporter = say_nothing
    """Takes ``Retrying`` and the words of credential plugins; called from several threads."""
    count: Callable[[str, int], None] = count_nothing
    """Takes each request to an API server, further tries too: its verb as RBAC names it, and the status of the answer
    (0: there was none); called from several threads."""
    is_interactive: bool = False
    """Standard input is a terminal, and a credential plugin may ask on it."""
    gate: Gate | None = None
    """What this client may speak to; None: everything."""
    fence: Fence | None = None
    """What the whole run may reach; None: everything."""
