"""Read a tar that comes in pieces. Layer: syntax, pure.

Nothing is trusted: sizes, names and the number of headers are bounded, the work grows with the length of the tar, and
what is not a tar ends with a ValueError. What two zero blocks end is at its end, as for every container runtime.
Source: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format" (long names, base-256 sizes).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final, NamedTuple

from bundler.model.digits import parse_digits

MAX_STEPS: Final = 5_000_000
"""Headers and their records: a layer of 500,000 files, each with times and attributes, has some 3,500,000."""
_BLOCK: Final = 512
_MAX_EXTENSION_BYTES: Final = 1024 * 1024
_MAX_SIZE: Final = 1 << 60
_PIECE_BYTES: Final = 1024 * 1024
_RECORD_LENGTH_CHARS: Final = 8
_CUT_SHORT: Final = "it is cut short"


class TarKind(Enum):
    """What an entry is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"
    """A device, a pipe, a file with holes."""


_KINDS: Final = {b"0": TarKind.FILE, b"\0": TarKind.FILE, b"7": TarKind.FILE, b"5": TarKind.FOLDER} | dict.fromkeys(
    (b"1", b"2"), TarKind.LINK
)
_WITHOUT_CONTENT: Final = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})
"""Links, devices, folders, pipes: whatever size they claim."""
_MAX_OWNER: Final = (1 << 32) - 1
_SPARSE_KEY: Final = b"GNU.sparse."


class TarEntry(NamedTuple):
    """One entry; names are as they are written, what is not UTF-8 in them as surrogates."""

    name: str
    kind: TarKind
    size: int
    """As the header says; links and folders may claim one and have no content."""
    mode: int
    target: str
    """Of a link."""
    is_hard_link: bool
    owner: tuple[int, int] = (0, 0)
    """Numbers of user and group."""


class _Extension(NamedTuple):
    """What headers before an entry say about it."""

    name: str | None = None
    target: str | None = None
    size: int | None = None
    is_sparse: bool = False
    uid: int | None = None
    gid: int | None = None


class TarReader:
    """Hands out entries one by one, and the content of the current one."""

    def __init__(self, pieces: Iterable[bytes], *, max_steps: int = MAX_STEPS) -> None:
        """Begin.

        Args:
            pieces: of the tar, of any size.
            max_steps: how many headers and records may be read.
        """
        self._pieces = iter(pieces)
        self._piece, self._at = b"", 0
        self._steps_left = max_steps
        self._content_left = self._padding = 0

    def entries(self) -> Iterator[TarEntry]:
        """Yield each entry; content that was not taken is passed over. In the end all pieces are taken.

        Raises:
            ValueError: when this is not a tar, or one without bounds.
        """
        extension = _Extension()
        while (block := self._next_header()) is not None:
            kind, size = block[156:157], _number(block[124:136])
            if kind in {b"x", b"L", b"K"}:
                extension = self._extended(extension, kind, self._extension_content(size))
            elif kind == b"g":
                self._extension_content(size)  # it may say something about all entries; runtimes do not apply it
            else:
                yield self._entry(block, extension, size)
                extension = _Extension()

    def content(self) -> Iterator[bytes]:
        """Yield what is left of the content of the current entry.

        Raises:
            ValueError: when it is cut short.
        """
        while self._content_left:
            piece = self._take(min(self._content_left, _PIECE_BYTES))
            if not piece:
                raise ValueError(_CUT_SHORT)
            self._content_left -= len(piece)
            yield piece

    def _entry(self, block: bytes, extension: _Extension, size: int) -> TarEntry:
        code = block[156:157]
        size = size if extension.size is None else extension.size
        if size > _MAX_SIZE:
            raise ValueError("an entry is longer than any file")
        name = _name_of(block) if extension.name is None else extension.name
        kind = TarKind.OTHER if extension.is_sparse else _KINDS.get(code, TarKind.OTHER)
        if code == b"\0" and name.endswith("/"):
            kind = TarKind.FOLDER
        self._content_left = 0 if code in _WITHOUT_CONTENT else size
        self._padding = -self._content_left % _BLOCK
        return TarEntry(
            name=name.removesuffix("/") if kind is TarKind.FOLDER else name,
            kind=kind,
            size=size,
            mode=_number(block[100:108]),
            target=_text(block[157:257]) if extension.target is None else extension.target,
            is_hard_link=code == b"1",
            owner=(_owner(extension.uid, block[108:116]), _owner(extension.gid, block[116:124])),
        )

    def _next_header(self) -> bytes | None:
        """Return the next header, None at the end."""
        for _ in self.content():
            pass
        self._exactly(self._padding)
        self._padding = 0
        self._charge(1)
        block = self._exactly(_BLOCK, may_end=True)
        if block is None:
            return None
        if not block.strip(b"\0"):
            following = self._exactly(_BLOCK, may_end=True)
            if following is not None and following.strip(b"\0"):
                raise ValueError("something follows its end")
            for _ in self._pieces:  # whatever it was packed by has its checksum at the end
                pass
            return None
        if not _checksum_fits(block):
            raise ValueError("this is not a tar")
        return block

    def _extension_content(self, size: int) -> bytes:
        if size > _MAX_EXTENSION_BYTES:
            raise ValueError("a header in the tar is too long")
        content = self._exactly(size) or b""
        self._exactly(-size % _BLOCK)
        return content

    def _extended(self, known: _Extension, kind: bytes, content: bytes) -> _Extension:
        if kind == b"L":
            return known._replace(name=_text(content))
        if kind == b"K":
            return known._replace(target=_text(content))
        for key, value in self._pax_records(content):
            if key == b"path":
                known = known._replace(name=_decoded(value))
            elif key == b"linkpath":
                known = known._replace(target=_decoded(value))
            elif key == b"size":
                known = known._replace(size=_required(parse_digits(value)))
            elif key == b"uid":
                known = known._replace(uid=parse_digits(value))
            elif key == b"gid":
                known = known._replace(gid=parse_digits(value))
            elif key.startswith(_SPARSE_KEY):
                known = known._replace(is_sparse=True)
        return known

    def _pax_records(self, content: bytes) -> Iterator[tuple[bytes, bytes]]:
        at = 0
        while at < len(content):
            self._charge(1)
            space = content.find(b" ", at, at + _RECORD_LENGTH_CHARS)
            end = at + _required(parse_digits(content[at : max(space, at)]))
            if not space < end <= len(content) or content[end - 1 : end] != b"\n":
                raise ValueError("a header in the tar is damaged")
            key, _, value = content[space + 1 : end - 1].partition(b"=")
            yield key, value
            at = end

    def _charge(self, steps: int) -> None:
        self._steps_left -= steps
        if self._steps_left < 0:
            raise ValueError("it has more headers than are read")

    def _take(self, count: int) -> bytes:
        """Return between one and ``count`` of the next bytes, none at the end."""
        while self._at >= len(self._piece):
            following = next(self._pieces, None)
            if following is None:
                return b""
            self._piece, self._at = following, 0
        taken = self._piece[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def _exactly(self, count: int, *, may_end: bool = False) -> bytes | None:
        """Return the next ``count`` bytes, None where there are no more at all and that is allowed."""
        found: list[bytes] = []
        missing = count
        while missing:
            taken = self._take(missing)
            if not taken:
                if may_end and not found:
                    return None
                raise ValueError(_CUT_SHORT)
            found.append(taken)
            missing -= len(taken)
        return found[0] if len(found) == 1 else b"".join(found)


def _name_of(block: bytes) -> str:
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if block[257:263] == b"ustar\0" else b""
    return _decoded(prefix + b"/" + name if prefix else name)


def _text(field: bytes) -> str:
    return _decoded(field.split(b"\0", 1)[0])


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """Return the number in a field of a header: octal digits, or bytes after a first one that says so."""
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise ValueError("a number in the tar is negative")
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    digits = field.strip(b" \0")
    return _required(parse_digits(digits, base=8)) if digits else 0


def _owner(said: int | None, field: bytes) -> int:
    """Return who owns an entry; what no user can have is root: no entry is refused for it."""
    try:
        number = said if said is not None else _number(field)
    except ValueError:
        return 0
    return number if number < _MAX_OWNER else 0


def _required(number: int | None) -> int:
    if number is None:
        raise ValueError("a number in the tar is damaged")
    return number


def _checksum_fits(block: bytes) -> bool:
    try:
        return _number(block[148:156]) == sum(block[:148]) + 8 * 32 + sum(block[156:])
    except ValueError:
        return False
