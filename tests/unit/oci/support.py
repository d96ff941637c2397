"""What the tests of bundler.oci share: clients of stub servers, a registry of a few lines whose uploads can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bundler.http.client_config import ClientConfig
from bundler.model.digest import Digest, digest_of
from bundler.model.oci import Descriptor, Repository
from bundler.oci.client import OciClient
from bundler.oci.settings import RegistrySettings
from tests.lib.stub_server import HangUp, Say
from tests.unit.cluster.support import InstantClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.model.events import Event
    from bundler.oci.credentials import Credentials
    from tests.lib.stub_server import Got, Step

BUDGET_S = 600.0
OPENED: list[OciClient] = []
"""Clients that conftest.py closes after each test."""


def client(
    *hosts: str,
    who: Credentials | None = None,
    clock: InstantClock | None = None,
    report: Callable[[Event], None] = lambda _: None,
    budget_s: float = BUDGET_S,
    learn: Callable[[str], None] = lambda _: None,
    settings: RegistrySettings | None = None,
    is_writing: bool = False,
    **around: Any,
) -> OciClient:
    it = clock or InstantClock()
    surroundings = ClientConfig(env={}, clock=it, budget=lambda: budget_s - it.monotonic(), report=report, **around)
    known = settings or RegistrySettings(plain_http=frozenset(hosts))
    OPENED.append(
        OciClient(known, surroundings, find_credentials=lambda _, __: who, learn=learn, is_writing=is_writing)
    )
    return OPENED[-1]


def host_of(url: str) -> str:
    return url.partition("://")[2]


def repository(url: str, name: str = "shop/web") -> Repository:
    return Repository(host_of(url), name)


def blob_of(content: bytes) -> Descriptor:
    return Descriptor(digest=digest_of(content), size=len(content), media_type="application/octet-stream")


def refused(status: int, code: str, message: str = "") -> Say:
    return Say(status=status, body={"errors": [{"code": code, "message": message}]})


class ResumingRegistry:
    """Answers as a registry does that keeps what came of a cut chunk; ``cuts`` chunks are answered by hanging up."""

    def __init__(self, *, cuts: int = 0, keeps: float = 0.5) -> None:
        self.blobs: dict[Digest, bytes] = {}
        self.chunks: list[tuple[str, int]] = []
        """Method and offset of each chunk."""
        self._cuts, self._keeps = cuts, keeps
        self._upload = b""

    def __call__(self, got: Got) -> Step:
        place = {"Location": "/v2/shop/web/blobs/uploads/7?state=a%2Fb"}
        if got.method == "HEAD":
            is_there = Digest(got.path.rpartition("/")[2]) in self.blobs
            return Say(status=200 if is_there else 404, body=b"")
        if got.method == "POST":
            self._upload = b""
            return Say(status=202, body=b"", headers=place)
        reached = {"Range": f"0-{max(0, len(self._upload) - 1)}"}
        if got.method == "GET":
            return Say(status=204, body=b"", headers=place | reached)
        return self._chunk(got, place)

    def _chunk(self, got: Got, place: dict[str, str]) -> Step:
        named = got.headers.get("content-range", "").partition("-")[0]
        start = int(named) if named else len(self._upload)
        self.chunks.append((got.method, start))
        if start != len(self._upload):
            return refused(416, "RANGE_INVALID")
        if len(self.chunks) <= self._cuts:
            self._upload += got.body[: int(len(got.body) * self._keeps)]
            return HangUp()
        self._upload += got.body
        if got.method == "PATCH":
            return Say(status=202, body=b"", headers=place)
        digest = Digest(got.target.partition("digest=")[2])
        if digest_of(self._upload) != digest:
            return refused(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self.blobs[digest] = self._upload
        return Say(status=201, body=b"", headers={"Docker-Content-Digest": digest})
