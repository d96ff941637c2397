"""What others packed: read as it is meant, ended where it has no end."""

from __future__ import annotations

import gzip
import io
import struct
import sys
import tarfile

import pytest
from hypothesis import given, strategies as st

from bundler.syntax.tar import TarKind, TarReader
from bundler.syntax.unpack import CHUNK_BYTES, gunzip, unpack

NAMES = st.text("aé/.漢 ", min_size=1, max_size=300).filter(lambda name: not name.endswith("/"))
FILES = st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=5)


def header(name: bytes = b"a", size: bytes = b"0", kind: bytes = b"0") -> bytes:
    """Return a header whose checksum fits, whatever its fields say."""
    block = bytearray(512)
    block[: len(name)], block[100:107], block[124 : 124 + len(size)], block[156:157] = name, b"0000644", size, kind
    block[257:263], block[148:156] = b"ustar\0", b" " * 8
    block[148:155] = b"%06o\0" % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def pax(content: bytes, kind: bytes = b"x") -> bytes:
    return header(size=b"%o" % len(content), kind=kind) + padded(content)


def read(tar: bytes, *, step: int = 1 << 20, max_steps: int = 10_000) -> list[tuple[str, TarKind, bytes]]:
    reader = TarReader([tar[at : at + step] for at in range(0, len(tar), step)], max_steps=max_steps)
    return [(entry.name, entry.kind, b"".join(reader.content())) for entry in reader.entries()]


@given(FILES, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), st.sampled_from([1, 100, 511, 512, 10_000]))
def test_what_tar_wrote_is_read_in_pieces_of_any_size(files, tar_format, step) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    assert read(out.getvalue(), step=step) == [(name, TarKind.FILE, content) for name, content in files]


@pytest.mark.parametrize(
    ("tar", "why"),
    [
        (header(size=b"-0000000777"), "a number in the tar is damaged"),
        (header(size=b"1_0"), "a number in the tar is damaged"),
        (header(size="٣".encode()), "a number in the tar is negative"),
        (header(size=b"+7"), "a number in the tar is damaged"),
        (header(size=b"0x7"), "a number in the tar is damaged"),
        (header(size=b"\xff" * 12), "a number in the tar is negative"),
        (header(size=b"\x80" + (1 << 62).to_bytes(11, "big")), "an entry is longer than any file"),
        (header(size=b"\x80" + (1 << 40).to_bytes(11, "big")), "it is cut short"),
        (header(size=b"\x80" + (1 << 40).to_bytes(11, "big"), kind=b"x"), "a header in the tar is too long"),
        (header(size=b"\x80" + (1 << 40).to_bytes(11, "big"), kind=b"g"), "a header in the tar is too long"),
        (pax(b"99999999999999999999 path=a\n"), "a number in the tar is damaged"),
        (pax(b"0 path=a\n"), "a header in the tar is damaged"),
        (pax(b"-9 path=a\n"), "a number in the tar is damaged"),
        (pax("٩ path=a\n".encode()), "a number in the tar is damaged"),
        (pax(b"8 path=a\n"), "a header in the tar is damaged"),
        (pax(b"13 size=-100\n") + header(), "a number in the tar is damaged"),
        (pax(b"5 a=\n" * 11_000), "it has more headers than are read"),
        (pax(b"", b"g") * 11_000, "it has more headers than are read"),
        (pax(b"", b"x") * 11_000, "it has more headers than are read"),
        (header()[:300], "it is cut short"),
        (header(size=b"7000") + b"x" * 512, "it is cut short"),
        (b"x" * 512, "this is not a tar"),
        (header() + bytes(512) + header(), "something follows its end"),
    ],
)
def test_a_tar_that_lies_or_has_no_end_is_refused(tar: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(tar)


def test_folders_that_claim_a_size_have_no_content() -> None:
    huge = b"\x80" + (1 << 59).to_bytes(11, "big")
    tar = b"".join(header(b"f%d" % number, huge, b"5") for number in range(500)) + header(b"a") + bytes(1024)
    assert read(tar)[-1] == ("a", TarKind.FILE, b"")


def test_a_file_with_holes_is_no_plain_file() -> None:
    assert read(pax(b"22 GNU.sparse.major=1\n") + header(b"a"))[0][1] is TarKind.OTHER
    assert read(header(b"a", kind=b"S"))[0][1] is TarKind.OTHER


@pytest.mark.medium
def test_pax_records_are_read_in_time_that_grows_with_their_length() -> None:
    # 1 MiB in one header; read from the start for each record it would take minutes.
    assert read(pax(b"5 a=\n" * 200_000) + header(b"b"), max_steps=300_000) == [("b", TarKind.FILE, b"")]


# --- packed ------------------------------------------------------------------------------------------------------

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("step", [1, 5000, 1 << 20])
def test_any_number_of_frames_is_unpacked(pack, step: int) -> None:
    plain = [b"a" * 10, b"", bytes(3_000_000), b"end"]
    packed = b"".join(map(pack, plain))
    pieces = list(unpack(packed[at : at + step] for at in range(0, len(packed), step)))
    assert b"".join(pieces) == b"".join(plain)
    assert max(map(len, pieces)) <= CHUNK_BYTES


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_empty_frames_take_time_that_grows_with_their_length(pack, monkeypatch: pytest.MonkeyPatch) -> None:
    # Copying what is left after each of them would be 1 GB here.
    monkeypatch.setattr("bundler.syntax.unpack._MAX_FRAMES", 10_000)
    packed = pack(b"") * 12_500
    with pytest.raises(ValueError, match="it is packed in more than 10000 pieces"):
        list(unpack([packed]))


def test_zeros_may_follow_gzip_and_nothing_else() -> None:
    packed = gzip.compress(b"a")
    assert list(gunzip([packed + bytes(10), bytes(100)])) == [b"a"]
    for rest in (bytes(10) + b"x", b"garbage", struct.pack("<I", 0x8B1F)):
        with pytest.raises(ValueError, match=r"Error -3|follows its end|cut short"):
            list(gunzip([packed + rest]))


@pytest.mark.parametrize(
    "packed",
    [b"", gzip.compress(b"abc" * 100)[:-1], gzip.compress(b"abc")[:-8] + bytes(8)],
    ids=["nothing", "cut short", "another checksum"],
)
def test_gzip_that_is_cut_short_or_has_another_checksum_is_damaged(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut short|data check"):
        list(gunzip([packed]))
