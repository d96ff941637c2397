"""Store blobs: mounts, chunks, and what to do after a cut. Layer: adapter.

Source: OCI distribution-spec v1.1, "Pushing a blob in chunks" and "Mounting a blob from another repository".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.http.exchange import BrokenError
from bundler.model.lean import replace
from bundler.oci.endurance import WORTH_BYTES
from bundler.oci.errors import mismatch
from bundler.oci.requests import PULL, PUSH, Ask, blob_path, part_of, scope_of, uploads_path, with_query
from bundler.oci.session import MAX_LOGINS, url_of
from bundler.oci.transport import failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.http.wire import Connection
    from bundler.model.oci import BlobSource, Descriptor, Repository
    from bundler.oci.requests import Answer
    from bundler.oci.session import Session

_LOST_SESSION = frozenset({400, 404, 416})
"""Answers to a chunk that mean: this upload is gone, or stands elsewhere."""
MAX_RESTARTS_WITHOUT_CUT = 3


@dataclass(slots=True)
class _Upload:
    """How far an upload is."""

    location: str = ""
    offset: int = 0
    sent: int = 0
    """Bytes of the blob that went out, those in vain included."""
    restarts: int = 0
    logins: int = 0
    """Since the last part that was taken."""


class Uploader:
    """Stores one blob in one repository."""

    def __init__(self, session: Session, repository: Repository, blob: Descriptor) -> None:
        self._session, self._endurance = session, session.home.endurance
        self._repository, self._blob = repository, blob
        self._doing = f"storing blob {blob.digest} in {repository}"
        self._scopes: tuple[str, ...] = (scope_of(repository, PUSH),)
        self._patience = session.home.patience(self._doing)

    def store(self, source: BlobSource, *, mount_from: str = "") -> int:
        """Store the blob; return how many of its bytes were sent.

        Raises:
            RegistryError: see bundler.ports.Registry.
        """
        upload = _Upload()
        if self._is_there():
            return 0
        if not self._begin(upload, mount_from=mount_from):
            return 0
        while True:
            try:
                if self._send_part(upload, source):
                    return upload.sent
            except BrokenError as broken:
                self._patience.pause(broken.failure, broken)
                if self._go_on(upload):
                    return upload.sent

    def _ask(self, method: str, target: str, **headers: str) -> Ask:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Ask(method=method, target=target, doing=self._doing, scopes=self._scopes, headers=named)

    def _is_there(self) -> bool:
        """Ask; who refuses to say shows by the upload whether we may do that."""
        return self._session.send(self._ask("HEAD", blob_path(self._repository, self._blob.digest))).status == 200

    def _begin(self, upload: _Upload, *, mount_from: str = "") -> bool:
        """Start an upload; False where the registry took the blob from another repository."""
        upload.offset = 0
        if mount_from:
            other = type(self._repository)(self._repository.host, mount_from)
            scopes = (*self._scopes, scope_of(other, PULL))
            target = uploads_path(self._repository, mount=self._blob.digest, **{"from": mount_from})
            ask = Ask(method="POST", target=target, doing=self._doing, scopes=scopes)
            answer = self._session.send(ask)
            if answer.status == 201:
                return False
            if answer.status == 202:
                upload.location = answer.headers.get("location", "")
                return True
        answer = self._session.expect(self._ask("POST", uploads_path(self._repository)), 202)
        upload.location = answer.headers.get("location", "")
        return True

    def _send_part(self, upload: _Upload, source: BlobSource) -> bool:
        """Send as much as one connection may carry; tell whether the blob is stored.

        Raises:
            BrokenError: when the connection was cut.
        """
        transport, target, headers = self._session.place(upload.location, self._scopes)
        size = self._blob.size
        lost, rest = upload.sent - upload.offset, size - upload.offset

        def left(carried: int) -> int:
            return self._endurance.limit(carried=carried, size=size, offset=upload.offset, lost=lost) - carried

        connection = transport.connection(lambda carried: left(carried) >= min(rest, WORTH_BYTES))
        count = min(rest, left(connection.moved_bytes))
        is_last = count == rest
        if is_last:
            target = with_query(target, digest=self._blob.digest)
        ask = self._ask("PUT" if is_last else "PATCH", target)
        headers = headers | {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(count),
            "Content-Range": f"{upload.offset}-{upload.offset + count - 1}",
        }
        if not count:
            del headers["Content-Range"]
        body = _Counted(part_of(source(upload.offset), count), count, self._doing)
        try:
            answer = transport.upload(ask, headers, connection, body.pieces(), is_last=is_last)
            answer = replace(answer, url=url_of(transport, target))
        except BrokenError:
            self._endurance.was_cut(connection.moved_bytes)
            raise
        finally:
            upload.sent += body.sent
        return self._took(upload, answer, connection, count, is_last=is_last)

    def _took(self, upload: _Upload, answer: Answer, connection: Connection, count: int, *, is_last: bool) -> bool:
        failure = failure_of(answer)
        if failure is not None:
            raise BrokenError(failure)
        if answer.status == 401 and upload.logins < MAX_LOGINS and self._session.renew(answer, self._scopes):
            upload.logins += 1
            return self._go_on(upload)
        if answer.status in _LOST_SESSION and "DIGEST_INVALID" not in answer.codes:
            upload.restarts += 1
            if upload.restarts <= MAX_RESTARTS_WITHOUT_CUT:
                self._begin(upload)
                return False
        if answer.status >= 300:
            raise self._session.refusal(self._ask("PATCH", ""), answer)
        self._endurance.carried(connection.moved_bytes)
        self._patience.progressed()
        upload.logins = 0
        upload.offset += count
        upload.location = answer.headers.get("location", "") or upload.location
        if is_last and answer.digest and answer.digest != self._blob.digest:
            raise mismatch(self._doing, f"the registry stored {answer.digest}")
        return is_last

    def _go_on(self, upload: _Upload) -> bool:
        """Find out where a cut upload stands, and begin anew where it is gone; True: the blob is there after all."""
        if self._is_there():
            return True
        answer = self._session.send(self._ask("GET", upload.location))
        reached = answer.headers.get("range", "").removeprefix("bytes=").partition("-")[2]
        if answer.status == 204 and reached.isdecimal():
            # A registry says 0-0 for nothing and for one byte; sending that byte again would be wrong, so begin anew.
            upload.offset = int(reached) + 1 if reached != "0" else 0
            upload.location = answer.headers.get("location", "") or upload.location
            if upload.offset and upload.offset <= self._blob.size:
                return False
        self._begin(upload)
        return False


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
