"""Credentials that are in the kubeconfig, or in a file that it names. Layer: adapter."""

from __future__ import annotations

import base64
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bundler.cluster.files import TIMEOUT_S, read_bounded
from bundler.cluster.tls import ClientCertificate
from bundler.errors.cluster import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.cluster.kubeconfig import UserEntry
    from bundler.ports import Clock

LOGIN_AGE_S = 60.0
"""Projected ServiceAccount tokens are replaced on disk long before they expire."""


class Credentials(Protocol):
    """What proves who we are. Safe to call from several threads."""

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers for the next request.

        Raises:
            CredentialsError: when they cannot be had.
        """
        ...

    def certificate(self) -> ClientCertificate | None:
        """Return the certificate to present to the server, if there is one.

        Raises:
            CredentialsError: when it cannot be had.
        """
        ...

    def renew(self) -> bool:
        """Forget what the server refused with 401; return whether trying again may help."""
        ...


class FixedCredentials:
    """A token, a password or a client certificate that is in the kubeconfig; or nothing."""

    def __init__(self, user: UserEntry) -> None:
        self._headers = _login(user)
        self._certificate = configured_certificate(user)

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the same headers each time."""
        return self._headers

    def certificate(self) -> ClientCertificate | None:
        """Return the same certificate each time."""
        return self._certificate

    def renew(self) -> bool:
        """There is nothing to renew."""
        return False


class RenewedCredentials:
    """A login that is asked for again after a minute: there may be another one by then."""

    def __init__(self, user: UserEntry, *, clock: Clock) -> None:
        self._user, self._clock = user, clock
        self._certificate = configured_certificate(user)
        self._lock = threading.Lock()
        self._authorization, self._asked_s = "", 0.0

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the login, asked for again after a minute.

        Raises:
            CredentialsError: when it cannot be had.
        """
        with self._lock:
            if not self._authorization or self._clock.monotonic() - self._asked_s >= LOGIN_AGE_S:
                self._renew()
            return (("Authorization", self._authorization),)

    def certificate(self) -> ClientCertificate | None:
        """Return the kubeconfig's certificate."""
        return self._certificate

    def renew(self) -> bool:
        """Ask again; return whether there is another login now."""
        with self._lock:
            before = self._authorization
            self._renew()
            return self._authorization != before

    def _renew(self) -> None:
        self._authorization, self._asked_s = self._asked(), self._clock.monotonic()

    def _asked(self) -> str:
        """Return the Authorization header as it is now."""
        raise NotImplementedError


class TokenFileCredentials(RenewedCredentials):
    """A token in a file that another program replaces from time to time."""

    def __init__(self, user: UserEntry, *, clock: Clock, budget: Callable[[], float] = lambda: TIMEOUT_S) -> None:
        """Prepare; nothing is read yet.

        Args:
            user: the entry of the kubeconfig.
            clock: tells how old the token is.
            budget: returns the seconds that are left for the command.
        """
        super().__init__(user, clock=clock)
        self._budget = budget

    def _asked(self) -> str:
        """Return the token in the file; where that cannot be read, the one before it, or the kubeconfig's."""
        file, token = self._user.token_file or Path(), self._user.token
        try:
            token = read_bounded(file, timeout_s=self._budget()).decode("ascii").strip() or token
        except (OSError, ValueError) as error:
            if self._authorization:
                return self._authorization
            if not token:
                why = error.strerror if isinstance(error, OSError) else "not a token"
                hint = "check tokenFile of the user in the kubeconfig"
                raise CredentialsError("reading the token", context=[f"{file}: {why}"], hint=hint) from error
        return f"Bearer {token}"


def configured_certificate(user: UserEntry) -> ClientCertificate | None:
    """Return the client certificate that is in the kubeconfig.

    Raises:
        CredentialsError: when it comes without its key, or the key without it.
    """
    if not user.certificate and not user.key:
        return None
    if not user.certificate or not user.key:
        missing = "client-key" if user.certificate else "client-certificate"
        raise CredentialsError(
            "reading the client certificate",
            context=[f"user {user.name!r} has no {missing}"],
            hint="give client-certificate and client-key together",
        )
    return ClientCertificate(user.certificate, user.key)


def _login(user: UserEntry) -> tuple[tuple[str, str], ...]:
    if user.token:
        return (("Authorization", f"Bearer {user.token}"),)
    if user.username:
        login = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        return (("Authorization", f"Basic {login}"),)
    return ()
