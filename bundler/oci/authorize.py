"""Answer a registry's challenge: Basic, or a token for a scope. Layer: adapter.

Source: distribution's docs, Token Authentication Specification and OAuth2 Token Authentication.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from bundler.errors.delivery import RegistryError, RegistryLoginError
from bundler.model.json import int_at, text_at
from bundler.oci.challenge import choose_challenge
from bundler.oci.errors import refusal
from bundler.oci.requests import OciRequest, with_query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bundler.oci.challenge import Challenge
    from bundler.oci.credentials import Credentials
    from bundler.oci.requests import Answer
    from bundler.ports import Clock

DEFAULT_LIFE_S = 60
"""Of a token that does not say how long it holds. Source: Token Authentication Specification, expires_in."""
RENEW_BEFORE_S = 15
CLIENT_ID = "bundler"

Scopes = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    until_s: float
    """On the monotonic clock."""


class Authorizer:
    """Keeps what one host asked for, and the tokens that it was answered with. Threads may share it."""

    def __init__(
        self,
        host: str,
        *,
        find: Callable[[str], Credentials | None],
        fetch: Callable[[OciRequest, Mapping[str, str]], Answer],
        clock: Clock,
        learn: Callable[[str], None],
    ) -> None:
        """Know nothing yet.

        Args:
            host: as it is in references.
            find: returns who we are in a repository of that host.
            fetch: sends a request to a token server, wherever that is.
            clock: for the life of tokens.
            learn: receives every secret, so that it is masked wherever it would be printed.
        """
        self._host, self._find, self._fetch, self._clock, self._learn = host, find, fetch, clock, learn
        self._challenge: Challenge | None = None
        self._said: dict[Scopes, str] = {}
        """What challenges called the scope of a request: a proxy before the registry may rewrite names."""
        self._tokens: dict[Scopes, _Token] = {}
        self._lock = threading.Lock()

    def headers(self, scopes: Scopes) -> dict[str, str]:
        """Return what to send along, as far as the host has asked for something.

        Raises:
            RegistryError: when a token cannot be had.
        """
        with self._lock:
            challenge = self._challenge
            if challenge is None:
                return {}
            found = self._credentials(scopes)
            if challenge.scheme == "basic":
                return {"Authorization": found.basic} if found else {}
            token = found.registry_token if found else ""
            return {"Authorization": f"Bearer {token or self._token(challenge, scopes)}"}

    def basic(self, scopes: Scopes) -> str:
        """Return the name and password as a header; empty where we have none."""
        found = self._credentials(scopes)
        return found.basic if found is not None and found.password else ""

    @property
    def is_known(self) -> bool:
        """Return whether the host has said how it wants us to log in: requests from now on do."""
        return self._challenge is not None

    def challenged(self, header: str, scopes: Scopes, *, was_known: bool) -> bool:
        """Take a challenge of the registry itself; return whether asking again with `headers` can help.

        Args:
            header: WWW-Authenticate.
            scopes: of the request.
            was_known: the request went out with a login; threads that begin together all go out without.
        """
        challenge = choose_challenge(header)
        if challenge is None:
            return False
        with self._lock:
            self._challenge = challenge
            self._said[scopes] = challenge.scope
            # Another thread may have taken the token away that this request went with; a new one is worth a try.
            self._tokens.pop(scopes, None)
            found = self._credentials(scopes)
            if challenge.scheme == "basic":
                return not was_known and found is not None
            return not was_known or found is None or not found.registry_token

    def who(self, scopes: Scopes) -> str:
        """Say as whom we ask, for messages."""
        try:
            found = self._credentials(scopes)
        except RegistryError:
            found = None
        if found is None:
            return "without credentials"
        return f"as {found.user or 'the holder of an identity token'} (from {found.source})"

    def _credentials(self, scopes: Scopes) -> Credentials | None:
        repository = scopes[0].split(":")[1] if scopes else ""
        found = self._find(repository)
        if found is not None:
            secrets = (found.password, found.identity_token, found.registry_token, found.basic.removeprefix("Basic "))
            for secret in filter(None, secrets):
                self._learn(secret)
        return found

    def _token(self, challenge: Challenge, scopes: Scopes) -> str:
        # The lock is held while a token is fetched: eight threads need one, not eight.
        kept = self._tokens.get(scopes)
        if kept is not None and self._clock.monotonic() < kept.until_s - RENEW_BEFORE_S:
            return kept.value
        answer = self._ask(challenge, scopes)
        body = answer.json()
        value = text_at(body, "token") or text_at(body, "access_token")
        if not value or not value.isascii() or not value.isprintable():
            raise RegistryLoginError(
                f"logging in to {self._host}",
                context=["the token server's answer holds no token"],
                hint="check the registry's settings of its token server",
            )
        self._learn(value)
        life_s = max(int_at(body, "expires_in"), DEFAULT_LIFE_S)
        self._tokens[scopes] = _Token(value, self._clock.monotonic() + life_s)
        return value

    def _ask(self, challenge: Challenge, scopes: Scopes) -> Answer:
        found = self._credentials(scopes)
        doing = f"asking for a token for {self._host}"
        wanted = joined_scopes(scopes, self._said.get(scopes, _of_host(challenge.scope)))
        headers: dict[str, str] = {}
        if found is not None and found.identity_token:
            form = {
                "grant_type": "refresh_token",
                "service": challenge.service,
                "client_id": CLIENT_ID,
                "scope": " ".join(wanted),
                "refresh_token": found.identity_token,
            }
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            request = OciRequest(
                method="POST", target=challenge.realm, doing=doing, headers=kind, body=urlencode(form).encode()
            )
        else:
            target = with_query(challenge.realm, service=challenge.service) if challenge.service else challenge.realm
            for scope in wanted:
                target = with_query(target, scope=scope)
            request = OciRequest(method="GET", target=target, doing=doing)
            headers = {"Authorization": found.basic} if found else {}
        answer = self._fetch(request, headers)
        if answer.status >= 400:
            by = urlsplit(challenge.realm).netloc
            raise refusal(doing, self._host, answer, who=self.who(scopes), by="" if by == self._host else by)
        return answer


def joined_scopes(own: Scopes, said: str) -> Scopes:
    """Return our scopes and what of a challenge they do not cover."""
    return (*own, *(scope for scope in said.split() if not any(_covers(one, scope) for one in own)))


def _covers(own: str, said: str) -> bool:
    name, _, actions = own.rpartition(":")
    other, _, wanted = said.rpartition(":")
    return name == other and set(wanted.split(",")) <= set(actions.split(","))


def _of_host(scope: str) -> str:
    """Return a scope that is not of one repository: it is wanted for all of them."""
    return "" if scope.startswith("repository:") else scope
