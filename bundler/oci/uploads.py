"""Store blobs: mounts, one request for the whole, parts after a cut, and what to do where those fail. Layer: adapter.

Source: OCI distribution-spec v1.1, "Pushing blobs" and "Mounting a blob from another repository".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from bundler.errors.delivery import RegistryError, RegistryForbiddenError, RegistryLoginError
from bundler.http.exchange import BrokenError
from bundler.model.lean import replace
from bundler.oci.connection_budget import WORTH_BYTES
from bundler.oci.downloads import can_be_read
from bundler.oci.errors import altered, mismatch
from bundler.oci.requests import (
    PULL,
    PUSH,
    OciRequest,
    blob_path,
    part_of,
    reached_by,
    scope_of,
    uploads_path,
    with_query,
)
from bundler.oci.session import MAX_LOGINS, MAX_REDIRECTS, next_place, url_of
from bundler.oci.transport import failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.http.wire import Connection
    from bundler.model.oci import BlobSource, Descriptor, Repository
    from bundler.oci.requests import Answer
    from bundler.oci.session import Session

_LOST = frozenset({400, 404, 416})
"""Answers to a part that mean: this upload is gone, or at another offset."""
_NO_PARTS = frozenset({405, 415, 501})
"""Answers to PATCH that mean: here blobs come whole or not at all."""
_WRONG_DIGEST = "DIGEST_INVALID"
MAX_RESTARTS = 3
"""Of one blob, without a cut."""


@dataclass(slots=True)
class _Upload:
    """How far an upload is."""

    location: str = ""
    """A whole URL."""
    offset: int = 0
    furthest: int = 0
    """The largest offset that was ever reached: what goes beyond it is progress."""
    least: int = 0
    """Bytes that a part must have. Source: distribution-spec, OCI-Chunk-Min-Length."""
    is_whole: bool = False
    """Send everything in one request, whatever connections carry."""
    sent: int = 0
    """Bytes of the blob that went out, those in vain included."""
    restarts: int = 0
    logins: int = 0
    moves: int = 0
    """Logins and redirects since the last part that was taken."""


class Uploader:
    """Stores one blob in one repository."""

    def __init__(self, session: Session, repository: Repository, blob: Descriptor) -> None:
        self._session, self._endurance = session, session.home.connection_budget
        self._repository, self._blob = repository, blob
        self._doing = f"storing blob {blob.digest} in {repository}"
        self._scopes: tuple[str, ...] = (scope_of(repository, PUSH),)
        self._patience = session.home.retry_budget(self._doing)

    def store(self, source: BlobSource, *, mount_from: str = "") -> int:
        """Store the blob; return how many of its bytes were sent.

        Every round takes a part, or counts as a login, a redirect or a restart, or waits longer than the one before.

        Args:
            source: of its content.
            mount_from: name of another repository of this registry that may hold it.

        Raises:
            RegistryError: see bundler.ports.Registry.
        """
        if self._is_there():
            return 0
        upload = _Upload(is_whole=not self._session.takes_parts)
        if mount_from and self._is_mounted(upload, mount_from):
            return 0
        if not upload.location:
            self._begin(upload)
        while True:
            try:
                if self._send_part(upload, source):
                    return upload.sent
            except BrokenError as broken:
                self._patience.pause(broken.failure, broken)
                upload.is_whole = not self._session.takes_parts
                if self._go_on(upload):
                    return upload.sent

    def _ask(self, method: str, target: str, **headers: str) -> OciRequest:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return OciRequest(method=method, target=target, doing=self._doing, scopes=self._scopes, headers=named)

    def _is_there(self) -> bool:
        """Ask; a registry that refuses to say shows by the upload whether we may do that.

        Registries keep listing what their storage has lost, so what is said to be there is read.
        """
        if self._session.send(self._ask("HEAD", blob_path(self._repository, self._blob.digest))).status != 200:
            return False
        try:
            return can_be_read(self._session, self._repository, self._blob, scope=self._scopes[0])
        except (RegistryLoginError, RegistryForbiddenError):
            return True

    def _is_mounted(self, upload: _Upload, mount_from: str) -> bool:
        """Try to take the blob from another repository; whatever fails here, there is still the upload."""
        other = type(self._repository)(self._repository.host, mount_from)
        target = uploads_path(self._repository, mount=self._blob.digest, **{"from": mount_from})
        scopes = (*self._scopes, scope_of(other, PULL))
        request = OciRequest(method="POST", target=target, doing=self._doing, scopes=scopes, is_optional=True)
        try:
            answer = self._session.send(request)
        except (BrokenError, RegistryError):
            return False
        if answer.status == 202:
            self._take_place(upload, answer)
        return answer.status == 201

    def _begin(self, upload: _Upload) -> None:
        """Start an upload, or start it again."""
        upload.offset = 0
        self._take_place(upload, self._session.expect(self._ask("POST", uploads_path(self._repository)), 202))
        if not upload.location:
            found = [f"{self._session.host} begins an upload, but names no Location for it"]
            raise RegistryError(self._doing, context=found, hint="check the registry, and the proxy in front of it")

    def _take_place(self, upload: _Upload, answer: Answer) -> None:
        upload.location = self._session.location_of(answer) or upload.location
        least = answer.headers.get("oci-chunk-min-length", "")
        upload.least = int(least) if least.isascii() and least.isdecimal() and len(least) < 12 else upload.least

    def _send_part(self, upload: _Upload, source: BlobSource) -> bool:
        """Send as much as one connection may carry; return whether the blob is stored.

        Raises:
            BrokenError: when the connection was cut.
        """
        transport, target, headers = self._session.place(upload.location, self._scopes)
        rest = self._blob.size - upload.offset
        limit = 0 if upload.is_whole else self._endurance.ceiling
        worth = min(rest, max(WORTH_BYTES, upload.least))
        connection = transport.connection(lambda carried: not limit or limit - carried >= worth)
        count = min(rest, max(limit - connection.moved_bytes, worth)) if limit else rest
        is_last = count == rest
        if is_last and "digest=" not in target:
            target = with_query(target, digest=self._blob.digest)
        headers = headers | {"Content-Type": "application/octet-stream", "Content-Length": str(count)}
        if count and (upload.offset or not is_last):
            headers["Content-Range"] = f"{upload.offset}-{upload.offset + count - 1}"
        request = self._ask("PUT" if is_last else "PATCH", target)
        body = _Counted(part_of(source(upload.offset), count), count, self._doing)
        try:
            answer = transport.upload(request, headers, connection, body.pieces(), is_last=is_last)
        except BrokenError:
            self._endurance.was_cut(connection.moved_bytes)
            raise
        finally:
            upload.sent += body.sent
        answer = replace(answer, url=url_of(transport, target))
        if answer.status >= 300:
            return self._refused(upload, request, answer, source)
        return self._took(upload, answer, connection, count, is_last=is_last)

    def _took(self, upload: _Upload, answer: Answer, connection: Connection, count: int, *, is_last: bool) -> bool:
        self._endurance.carried(connection.moved_bytes)
        upload.logins = upload.moves = 0
        upload.offset += count
        if upload.offset > upload.furthest:
            upload.furthest = upload.offset
            self._patience.progressed()
        self._take_place(upload, answer)
        if is_last and answer.digest and answer.digest != self._blob.digest:
            raise altered(self._doing, f"{self._session.host} says that it stored {answer.digest}")
        return is_last

    def _refused(self, upload: _Upload, request: OciRequest, answer: Answer, source: BlobSource) -> bool:
        """Find another way; return whether the blob is stored after all.

        Raises:
            BrokenError: when the refusal passes by itself.
            RegistryError: when there is no other way.
        """
        failure = failure_of(answer)
        if failure is not None:
            raise BrokenError(failure)
        if answer.status == 401 and upload.logins < MAX_LOGINS and self._session.renew(answer, self._scopes):
            upload.logins += 1
            return self._go_on(upload)
        if next_place(request.method, answer.status, answer.headers) and upload.moves < MAX_REDIRECTS:
            upload.moves += 1
            upload.location = self._session.location_of(answer)
            return False
        has_wrong_digest = _WRONG_DIGEST in answer.codes
        if has_wrong_digest and not upload.offset:
            self._blame(source, answer)
        takes_none = request.method == "PATCH" and answer.status in _NO_PARTS
        is_first = request.method == "PATCH" and not upload.furthest and not upload.offset
        upload.restarts += 1
        if upload.restarts > MAX_RESTARTS or not (answer.status in _LOST or has_wrong_digest or takes_none):
            raise self._session.refusal(request, answer)
        if takes_none:
            self._session.takes_parts = False
        upload.is_whole = upload.is_whole or takes_none or is_first or has_wrong_digest
        self._begin(upload)
        return False

    def _blame(self, source: BlobSource, answer: Answer) -> NoReturn:
        """Say who is to blame for a wrong digest: what we read here, or what became of it on the way."""
        _check_content(source, self._blob, self._doing)
        found = f"{self._session.host} answers {answer.status}: {answer.says}; what was sent has the right digest"
        raise altered(self._doing, found)

    def _go_on(self, upload: _Upload) -> bool:
        """Find out where a cut upload stands, and begin again where it is gone; True: the blob is there after all."""
        if self._is_there():
            return True
        if upload.is_whole:
            self._begin(upload)
            return False
        answer = self._session.send(self._ask("GET", upload.location))
        reached = reached_by(answer)
        # One that has less than it took does not say where an upload stands (ECR): then the whole is tried, once.
        upload.is_whole = 0 <= reached < upload.offset
        if not upload.is_whole and 0 < reached <= self._blob.size:
            upload.offset = reached
            self._take_place(upload, answer)
            return False
        self._begin(upload)
        return False


def _check_content(source: BlobSource, blob: Descriptor, doing: str) -> None:
    from hashlib import sha256  # noqa: PLC0415 - only where something is wrong

    found = sha256()
    for piece in source(0):
        found.update(piece)
    if f"sha256:{found.hexdigest()}" != blob.digest:
        raise mismatch(doing, f"its content has the digest sha256:{found.hexdigest()}")


class _Counted:
    """Counts what is taken, and refuses a source that is shorter than it must be."""

    def __init__(self, pieces: Iterator[bytes], size: int, doing: str) -> None:
        self._pieces, self._size, self._doing = pieces, size, doing
        self.sent = 0

    def pieces(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.sent += len(piece)
            yield piece
        if self.sent != self._size:
            raise mismatch(
                self._doing, f"its content ends {self._size - self.sent} bytes before the size it should have"
            )
