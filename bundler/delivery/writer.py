"""Write a delivery: everything straight to its final place, in a file that gets its name last. Layer: delivery.

Blobs come from several threads in any order. Nothing is kept in memory, nothing is moved afterwards. The final name
appears whole or not at all: until then the file is called ``.NAME.unfinished``. It begins with the index as far as it
is known, and each blob that is complete gets its header at once. So whatever kills the process, the next run with the
same plan sees what is there, and the run that continues hashes it; a run with another plan starts over.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final, Self

from bundler.concurrency import map_parallel
from bundler.delivery.envelopes import signature_region
from bundler.delivery.index import decode_index, encode_index
from bundler.delivery.part import MAX_PARTS, PART_HEADER_BYTES, PartHeader, encode_part, split_sizes
from bundler.delivery.pieces import part_path
from bundler.delivery.placement import BLOCK, header, place
from bundler.errors import BundlerError, InterruptedRunError
from bundler.errors.delivery import ContentMismatchError, DeliveryError, NoSpaceError, RegistryError
from bundler.errors.disk import hint_to_write
from bundler.files.private_folder import is_own
from bundler.model.delivery import without_sbom
from bundler.model.digest import Digest, digest_of
from bundler.model.size import shown_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bundler.delivery.placement import Entry
    from bundler.model.delivery import DeliveryIndex
    from bundler.model.trust import Envelope

_LEAST_SPARE_BYTES: Final = 1024 * 1024
_MOST_SPARE_BYTES: Final = 64 * 1024 * 1024
_SPARE_RATIO: Final = 16
"""One byte of these is kept free for the SBOM, whose size is not known when space is asked for; most need far less."""
_CHUNK_BYTES = 1024 * 1024
_PASSING: Final = (InterruptedRunError, RegistryError, KeyboardInterrupt)
"""What may end a run that continues another time; after anything else the same would only happen again."""


class DeliveryWriter:
    """A delivery that is being written. Safe to use from several threads."""

    def __init__(self, target: Path, index: DeliveryIndex, *, part_bytes: int = 0) -> None:
        """Begin.

        Args:
            target: final name; parts get ``.001`` and so on.
            index: all of it but digest and size of the SBOM.
            part_bytes: payload of each part; 0 is one file.

        Raises:
            DeliveryError: when the folder cannot be written to, or someone else writes the same delivery.
            NoSpaceError: when it would not fit.
        """
        self._target, self._part_bytes = target, part_bytes
        self._placement = place(index)
        self._entries = {entry.blob.digest: entry for entry in self._placement.blobs if entry.blob is not None}
        self._fds: dict[int, int] = {}
        self._complete: set[Digest] = set()
        self._doing = f"writing {target}"
        total = self._placement.total_bytes
        if part_bytes and -(-total // part_bytes) >= MAX_PARTS:
            found = f"{shown_bytes(total)} in parts of {shown_bytes(part_bytes)} are more than {MAX_PARTS} parts"
            raise DeliveryError(self._doing, context=[found], hint="choose larger parts with --split")
        self._parts = -(-total // part_bytes) if part_bytes else 1
        is_going_on = self._lock(index)
        self._ask_for_space(total, is_going_on=is_going_on)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object = None, error: BaseException | None = None, trace: object = None) -> None:
        """Remove what did not get its final name, unless the next run can continue from it."""
        keeps = bool(self._complete) and isinstance(error, _PASSING) and not isinstance(error, ContentMismatchError)
        if keeps and isinstance(error, BundlerError) and self._fds:
            size = sum(self._entries[digest].size for digest in self._complete)
            kept = f"{len(self._complete)} of {len(self._entries)} blobs, {shown_bytes(size)}"
            said = error.with_context(f"{kept}, are kept in {self._unfinished(1)} for the next run")
            self._close(keeps=keeps)
            raise said from error
        self._close(keeps=keeps)

    def _close(self, *, keeps: bool) -> None:
        for number, fd in self._fds.items():
            if not keeps:
                self._unfinished(number).unlink(missing_ok=True)
            os.close(fd)
        self._fds.clear()

    def holds(self, digest: Digest) -> bool:
        """Return whether an earlier run wrote a blob to its place; its bytes are as good as their digest says."""
        entry = self._entries[digest]
        return self._read(entry.header_at, BLOCK) == header(entry.name, entry.size)

    def kept(self, digest: Digest) -> Iterator[bytes]:
        """Yield what is at the place of a blob."""
        entry = self._entries[digest]
        for at in range(entry.content_at, entry.content_at + entry.size, _CHUNK_BYTES):
            yield self._read(at, min(_CHUNK_BYTES, entry.content_at + entry.size - at))

    def take_up(self, digest: Digest) -> None:
        """Count a blob that was :meth:`kept`, and found good, as complete."""
        self._complete.add(digest)

    def entry(self, digest: Digest) -> Entry:
        """Return where a blob goes."""
        return self._entries[digest]

    def put(self, digest: Digest, content: bytes) -> None:
        """Write a whole blob."""
        self.write(self._entries[digest].content_at, content)

    def stream(self, digest: Digest, pieces: Iterable[bytes]) -> None:
        """Write a blob piece by piece; the caller that makes the pieces is responsible for the digest.

        Raises:
            DeliveryError: when there are more or fewer bytes than the index says.
        """
        entry = self._entries[digest]
        at, end = entry.content_at, entry.content_at + entry.size
        for piece in pieces:
            if at + len(piece) > end:
                at += len(piece)
                break
            self.write(at, piece)
            at += len(piece)
        if at != end:
            found = f"{digest} does not have the {entry.size} bytes that its manifest says"
            raise DeliveryError(self._doing, context=[found], hint="ask its publisher to publish it again")
        self.write(entry.header_at, header(entry.name, entry.size))
        self._complete.add(digest)

    def write(self, offset: int, content: bytes) -> None:
        """Write bytes to their place, across parts.

        Raises:
            DeliveryError: when the disk refuses.
        """
        view = memoryview(content)
        try:
            while view:
                number, at, room = self._where(offset)
                done = os.pwrite(self._fd(number), view[:room], at)
                view, offset = view[done:], offset + done
        except OSError as error:
            raise self._refused(error) from error

    def finish(self, index: DeliveryIndex, sbom: bytes, envelopes: Sequence[Envelope] = ()) -> list[Path]:
        """Write the index, the signatures and all headers; give the file its name.

        Args:
            index: the same as before, with digest and size of the SBOM.
            sbom: the SBOM itself.
            envelopes: signatures over ``encode_index(index)``.

        Raises:
            DeliveryError: when the disk refuses.
        """
        raw, placement = encode_index(index), place(index)
        self.write(placement.index.content_at, raw)
        self.write(placement.signatures.content_at, signature_region(envelopes))
        self.write(placement.blobs[-1].content_at, sbom)
        for at, content in placement.frame():
            self.write(at, content)
        self._cut(placement.total_bytes)
        if self._part_bytes:
            self._write_heads(digest_of(raw), placement.total_bytes)
        try:
            return self._give_names()
        except OSError as error:
            raise self._refused(error) from error

    def _cut(self, total: int) -> None:
        """Remove what an earlier run wrote beyond the end."""
        if not self._part_bytes:
            os.ftruncate(self._fd(1), total)
            return
        for number, size in enumerate(split_sizes(total, self._part_bytes), start=1):
            os.ftruncate(self._fd(number), PART_HEADER_BYTES + size)

    def _give_names(self) -> list[Path]:
        """Sync, then rename; the first part comes last, because a delivery is opened by it."""
        map_parallel(os.fsync, self._fds.values(), at_once=4)
        names = []
        for number in sorted(self._fds, reverse=True):
            final = part_path(self._target, number) if self._part_bytes else self._target
            self._unfinished(number).replace(final)
            os.close(self._fds.pop(number))
            names.append(final)
        return names[::-1]

    def _write_heads(self, build: Digest, total: int) -> None:
        sizes = split_sizes(total, self._part_bytes)
        digests = map_parallel(self._payload_digest, range(1, len(sizes) + 1), at_once=min(4, os.cpu_count() or 1))
        for number, (size, digest) in enumerate(zip(sizes, digests, strict=True), start=1):
            head = PartHeader(
                build=build,
                number=number,
                count=len(sizes),
                payload_bytes=size,
                part_bytes=self._part_bytes,
                total_bytes=total,
                payload=digest,
            )
            os.pwrite(self._fd(number), encode_part(head), 0)

    def _payload_digest(self, number: int) -> Digest:
        hasher, buffer = hashlib.sha256(), bytearray(_CHUNK_BYTES)
        at, fd = PART_HEADER_BYTES, self._fd(number)
        while count := os.preadv(fd, [buffer], at):
            hasher.update(memoryview(buffer)[:count])
            at += count
        return Digest(f"sha256:{hasher.hexdigest()}")

    def _where(self, offset: int) -> tuple[int, int, int]:
        """Return part number, offset in it and room up to its end, all in bytes."""
        if not self._part_bytes:
            return 1, offset, 1 << 62
        number, at = divmod(offset, self._part_bytes)
        return number + 1, PART_HEADER_BYTES + at, self._part_bytes - at

    def _unfinished(self, number: int) -> Path:
        name = part_path(self._target, number).name if self._part_bytes else self._target.name
        return self._target.with_name(f".{name}.unfinished")

    def _fd(self, number: int) -> int:
        if (fd := self._fds.get(number)) is None:
            fd = _open_own(self._unfinished(number))
            # Two threads may open the same part at once; the first one in the table is the one that is used.
            if (known := self._fds.setdefault(number, fd)) != fd:
                os.close(fd)
                return known
        return fd

    def _lock(self, index: DeliveryIndex) -> bool:
        """Take over what an earlier run left behind; leave alone what someone writes.

        Returns:
            Whether this run continues from it.
        """
        try:
            fd = self._fd(1)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_going_on = self._is_same_plan(index)
            if not is_going_on:
                os.ftruncate(fd, 0)
            self._forget(keeps=range(1, self._parts + 1) if is_going_on else range(1, 2))
            self.write(self._placement.index.content_at, encode_index(index))
        except BlockingIOError as error:
            os.close(self._fds.pop(1))
            found = f"another export is writing {self._unfinished(1)}"
            raise DeliveryError(self._doing, context=[found], hint="wait for it, or name another --out") from error
        except OSError as error:
            raise self._refused(error) from error
        return is_going_on

    def _forget(self, *, keeps: range) -> None:
        """Remove parts of another run."""
        for number in [number for number in self._fds if number not in keeps]:
            os.close(self._fds.pop(number))
        ours = {self._unfinished(number) for number in keeps}
        for left in self._target.parent.glob(f".{glob.escape(self._target.name)}.[0-9]*.unfinished"):
            if left not in ours:
                left.unlink()

    def _is_same_plan(self, index: DeliveryIndex) -> bool:
        """Return whether what is there was begun for the same index; the SBOM does not count, it is made at the end."""
        place_of_index = self._placement.index
        try:
            found = decode_index(self._read(place_of_index.content_at, place_of_index.size))
        except ValueError:
            return False
        return without_sbom(found) == without_sbom(index)

    def _read(self, offset: int, count: int) -> bytes:
        """Return what is at a place; less where an earlier run did not come so far."""
        pieces = []
        while count:
            number, at, room = self._where(offset)
            piece = os.pread(self._fd(number), min(count, room), at)
            if not piece:
                break
            pieces.append(piece)
            offset, count = offset + len(piece), count - len(piece)
        return b"".join(pieces)

    def _ask_for_space(self, total: int, *, is_going_on: bool) -> None:
        folder = self._target.parent
        room = os.statvfs(folder)
        free = room.f_bavail * room.f_frsize
        paths = [self._unfinished(number) for number in range(1, self._parts + 1)] if is_going_on else []
        spare = min(max(total // _SPARE_RATIO, _LEAST_SPARE_BYTES), _MOST_SPARE_BYTES)
        needed = total + spare - sum(path.stat().st_blocks * 512 for path in paths if path.exists())
        if free < needed:
            self._close(keeps=is_going_on)
            parted = f"{shown_bytes(min(spare, needed))} of that for the SBOM"
            found = f"need {shown_bytes(needed)} in {folder}, {parted}; have {shown_bytes(free)}"
            raise NoSpaceError(self._doing, context=[found], hint="free space, or name another disk with --out")

    def _refused(self, error: OSError) -> DeliveryError:
        found = f"{self._target.parent}: {error.strerror or error}"
        return DeliveryError(
            self._doing, context=[found], hint=hint_to_write(error, "choose an existing folder that you can write to")
        )


def _open_own(path: Path) -> int:
    """Open what an earlier run left unfinished, or make it: no link, no pipe, and nothing that others may write to.

    Raises:
        OSError: when it is something else.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    found = os.fstat(fd)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and is_own(found, os.geteuid()):
        return fd
    os.close(fd)
    raise PermissionError(errno.EPERM, f"{path.name} is not of this user alone; remove it")
