"""The bytes of a delivery, in one file or in parts that are read where they lie. Layer: delivery; reads local files."""

from __future__ import annotations

import glob
import os
import re
import stat
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Protocol

from bundler.delivery.part import PART_HEADER_BYTES, PART_MAGIC, PartHeader, decode_part
from bundler.errors.delivery import DeliveryDamagedError, DeliveryError, ForeignPartError, PartMissingError
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HINT_COPY: Final = "copy it again from where it was made, and verify it there too"
_PART_NAME = re.compile(r"(.+)\.([0-9]{3,5})")


class Pieces(Protocol):
    """Bytes that can be read anywhere, by several threads at once."""

    name: str
    size: int
    """Bytes."""

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer`` from ``offset``; less comes only where the bytes end."""
        ...

    def parts_between(self, start: int, end: int) -> Sequence[Part]:
        """Return the parts that hold a range; nothing where there are no parts."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a split delivery."""

    path: Path
    header: PartHeader
    fd: int
    start: int
    """Offset of its payload in the whole."""


class WholeFile:
    """A delivery in one file."""

    def __init__(self, path: Path, fd: int) -> None:
        self.name, self._fd = str(path), fd
        self.size = os.fstat(fd).st_size

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer`` from ``offset``."""
        return _fill(self._fd, offset, buffer)

    def parts_between(self, start: int, end: int) -> Sequence[Part]:
        """Return nothing: there are no parts."""
        del start, end
        return ()

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class SplitFile:
    """A delivery in parts."""

    def __init__(self, name: str, parts: Sequence[Part]) -> None:
        self.name, self._parts = name, tuple(parts)
        self.size = parts[0].header.total_bytes
        self.build_id = parts[0].header.build

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer`` from ``offset``, across parts."""
        done = 0
        for part in self.parts_between(offset, offset + len(buffer)):
            at = offset + done - part.start
            here = min(len(buffer) - done, part.header.payload_bytes - at)
            done += _fill(part.fd, PART_HEADER_BYTES + at, buffer[done : done + here])
        return done

    def parts_between(self, start: int, end: int) -> Sequence[Part]:
        """Return the parts that hold a range."""
        return [part for part in self._parts if part.start < end and part.start + part.header.payload_bytes > start]

    def close(self) -> None:
        """Close all parts."""
        for part in self._parts:
            os.close(part.fd)


def _open(path: Path, doing: str, closing: ExitStack) -> int:
    """Open a file for reading alone; ``closing`` closes it."""
    try:
        # A pipe that no one writes to would be waited for; what is read here and there must be a file anyway.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise DeliveryError(doing, context=[found], hint="check the path and its permissions") from error
    closing.callback(os.close, fd)
    if what := _no_file(os.fstat(fd).st_mode):
        hint = "give the path of the file: a delivery is read at many places at once"
        raise DeliveryError(doing, context=[f"{path} is {what}"], hint=hint)
    return fd


def _no_file(mode: int) -> str:
    """Say what something is that cannot be read at any place; empty for files."""
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket" if not stat.S_ISREG(mode) else ""


def open_pieces(paths: Sequence[Path]) -> Pieces:
    """Open a delivery: its one file, any one of its parts, all of them, or the name that its parts share.

    Raises:
        PartMissingError: when a part is missing.
        ForeignPartError: when a part belongs to another build or another split.
        DeliveryDamagedError: when a part's head is damaged, or a part has not its size.
        DeliveryError: when a file cannot be read.
    """
    first = paths[0]
    doing = f"opening {first}"
    stem = _stem_of(first)
    if len({_stem_of(path) for path in paths}) > 1 or (len(paths) > 1 and stem == first):
        found = [str(path) for path in paths]
        raise DeliveryError(doing, context=found, hint="give one delivery: its file, or its parts")
    first = _there(first, stem)
    with ExitStack() as closing:
        fd = _open(first, doing, closing)
        if os.pread(fd, len(PART_MAGIC), 0) != PART_MAGIC:
            closing.pop_all()
            return WholeFile(first, fd)
        head = _header_of(first, fd, doing)
    stem = _stem_of(first)
    wanted = {part_path(stem, number): number for number in range(1, head.count + 1)}
    _check_names([first, *paths[1:]], wanted, head, doing)
    with ExitStack() as closing:
        fds = {path: _open(path, doing, closing) for path in wanted}
        parts = _checked(wanted, fds, first, doing)
        closing.pop_all()
        return SplitFile(str(stem), parts)


def _there(first: Path, stem: Path) -> Path:
    """Return the file to begin with: the one that is named, else any part of the delivery that it names."""
    if first.exists():
        return first
    return min(parts_beside(stem), default=first)


def parts_beside(stem: Path) -> list[Path]:
    """Return the files beside a delivery that have the names of its parts, sorted; they may be of another build."""
    return sorted(path for path in stem.parent.glob(f"{glob.escape(stem.name)}.[0-9]*") if _stem_of(path) == stem)


def _check_names(named: Sequence[Path], wanted: Mapping[Path, int], head: PartHeader, doing: str) -> None:
    """Check the files that are there against those that the head of the first of them asks for."""
    stem = _stem_of(named[0])
    if missing := [path for path in wanted if not path.exists()]:
        found = [f"{path} does not exist" for path in missing]
        hint = f"bring all {head.count} parts into one folder"
        raise PartMissingError(f"opening {stem} in {head.count} parts", context=found, hint=hint)
    if named[0] not in wanted:
        own = part_path(stem, head.number).name
        found = [f"{named[0]} is part {head.number} of {head.count}, which belongs under the name {own}"]
        raise ForeignPartError(doing, context=found, hint="bring the parts of one build together, under their names")
    if extra := [path for path in named if path not in wanted]:
        found = [f"{path} is beyond the {head.count} parts of this build" for path in extra]
        raise ForeignPartError(
            doing, context=found, hint="give the parts of one build; the others are of an earlier export"
        )


def _checked(wanted: dict[Path, int], fds: dict[Path, int], named: Path, doing: str) -> list[Part]:
    """Return the parts, once their heads agree with that of the part that was named."""
    headers = {path: _header_of(path, fd, doing) for path, fd in fds.items()}
    like = headers[named]
    foreign = [
        f"{path} is part {one.number} of {one.count} of build {one.build}"
        for path, one in headers.items()
        if (one.build, one.count, one.part_bytes, one.total_bytes, one.number)
        != (like.build, like.count, like.part_bytes, like.total_bytes, wanted[path])
    ]
    if foreign:
        found = [*foreign, f"{named} is of build {like.build}"]
        raise ForeignPartError(doing, context=found, hint="bring the parts of one build together, under their names")
    short = [
        f"{path} has {os.fstat(fds[path]).st_size} bytes, and its head says {PART_HEADER_BYTES + one.payload_bytes}"
        for path, one in headers.items()
        if os.fstat(fds[path]).st_size != PART_HEADER_BYTES + one.payload_bytes
    ]
    if short:
        raise DeliveryDamagedError(doing, context=short, hint=HINT_COPY)
    return [
        Part(path=path, header=headers[path], fd=fds[path], start=(number - 1) * like.part_bytes)
        for path, number in wanted.items()
    ]


def _header_of(path: Path, fd: int, doing: str) -> PartHeader:
    try:
        return decode_part(os.pread(fd, PART_HEADER_BYTES, 0))
    except ValueError as error:
        raise DeliveryDamagedError(doing, context=[f"{path}: its head is damaged: {error}"], hint=HINT_COPY) from error


def _stem_of(path: Path) -> Path:
    match = _PART_NAME.fullmatch(path.name)
    return path.with_name(match[1]) if match else path


def part_path(stem: Path, number: int) -> Path:
    """Return the name of a part: ``shop-1.4.0.bundle.001``."""
    return stem.with_name(f"{stem.name}.{number:03d}")


def _fill(fd: int, offset: int, buffer: memoryview) -> int:
    done = 0
    while done < len(buffer):
        count = os.preadv(fd, [buffer[done:]], offset + done)
        if count == 0:
            break
        done += count
    return done
