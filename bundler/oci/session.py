"""One registry: requests with who we are, and where it sends us. Layer: adapter."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bundler.errors.delivery import RegistryError
from bundler.http.exchange import BrokenError
from bundler.http.wire import WireError
from bundler.model.lean import replace
from bundler.oci.errors import refusal
from bundler.oci.hosts import target_of
from bundler.oci.requests import Answer
from bundler.oci.transport import failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.http.wire import Head
    from bundler.oci.authorize import Authorizer
    from bundler.oci.hosts import Hosts
    from bundler.oci.requests import Ask
    from bundler.oci.transport import Transport

MAX_REDIRECTS = 5
MAX_LOGINS = 2
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Session:
    """One registry by the name it has in references. Threads may share it."""

    def __init__(self, host: str, hosts: Hosts, authorizer: Authorizer) -> None:
        self.host, self._hosts, self._authorizer = host, hosts, authorizer
        self._server = hosts.address_of(host)
        self.home = hosts.at(self._server, host)
        own = {self._server.host} if self._server.port in {80, 443} else set()
        self._names = {name.lower() for name in (host, self._server.authority, *own)}

    def send(self, ask: Ask) -> Answer:
        """Return the final answer, whatever its status.

        Raises:
            RegistryError: when the registry could not be reached, or a token cannot be had.
        """
        logins = 0
        while True:
            was_known = self._authorizer.is_known
            answer = self._follow(ask)
            if answer.status != 401 or logins == MAX_LOGINS:
                return answer
            logins += 1
            challenge = answer.headers.get("www-authenticate", "")
            if not self._authorizer.challenged(challenge, ask.scopes, was_known=was_known):
                return answer

    def expect(self, ask: Ask, *statuses: int) -> Answer:
        """Return an answer with one of these statuses.

        Raises:
            RegistryError: what any other answer stands for.
        """
        answer = self.send(ask)
        if answer.status in statuses:
            return answer
        raise self.refusal(ask, answer)

    def renew(self, answer: Answer, scopes: tuple[str, ...]) -> bool:
        """Take the challenge of a 401; tell whether asking again can help."""
        return self._authorizer.challenged(answer.headers.get("www-authenticate", ""), scopes, was_known=True)

    def refusal(self, ask: Ask, answer: Answer) -> RegistryError:
        """Return the error that an answer stands for."""
        return refusal(ask.doing, self.host, answer, who=self._authorizer.who(ask.scopes))

    @contextmanager
    def stream(self, ask: Ask) -> Iterator[tuple[Head, Iterator[bytes]]]:
        """Open an answer of success that is read while it comes in.

        Raises:
            BrokenError: when there was none, in passing.
            RegistryError: what the registry refuses.
        """
        with ExitStack() as stack:
            logins = 0
            while True:
                was_known = self._authorizer.is_known
                head, pieces = self._opened(ask, stack)
                if head.status < 400:
                    yield head, pieces
                    return
                answer = _read(head, pieces)
                stack.close()
                failure = failure_of(answer)
                if failure is not None:
                    raise BrokenError(failure)
                challenge = head.headers.get("www-authenticate", "")
                if head.status != 401 or logins == MAX_LOGINS:
                    raise self.refusal(ask, answer)
                if not self._authorizer.challenged(challenge, ask.scopes, was_known=was_known):
                    raise self.refusal(ask, answer)
                logins += 1

    def place(
        self, location: str, scopes: tuple[str, ...], *, named_by: str = ""
    ) -> tuple[Transport, str, dict[str, str]]:
        """Return transport, target and headers for a place that the registry named.

        Who we are is told to the registry itself alone. One behind a proxy may say http where we came by https: what
        has the registry's name is the registry, reached the way we came.

        Args:
            location: a URL, or what stands for one next to where it was named: ``//host/path``, ``/path``, ``path``.
            scopes: what a token must allow.
            named_by: the URL of the answer that names it; empty where the registry itself is asked.

        Raises:
            RegistryError: when the place cannot be used.
        """
        url = self._hosts.joined(named_by or url_of(self.home, "/"), location, self.host)
        host = urlsplit(url).netloc.rpartition("@")[2].lower()
        if host in self._names:
            return self.home, target_of(url), self._authorizer.headers(scopes)
        transport, target = self._hosts.away(url, self.host)
        return transport, target, {}

    def _follow(self, ask: Ask) -> Answer:
        transport, target, headers = self.place(ask.target, ask.scopes)
        for _ in range(MAX_REDIRECTS):
            answer = transport.send(replace(ask, target=target), headers)
            location = answer.headers.get("location", "")
            if ask.method not in {"GET", "HEAD"} or answer.status not in _REDIRECTS or not location:
                return answer
            transport, target, headers = self.place(location, ask.scopes, named_by=url_of(transport, target))
        raise self._lost(ask)

    def _opened(self, ask: Ask, stack: ExitStack) -> tuple[Head, Iterator[bytes]]:
        transport, target, headers = self.place(ask.target, ask.scopes)
        for _ in range(MAX_REDIRECTS):
            head, pieces = stack.enter_context(transport.stream(replace(ask, target=target), headers))
            location = head.headers.get("location", "")
            if head.status not in _REDIRECTS or not location:
                return head, pieces
            _read(head, pieces)
            stack.close()
            transport, target, headers = self.place(location, ask.scopes, named_by=url_of(transport, target))
        raise self._lost(ask)

    def _lost(self, ask: Ask) -> RegistryError:
        found = [f"{self.host} sends us on more than {MAX_REDIRECTS} times"]
        return RegistryError(ask.doing, context=found, hint="check what stands before the registry")


def url_of(transport: Transport, target: str) -> str:
    """Return the whole URL of a target of a server."""
    return f"{transport.server.scheme}://{transport.server.authority}{target}"


def _read(head: Head, pieces: Iterator[bytes]) -> Answer:
    try:
        return Answer(status=head.status, headers=head.headers, body=b"".join(pieces))
    except (OSError, WireError) as error:
        raise BrokenError.of(error) from error
