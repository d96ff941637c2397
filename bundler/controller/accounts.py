"""Sessions, one for each ServiceAccount that orders name. Layer: controller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler import Session

    OpenAs = Callable[["Account"], Session]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """As whom something is done, and how long that may take."""

    namespace: str
    name: str
    """Of the ServiceAccount; empty: as the controller itself."""
    timeout_s: float = 60.0

    @property
    def user(self) -> str:
        """Return the name of the user that the API server takes it for; empty: the controller's own."""
        return f"system:serviceaccount:{self.namespace}:{self.name}" if self.name else ""


class Accounts:
    """Opens sessions when they are first needed, and keeps them; several threads may ask."""

    def __init__(self, open_as: OpenAs) -> None:
        """Take what opens a session.

        Args:
            open_as: opens one that acts as an account.
        """
        self._open_as = open_as
        self._opening = threading.Lock()
        self._opened: dict[Account, Session] = {}

    def session(self, account: Account) -> Session:
        """Return the session of an account.

        Raises:
            BundlerError: when it cannot be opened.
        """
        with self._opening:
            if account not in self._opened:
                self._opened[account] = self._open_as(account)
            return self._opened[account]

    def close(self) -> None:
        """Close all sessions."""
        with self._opening:
            for session in self._opened.values():
                session.close()
            self._opened.clear()
