from __future__ import annotations

import gzip
import io
import os
import tarfile
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from bundler.archive.limits import ArchiveLimits
from bundler.archive.reader import read_archive
from bundler.archive.writer import pack_files
from bundler.errors.bundle import ArchiveDamagedError, ArchiveError, UnsafeArchiveError
from bundler.loader.limits import LoadLimits
from bundler.model.bundle import BundleFile
from bundler.model.size import parse_bytes
from tests.unit.syntax.test_tar import header, pax

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    BundleFile(path="templates/web.yaml", content=b"kind: A\n"),
    BundleFile(path="bundle.yaml", content=b"x"),
    BundleFile(path="run.sh", content=b"#!/bin/sh\n", is_executable=True),
    BundleFile(path="a/" + "long" * 60 + "/é.txt", content=b""),
]


def entry(name: str, content: bytes = b"x", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def archive(tmp_path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return path


def test_files_come_back_as_they_were_packed(tmp_path: Path) -> None:
    path = tmp_path / "shop-1.0.0.tgz"
    path.write_bytes(pack_files(FILES, top="shop"))
    assert read_archive(path) == {file.path: file for file in FILES}


def test_packing_gives_the_same_bytes_for_the_same_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = pack_files(FILES, top="shop")
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o077)
    try:
        assert pack_files(reversed(FILES), top="shop") == first
    finally:
        os.umask(mask)
    assert first[4:8] == b"\0\0\0\0"
    assert pack_files(FILES, top="shop", mtime=1) != first


def test_entries_carry_nothing_of_the_machine() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack_files(FILES, top="shop", mtime=1700000000))) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == sorted(f"shop/{file.path}" for file in FILES)
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {(0, 0, "", "", 1700000000)}
    assert {one.name: one.mode for one in members if one.mode != 0o644} == {"shop/run.sh": 0o755}


LINK = tarfile.SYMTYPE
UNSAFE = {
    "absolute": ([entry("/etc/passwd")], "is an absolute path"),
    "drive": ([entry("C:/x")], "is an absolute path"),
    "leaves": ([entry("shop/../../x")], "leaves its folder"),
    "dot": ([entry("shop/./x")], "is not a plain relative path"),
    "backslash": ([entry("shop/..\\x")], "is not a plain relative path"),
    "control": ([entry("shop/a\x1b[2Jb")], "is not a plain relative path"),
    "symlink": ([entry("shop/a", b"", type=LINK, linkname="/etc/passwd")], "is a link"),
    "hard link": ([entry("shop/a"), entry("shop/b", b"", type=tarfile.LNKTYPE, linkname="shop/a")], "is a link"),
    "device": ([entry("shop/a", b"", type=tarfile.CHRTYPE)], "neither a file nor a folder"),
    "fifo": ([entry("shop/a", b"", type=tarfile.FIFOTYPE)], "neither a file nor a folder"),
    "twice": ([entry("shop/a"), entry("shop/a")], "appears twice"),
    "case": ([entry("shop/a"), entry("shop/A")], 'differs from "shop/a" only in case'),
    "unicode": ([entry("shop/\u00e9"), entry("shop/e\u0301")], "only in case"),
    "file in file": ([entry("shop/a"), entry("shop/a/b")], "is a file and a folder at once"),
    "file over folder": ([entry("shop/a/b"), entry("shop/A")], "is a file and a folder at once"),
    "two tops": ([entry("shop/a"), entry("other/a")], "outside the one top folder"),
    "no top": ([entry("bundle.yaml")], "outside the one top folder"),
    "large file": ([entry("shop/a", b"0123456789A")], "has 11 B, the limit of a file is 10 B (--max-bundle-file-size)"),
    "many": ([entry(f"shop/{number}") for number in range(6)], "it has 6 entries, the limit is 5 (--max-bundle-files)"),
}


@pytest.mark.parametrize(("entries", "found"), UNSAFE.values(), ids=UNSAFE)
def test_what_is_not_harmless_is_refused_by_name(
    tmp_path: Path, entries: list[tuple[tarfile.TarInfo, bytes]], found: str
) -> None:
    with pytest.raises(UnsafeArchiveError) as caught:
        read_archive(archive(tmp_path, *entries), limits=ArchiveLimits(max_file_bytes=10, max_entries=5))
    assert found in caught.value.context[0]
    assert caught.value.context[0].isprintable()
    assert caught.value.hint
    assert caught.value.exit_code == 26


def test_a_bomb_is_stopped_by_its_ratio_and_by_its_size(tmp_path: Path) -> None:
    bomb = archive(tmp_path, entry("shop/a", bytes(9_000_000)))
    with pytest.raises(UnsafeArchiveError, match="reading archive") as caught:
        read_archive(bomb)
    assert "times its size, the limit is 200 times (--max-bundle-ratio)" in caught.value.context[0]
    with pytest.raises(UnsafeArchiveError) as caught:
        read_archive(bomb, limits=ArchiveLimits(max_total_bytes=5_000_000, max_ratio=100_000))
    assert caught.value.context == ("it unpacks to 8.6 MiB, the limit is 4.8 MiB (--max-bundle-size)",)
    assert caught.value.hint.endswith("--max-bundle-size 16MiB")


@pytest.mark.parametrize(
    "contents", [[bytes(9_000_000)], [b""] * 30, [bytes(300_000)] * 10], ids=["large", "many", "both"]
)
def test_what_the_error_proposes_lets_an_archive_pass(tmp_path: Path, contents: list[bytes]) -> None:
    path = archive(tmp_path, *(entry(f"shop/{number}", content) for number, content in enumerate(contents)))
    limits = LoadLimits(max_file_bytes=100_000, max_total_bytes=2_500_000, max_files=9, max_ratio=100)
    for _ in range(4):
        try:
            assert len(read_archive(path, limits=limits.archive)) == len(contents)
            break
        except UnsafeArchiveError as error:
            limits = raised(limits, error.hint)
    assert len(read_archive(path, limits=limits.archive)) == len(contents)


def raised(limits: LoadLimits, hint: str) -> LoadLimits:
    """Do as a hint says."""
    words = hint.split(" ")
    typed = dict(pairwise(words))
    return replace(
        limits,
        max_file_bytes=parse_bytes(typed.get("--max-bundle-file-size", str(limits.max_file_bytes))),
        max_total_bytes=parse_bytes(typed.get("--max-bundle-size", str(limits.max_total_bytes))),
        max_files=int(typed.get("--max-bundle-files", limits.max_files)),
        max_ratio=int(typed.get("--max-bundle-ratio", limits.max_ratio)),
    )


def test_what_is_far_beyond_a_limit_is_not_counted_to_its_end(tmp_path: Path) -> None:
    bomb = archive(tmp_path, entry("shop/a", bytes(60_000_000)))
    with pytest.raises(UnsafeArchiveError) as caught:
        read_archive(bomb, limits=ArchiveLimits(max_total_bytes=1_000_000, max_file_bytes=1 << 30, max_ratio=1 << 20))
    assert "it unpacks to at least " in caught.value.context[0]
    many = archive(tmp_path, *(entry(f"shop/{number}") for number in range(50)))
    with pytest.raises(UnsafeArchiveError) as caught:
        read_archive(many, limits=ArchiveLimits(max_entries=5))
    assert "it has at least 21 entries, the limit is 5" in caught.value.context[0]


def test_damage_is_told_apart_from_danger(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    whole = pack_files([BundleFile(path="a", content=os.urandom(5000))], top="shop")
    for content in (
        b"",
        b"no archive",
        whole[:-20],
        whole[:2000],
        gzip.compress(b"no tar"),
        gzip.compress(b"x" * 5000),
    ):
        path.write_bytes(content)
        with pytest.raises(ArchiveDamagedError) as caught:
            read_archive(path)
        assert "damaged" in caught.value.context[0]
    with pytest.raises(ArchiveError) as caught:
        read_archive(tmp_path / "missing.tgz")
    assert not isinstance(caught.value, ArchiveDamagedError)
    assert "cannot be read" in caught.value.context[0]


def test_folders_are_passed_over(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        entry("shop", b"", type=tarfile.DIRTYPE),
        entry("shop/t", b"", type=tarfile.DIRTYPE),
        entry("shop/t/a"),
    )
    assert list(read_archive(path)) == ["t/a"]


HUGE = b"\x80" + (1 << 62).to_bytes(11, "big")


@pytest.mark.parametrize(
    ("tar", "error"),
    [
        (
            b"".join(header(b"t/%d" % number, kind=b"5") for number in range(900)) + header(b"t/x", HUGE),
            ArchiveDamagedError,
        ),
        (header(b"t/f", HUGE, b"5"), ArchiveDamagedError),
        (header(b"t/f", b"\x80" + (1 << 59).to_bytes(11, "big"), b"5"), UnsafeArchiveError),
        (header(b"t/f", b"-0000000777"), ArchiveDamagedError),
        (pax(b"", b"g") * 20_000 + header(b"t/a") + bytes(1024), None),
        (pax(b"5 a=\n" * 20_000) * 3, ArchiveDamagedError),  # more records than an archive may have
        (pax(b"1" * 1_000_000), ArchiveDamagedError),
    ],
)
def test_an_archive_made_to_be_read_forever_ends_at_once(tmp_path: Path, tar: bytes, error: type | None) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar, compresslevel=1))
    if error is None:
        assert list(read_archive(path)) == ["a"]
        return
    with pytest.raises(error):
        read_archive(path, limits=ArchiveLimits(max_entries=1000))


def test_headers_without_a_file_count_as_what_the_archive_unpacks_to(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(pax(b"", b"g") * 5000, compresslevel=1))
    with pytest.raises(UnsafeArchiveError):
        read_archive(path, limits=ArchiveLimits(max_total_bytes=1_000_000, max_ratio=1 << 20))
