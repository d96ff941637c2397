"""Write a delivery: everything straight to its final place, in a file that gets its name last. Layer: delivery.

Blobs come from several threads in any order. Nothing is kept in memory, nothing is moved afterwards. Whatever kills the
process leaves ``.NAME.unfinished`` behind, which the next run takes over; the final name appears whole or not at all.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Self

from bundler.delivery.envelopes import signature_region
from bundler.delivery.index import encode_index
from bundler.delivery.part import MAX_PARTS, PART_HEADER_BYTES, PartHeader, encode_part, split_sizes
from bundler.delivery.pieces import part_path
from bundler.delivery.placement import place
from bundler.errors import DeliveryError, NoSpaceError
from bundler.model.digest import Digest, digest_of
from bundler.model.size import shown_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bundler.delivery.placement import Entry
    from bundler.model.delivery import DeliveryIndex
    from bundler.model.trust import Envelope

_SPARE_BYTES: Final = 64 * 1024 * 1024
"""For the SBOM, whose size is not known when space is asked for."""
_CHUNK_BYTES = 1024 * 1024


class DeliveryWriter:
    """A delivery that is being written. Safe to use from several threads."""

    def __init__(self, target: Path, index: DeliveryIndex, *, part_bytes: int = 0) -> None:
        """Begin.

        Args:
            target: final name; parts get ``.001`` and so on.
            index: all of it but digest and size of the SBOM.
            part_bytes: payload of each part; 0 is one file.

        Raises:
            DeliveryError: when the folder cannot be written to, or somebody else writes the same delivery.
            NoSpaceError: when it would not fit.
        """
        self._target, self._part_bytes = target, part_bytes
        self._placement = place(index)
        self._entries = {entry.blob.digest: entry for entry in self._placement.blobs if entry.blob is not None}
        self._fds: dict[int, int] = {}
        self._doing = f"writing {target}"
        total = self._placement.total_bytes
        if part_bytes and -(-total // part_bytes) >= MAX_PARTS:
            found = f"{shown_bytes(total)} in parts of {shown_bytes(part_bytes)} are more than {MAX_PARTS} parts"
            raise DeliveryError(self._doing, context=[found], hint="choose larger parts by --split")
        self._lock()
        self._ask_for_space(total + _SPARE_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Take away what did not get its final name."""
        for number, fd in self._fds.items():
            self._unfinished(number).unlink(missing_ok=True)
            os.close(fd)
        self._fds.clear()

    def entry(self, digest: Digest) -> Entry:
        """Return where a blob goes."""
        return self._entries[digest]

    def put(self, digest: Digest, content: bytes) -> None:
        """Write a whole blob."""
        self.write(self._entries[digest].content_at, content)

    def stream(self, digest: Digest, pieces: Iterable[bytes]) -> None:
        """Write a blob piece by piece; whoever makes the pieces answers for the digest.

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
            raise DeliveryError(self._doing, context=[found], hint="its maker has to publish it again")

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
        if self._part_bytes:
            self._write_heads(digest_of(raw), placement.total_bytes)
        try:
            return self._give_names()
        except OSError as error:
            raise self._refused(error) from error

    def _give_names(self) -> list[Path]:
        """Sync, then rename; the first part comes last, because a delivery is opened by it."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(os.fsync, self._fds.values()))
        names = []
        for number in sorted(self._fds, reverse=True):
            final = part_path(self._target, number) if self._part_bytes else self._target
            self._unfinished(number).replace(final)
            os.close(self._fds.pop(number))
            names.append(final)
        return names[::-1]

    def _write_heads(self, build: Digest, total: int) -> None:
        sizes = split_sizes(total, self._part_bytes)
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            digests = list(pool.map(self._payload_digest, range(1, len(sizes) + 1)))
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
            fd = os.open(self._unfinished(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            # Two threads may open the same part at once; the first one in the table is the one that is used.
            if (known := self._fds.setdefault(number, fd)) != fd:
                os.close(fd)
                return known
        return fd

    def _lock(self) -> None:
        """Take over what a dead run left behind; leave alone what somebody writes."""
        try:
            fd = self._fd(1)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(fd, 0)
            for left in self._target.parent.glob(f".{glob.escape(self._target.name)}.[0-9]*.unfinished"):
                if left != self._unfinished(1):
                    left.unlink()
        except BlockingIOError as error:
            os.close(self._fds.pop(1))
            found = f"another export is writing {self._unfinished(1)}"
            raise DeliveryError(self._doing, context=[found], hint="wait for it, or name another --out") from error
        except OSError as error:
            raise self._refused(error) from error

    def _ask_for_space(self, needed: int) -> None:
        folder = self._target.parent
        room = os.statvfs(folder)
        free = room.f_bavail * room.f_frsize
        if free < needed:
            self.__exit__()
            found = f"need {shown_bytes(needed)} in {folder}, have {shown_bytes(free)}"
            raise NoSpaceError(self._doing, context=[found], hint="make room, or name a place on another disk by --out")

    def _refused(self, error: OSError) -> DeliveryError:
        found = f"{self._target.parent}: {error.strerror or error}"
        return DeliveryError(self._doing, context=[found], hint="name a folder that exists and that you may write to")
