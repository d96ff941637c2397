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

TOKEN_FILE_AGE_S = 60.0
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


class TokenFileCredentials:
    """A token in a file that another program replaces from time to time."""

    def __init__(self, user: UserEntry, *, clock: Clock, budget: Callable[[], float] = lambda: TIMEOUT_S) -> None:
        """Prepare; nothing is read yet.

        Args:
            user: the entry of the kubeconfig.
            clock: tells how old the token is.
            budget: returns the seconds that are left for the command.
        """
        self._user, self._clock, self._budget = user, clock, budget
        self._certificate = configured_certificate(user)
        self._lock = threading.Lock()
        self._token, self._read_at = "", -TOKEN_FILE_AGE_S

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the token, read again after a minute.

        Raises:
            CredentialsError: when the file cannot be read and there is no earlier token.
        """
        with self._lock:
            if not self._token or self._clock.monotonic() - self._read_at >= TOKEN_FILE_AGE_S:
                self._read()
            return (("Authorization", f"Bearer {self._token}"),)

    def certificate(self) -> ClientCertificate | None:
        """Return the kubeconfig's certificate."""
        return self._certificate

    def renew(self) -> bool:
        """Read the file again; return whether it holds another token now."""
        with self._lock:
            before = self._token
            self._read()
            return self._token != before

    def _read(self) -> None:
        file = self._user.token_file or Path()
        try:
            self._token = read_bounded(file, timeout_s=self._budget()).decode("ascii").strip() or self._user.token
        except (OSError, ValueError) as error:
            if not self._token:
                self._token = self._user.token
            if not self._token:
                why = error.strerror if isinstance(error, OSError) else "not a token"
                hint = "check tokenFile of the user in the kubeconfig"
                raise CredentialsError("reading the token", context=[f"{file}: {why}"], hint=hint) from error
        self._read_at = self._clock.monotonic()


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
