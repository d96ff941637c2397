"""One request to a registry, and its answer. Layer: adapter, pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from bundler.http.wire import WireError
from bundler.model.json import items_at, text_at, value_at
from bundler.model.oci import DOCKER_LIST, DOCKER_MANIFEST, INDEX_TYPES, MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.model.json import JSONValue
    from bundler.model.oci import Repository

ACCEPT_MANIFESTS = f"{OCI_INDEX}, {OCI_MANIFEST}, {DOCKER_LIST}, {DOCKER_MANIFEST}"
KNOWN_TYPES = INDEX_TYPES | MANIFEST_TYPES
MAX_MESSAGE_CHARS = 300
MAX_ANSWER_BYTES = 16 * 1024 * 1024
PULL = "pull"
PUSH = "pull,push"


@dataclass(frozen=True, slots=True, kw_only=True)
class OciRequest:
    """What is sent, and what to call it in messages."""

    method: str
    target: str
    """Path and query, or a whole URL that a registry sent us to."""
    doing: str
    """``reading manifest registry.site/shop/web:1.4``."""
    scopes: tuple[str, ...] = ()
    """What a token must allow: ``repository:shop/web:pull``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_fresh: bool = False
    """On a connection of its own."""
    is_optional: bool = False
    """There is another way: it is sent once, and what breaks is BrokenError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""
    """Where it came from, after all redirects; empty: from where it was asked."""

    @property
    def media_type(self) -> str:
        """What the body says it is, else Content-Type, else what its parts make it; empty where nothing tells."""
        body = self.json()
        said, kind = text_at(body, "mediaType"), self.headers.get("content-type", "").partition(";")[0].strip()
        if said or kind in KNOWN_TYPES:
            return said or kind
        if isinstance(value_at(body, "manifests"), list):
            return OCI_INDEX
        return OCI_MANIFEST if isinstance(value_at(body, "layers"), list) else kind

    @property
    def digest(self) -> str:
        """What the registry says it stores."""
        return self.headers.get("docker-content-digest", "")

    def json(self) -> JSONValue:
        """Decode the body; None where it is not JSON."""
        try:
            decoded: JSONValue = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return decoded

    @property
    def codes(self) -> tuple[str, ...]:
        """The registry's own error codes. Source: distribution-spec, Error Codes."""
        return tuple(text_at(item, "code") for item in items_at(self.json(), "errors"))

    @property
    def is_full(self) -> bool:
        """Whether the registry has no space left: waiting makes none. Source: docker-registry's 500, ENOSPC is 28."""
        words = self.body.lower()
        return self.status == 507 or (self.status == 500 and (b"no space left" in words or b'"err":28' in words))

    @property
    def says(self) -> str:
        """The registry's words, on one line; empty where it says nothing that can be read."""
        if self.headers.get("content-type", "").startswith("text/plain"):
            return " ".join(self.body[:MAX_MESSAGE_CHARS].decode(errors="replace").split())
        parts = []
        for item in items_at(self.json(), "errors"):
            words = [text_at(item, "code"), text_at(item, "message"), text_at(item, "detail")]
            parts.append(": ".join(word for word in words if word))
        return " ".join("; ".join(part for part in parts if part).split())[:MAX_MESSAGE_CHARS]


def scope_of(repository: Repository, actions: str) -> str:
    """Return the scope of a repository. Source: distribution's docs, Token Scope Documentation."""
    return f"repository:{repository.name}:{actions}"


def manifest_path(repository: Repository, reference: str) -> str:
    """Return the path of a manifest by tag or digest."""
    return f"/v2/{repository.name}/manifests/{quote(reference, safe=':')}"


def blob_path(repository: Repository, digest: str) -> str:
    """Return the path of a blob."""
    return f"/v2/{repository.name}/blobs/{quote(digest, safe=':')}"


def uploads_path(repository: Repository, **query: str) -> str:
    """Return the path that starts an upload."""
    return f"/v2/{repository.name}/blobs/uploads/{f'?{urlencode(query)}' if query else ''}"


def with_query(url: str, **query: str) -> str:
    """Add to the query of a URL, which may have one already."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query, safe=':')}"


_LINK = re.compile(r"""\s*<([^>]*)>((?:\s*;\s*[^\s;,="]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)\s*(?:[,\n]|$)""")
_RELATION = re.compile(r""";\s*rel\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))""", re.IGNORECASE)
_QUOTED = re.compile(r"""(;\s*(?!rel\s*=)[^\s;,="]+\s*=\s*)"(?:[^"\\]|\\.)*\"""", re.IGNORECASE)


def next_page(header: str) -> str:
    """Return the target of the link whose relation is ``next``; empty where there is no further page.

    Args:
        header: Link; several of them joined by line ends. Source: RFC 8288, section 3.
    """
    place = 0
    while match := _LINK.match(header, place):
        place = match.end()
        relation = _RELATION.search(_QUOTED.sub(r"\1", match[2]))
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return match[1].strip()
        if place == len(header):
            break
    return ""


def reached_by(answer: Answer) -> int:
    """Return how many bytes of an upload the registry says it has; -1 where it does not say."""
    last = answer.headers.get("range", "").removeprefix("bytes=").partition("-")[2].strip()
    if answer.status != 204 or not last.isascii() or not last.isdecimal() or len(last) > 18:
        return -1
    # A registry says 0-0 for nothing and for one byte; sending that byte again would be wrong, so it counts as none.
    return int(last) + 1 if last.strip("0") else 0


def bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the body of an answer that has no reason to be large.

    Raises:
        WireError: when it is.
    """
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise WireError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        yield piece


def part_of(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the first ``size`` bytes of what comes, or all of it where there is less."""
    left = size
    for piece in pieces:
        if len(piece) >= left:
            yield piece[:left]
            return
        left -= len(piece)
        yield piece
