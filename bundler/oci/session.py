"""One registry: requests with who we are, and where it sends us. Layer: adapter."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bundler.errors.delivery import RegistryError
from bundler.http.exchange import BrokenError
from bundler.http.wire import WireError
from bundler.model.lean import replace
from bundler.oci.errors import refusal, refusal_elsewhere
from bundler.oci.hosts import target_of
from bundler.oci.requests import Answer, OciRequest, bounded
from bundler.oci.transport import failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.http.wire import Head
    from bundler.oci.authorize import Authorizer
    from bundler.oci.hosts import Hosts
    from bundler.oci.transport import Transport

MAX_REDIRECTS = 5
MAX_LOGINS = 2
_ANY_MOVE = frozenset({301, 302, 303})
_SAME_METHOD = frozenset({307, 308})


class Session:
    """One registry by the name it has in references. Threads may share it."""

    def __init__(self, host: str, hosts: Hosts, authorizer: Authorizer) -> None:
        self.host, self._hosts, self._authorizer = host, hosts, authorizer
        self._server = hosts.address_of(host)
        self.home = hosts.at(self._server, host)
        self.takes_parts = True
        """False once it was seen not to take blobs in several requests."""
        own = {self._server.host} if self._server.port in {80, 443} else set()
        self._names = {name.lower() for name in (host, self._server.authority, *own)}

    def send(self, request: OciRequest) -> Answer:
        """Return the final answer, whatever its status.

        Raises:
            RegistryError: when the registry could not be reached, or a token cannot be had.
        """
        for _ in range(MAX_LOGINS):
            was_known = self._authorizer.is_known
            answer = self._follow(request)
            if answer.status != 401 or not self._renewed(answer, request.scopes, was_known=was_known):
                return answer
        return self._follow(request)

    def log_in(self) -> bool:
        """Ask the registry, with our name and password even where it asks for none.

        Returns:
            Whether it asked for them; one that did not may take wrong ones, too.

        Raises:
            RegistryError: when it cannot be reached, or refuses them.
        """
        request = OciRequest(method="GET", target="/v2/", doing=f"asking the registry {self.host}")
        self.expect(request, 200)
        login = self._authorizer.basic(request.scopes)
        if self._authorizer.is_known or not login:
            return self._authorizer.is_known
        answer = self._follow(replace(request, headers={"Authorization": login}))
        if answer.status >= 400:
            raise self.refusal(request, answer)
        return False

    def expect(self, request: OciRequest, *statuses: int) -> Answer:
        """Return an answer with one of these statuses.

        Raises:
            RegistryError: what any other answer stands for.
        """
        answer = self.send(request)
        if answer.status in statuses:
            return answer
        raise self.refusal(request, answer)

    def renew(self, answer: Answer, scopes: tuple[str, ...]) -> bool:
        """Take the challenge of a 401; return whether asking again can help."""
        return self._renewed(answer, scopes, was_known=True)

    def refusal(self, request: OciRequest, answer: Answer) -> RegistryError:
        """Return the error that an answer stands for."""
        if not self._is_ours(answer.url):
            return refusal_elsewhere(request.doing, self.host, answer, by=urlsplit(answer.url).netloc)
        return refusal(request.doing, self.host, answer, who=self._authorizer.who(request.scopes))

    @contextmanager
    def stream(self, request: OciRequest) -> Iterator[tuple[Head, Iterator[bytes]]]:
        """Open an answer of success that is read while it comes in.

        Raises:
            BrokenError: when there was none, in passing.
            RegistryError: what the registry refuses.
        """
        with ExitStack() as stack:
            for logins in range(MAX_LOGINS + 1):
                was_known = self._authorizer.is_known
                url, head, pieces = self._opened(request, stack)
                if head.status < 400:
                    yield head, pieces
                    return
                answer = _read(url, head, pieces)
                stack.close()
                failure = failure_of(answer)
                if failure is not None:
                    raise BrokenError(failure)
                can_log_in = answer.status == 401 and logins < MAX_LOGINS
                if not can_log_in or not self._renewed(answer, request.scopes, was_known=was_known):
                    raise self.refusal(request, answer)

    def place(
        self, location: str, scopes: tuple[str, ...], *, named_by: str = ""
    ) -> tuple[Transport, str, dict[str, str]]:
        """Return transport, target and headers for a place that the registry named.

        Who we are is given to the registry itself alone. One behind a proxy may say http where we came by https: what
        has the registry's name is the registry, reached the way we came.

        Args:
            location: a URL, or what stands for one next to where it was named: ``//host/path``, ``/path``, ``path``.
            scopes: what a token must allow.
            named_by: the URL of the answer that names it; empty where the registry itself is asked.

        Raises:
            RegistryError: when the place cannot be used.
        """
        url = self._hosts.joined(named_by or url_of(self.home, "/"), location, self.host)
        if self._is_ours(url):
            return self.home, target_of(url), self._authorizer.headers(scopes)
        transport, target = self._hosts.away(url, self.host)
        return transport, target, {}

    def location_of(self, answer: Answer) -> str:
        """Return the whole URL that an answer names as Location; empty where it names none.

        Raises:
            RegistryError: when that is not a URL.
        """
        return self.joined(answer, answer.headers.get("location", ""))

    def joined(self, answer: Answer, link: str) -> str:
        """Return the whole URL of a link in an answer; empty for none.

        Raises:
            RegistryError: when that is not a URL.
        """
        return self._hosts.joined(answer.url or url_of(self.home, "/"), link, self.host) if link else ""

    def _is_ours(self, url: str) -> bool:
        """Return whether a URL is of the registry itself: only its challenges count, and only it learns who we are."""
        return not url or urlsplit(url).netloc.rpartition("@")[2].lower() in self._names

    def _renewed(self, answer: Answer, scopes: tuple[str, ...], *, was_known: bool) -> bool:
        challenge = answer.headers.get("www-authenticate", "")
        return self._is_ours(answer.url) and self._authorizer.challenged(challenge, scopes, was_known=was_known)

    def _follow(self, request: OciRequest) -> Answer:
        transport, target, headers = self.place(request.target, request.scopes)
        for _ in range(MAX_REDIRECTS):
            carry = transport.exchange if request.is_optional else transport.send
            answer = carry(replace(request, target=target), headers)
            url = url_of(transport, target)
            location = next_place(request.method, answer.status, answer.headers)
            if not location:
                return replace(answer, url=url)
            transport, target, headers = self.place(location, request.scopes, named_by=url)
        raise self._lost(request)

    def _opened(self, request: OciRequest, stack: ExitStack) -> tuple[str, Head, Iterator[bytes]]:
        transport, target, headers = self.place(request.target, request.scopes)
        for _ in range(MAX_REDIRECTS):
            head, pieces = stack.enter_context(transport.stream(replace(request, target=target), headers))
            url = url_of(transport, target)
            location = next_place(request.method, head.status, head.headers)
            if not location:
                return url, head, pieces
            _read(url, head, pieces)
            stack.close()
            transport, target, headers = self.place(location, request.scopes, named_by=url)
        raise self._lost(request)

    def _lost(self, request: OciRequest) -> RegistryError:
        found = [f"{self.host} sends us on more than {MAX_REDIRECTS} times"]
        return RegistryError(request.doing, context=found, hint="check the proxy in front of the registry")


def next_place(method: str, status: int, headers: Mapping[str, str]) -> str:
    """Return where an answer sends us; empty where it is the last one. Source: RFC 9110, section 15.4.

    Args:
        method: of the request.
        status: of the answer.
        headers: of the message.
    """
    is_moved = status in _SAME_METHOD or (status in _ANY_MOVE and method in {"GET", "HEAD"})
    return headers.get("location", "") if is_moved else ""


def url_of(transport: Transport, target: str) -> str:
    """Return the whole URL of a target of a server."""
    return f"{transport.server.scheme}://{transport.server.authority}{target}"


def _read(url: str, head: Head, pieces: Iterator[bytes]) -> Answer:
    try:
        return Answer(status=head.status, headers=head.headers, body=b"".join(bounded(pieces)), url=url)
    except (OSError, WireError) as error:
        raise BrokenError.of(error) from error
