"""The databases of rpm: real ones (tests/tools/make_rpm_databases.sh wrote them), and what an attacker makes of them."""

from __future__ import annotations

import gzip
import io
import sqlite3
import struct
import tempfile
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from bundler.sbom.packages import Package, UnreadableError, read_database
from tests.lib.layers import rpm_berkeley, rpm_header, rpm_ndb, rpm_sqlite

FOLDER = Path(__file__).with_name("databases")
THREE = [
    Package("rpm", "bash", "5.2.15-3.el9", "noarch", "GPLv3+"),
    Package("rpm", "diffutils", "2:3.7-12", "noarch", "GPLv3+ and LGPLv2+"),
    Package("rpm", "small", "1.0-1", "noarch", "MIT"),
]
SHORT = rpm_header("bash", "5.2.15", "3.el9", licence="GPLv3+")
LONG = rpm_header("texlive", "2023", "1", licence="LPPL and " * 3000)
KEY = rpm_header("gpg-pubkey", "1", "2")
KINDS = {"rpmdb.sqlite": rpm_sqlite, "Packages.db": rpm_ndb, "Packages": rpm_berkeley}


@cache
def content(name: str) -> bytes:
    return gzip.decompress((FOLDER / f"{name}.gz").read_bytes())


def read(name: str, data: bytes) -> list[Package]:
    return sorted(read_database(f"var/lib/rpm/{name}", io.BytesIO(data)))


@pytest.mark.parametrize("name", ["rpmdb.sqlite", "little-endian-Packages", "big-endian-Packages"])
def test_what_rpm_and_berkeley_wrote_is_read(name: str) -> None:
    assert read(name.rpartition("-")[2], content(name)) == THREE


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("headers", [(), (SHORT,), (KEY,), (SHORT, LONG, KEY), (LONG,) * 5])
def test_short_and_long_headers_are_found_and_keys_are_not(name: str, headers: tuple[bytes, ...]) -> None:
    found = [package.name for package in read(name, KINDS[name](*headers))]
    assert found == sorted({SHORT: "bash", LONG: "texlive"}[header] for header in headers if header != KEY)


def test_both_byte_orders_say_the_same() -> None:
    assert read("Packages", rpm_berkeley(SHORT, LONG, order=">")) == read("Packages", rpm_berkeley(SHORT, LONG))


# --- damage ------------------------------------------------------------------------------------------------------


def patched(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


BERKELEY, NDB = rpm_berkeley(SHORT, LONG), rpm_ndb(SHORT, LONG)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("Packages", b"", "it is cut short"),
        ("Packages", b"berkeley" * 600, "not a hash of Berkeley DB"),
        ("Packages", patched(BERKELEY, 12, struct.pack("<I", 0x053162)), "not a hash of Berkeley DB"),
        ("Packages", patched(BERKELEY, 16, struct.pack("<I", 3)), "a hash of version 3"),
        ("Packages", patched(BERKELEY, 24, b"\1"), "of a kind that rpm does not write"),
        ("Packages", patched(BERKELEY, 26, b"\1"), "of a kind that rpm does not write"),
        ("Packages", patched(BERKELEY, 20, struct.pack("<I", 0)), "it is cut short"),
        ("Packages", patched(BERKELEY, 20, struct.pack("<I", 100)), "it is cut short"),
        ("Packages", BERKELEY[:-1], "it is cut short"),
        ("Packages", patched(BERKELEY, 4096 + 20, struct.pack("<H", 3)), "half a record"),
        ("Packages", patched(BERKELEY, 4096 + 20, struct.pack("<H", 60000)), "half a record"),
        ("Packages", patched(BERKELEY, 4096 + 28, struct.pack("<H", 4096)), "records of a page overlap"),
        ("Packages", patched(BERKELEY, 4096 + 36, struct.pack("<H", 5)), "records of a page overlap"),
        ("Packages", patched(BERKELEY, 2 * 4096 + 16, struct.pack("<I", 99)), "a page that does not exist"),
        ("Packages", patched(BERKELEY, 2 * 4096 + 16, struct.pack("<I", 1)), "a chain of overflow pages is broken"),
        ("Packages", patched(BERKELEY, 2 * 4096 + 22, struct.pack("<H", 0)), "a chain of overflow pages is broken"),
        ("Packages", patched(BERKELEY, 2 * 4096 + 22, struct.pack("<H", 5000)), "a chain of overflow pages is broken"),
        ("Packages.db", b"", "it is cut short"),
        ("Packages.db", patched(NDB, 0, b"x"), "not a Packages.db"),
        ("Packages.db", patched(NDB, 4, b"\1"), "not a Packages.db"),
        ("Packages.db", patched(NDB, 12, struct.pack("<I", 3000)), "it is cut short"),
        ("Packages.db", patched(NDB, 32, b"x"), "its table of packages is broken"),
        ("Packages.db", patched(NDB, 44, struct.pack("<I", 1 << 30)), "longer than can be"),
        ("Packages.db", patched(NDB, 40, struct.pack("<I", 1 << 30)), "it is cut short"),
        ("Packages.db", patched(NDB, 40, struct.pack("<I", 1)), "lies where none is"),
        ("Packages.db", patched(NDB, 4096 + 40, b"x"), "checksum is wrong"),
        ("rpmdb.sqlite", b"", "not a database of sqlite"),
        ("rpmdb.sqlite", b"no database" * 100, "not a database"),
    ],
)
def test_damage_is_said_in_words(name: str, data: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=rf"^var/lib/rpm/{name}: damaged: .*{why}"):
        read(name, data)


def test_packages_that_share_their_pages_are_refused() -> None:
    data = rpm_berkeley(*[LONG] * 5)
    for value in range(3, 12, 2):
        (item,) = struct.unpack_from("<H", data, 4096 + 26 + 2 * value)
        data = patched(data, 4096 + item + 4, struct.pack("<I", 2))
    # The unused pages are cut off, so that the file is no longer than one package.
    pages = 2 + -(-len(LONG) // (4096 - 26))
    data = patched(data, 32, struct.pack("<I", pages - 1))[: pages * 4096]
    with pytest.raises(UnreadableError, match="two packages share their pages"):
        read("Packages", data)


def test_a_chain_that_runs_in_a_circle_ends() -> None:
    claimed = rpm_berkeley(LONG)
    (item,) = struct.unpack_from("<H", claimed, 4096 + 26 + 2 * 3)
    lying = patched(claimed, 4096 + item + 8, struct.pack("<I", 60_000_000))
    circle = patched(lying, 2 * 4096 + 16, struct.pack("<I", 2))
    with pytest.raises(UnreadableError, match="two packages share their pages"):
        read("Packages", circle)


def test_slots_that_share_a_blob_are_refused() -> None:
    with pytest.raises(UnreadableError, match="longer than can be"):
        read("Packages.db", patched(NDB, 64, NDB[48:64] * 200))


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (("CREATE VIEW Packages AS SELECT 1 AS hnum, x'00' AS blob",), "no table of packages"),
        (("CREATE TABLE Packages (blob)", "INSERT INTO Packages VALUES (5000000000)"), "a package is not a blob"),
        (("CREATE TABLE Packages (blob)", "INSERT INTO Packages VALUES ('text')"), "a package is not a blob"),
        (("CREATE TABLE Packages (blob)", "INSERT INTO Packages VALUES (NULL)"), "a package is not a blob"),
        (("CREATE TABLE Packages (other)",), "no such column: blob"),
        (("CREATE VIRTUAL TABLE Packages USING rtree(hnum, blob, other)",), "no table of packages"),
        (
            (
                "CREATE TABLE Packages (hnum INTEGER, blob BLOB AS (zeroblob(1000000000)))",
                "INSERT INTO Packages (hnum) VALUES (1)",
            ),
            "a computed column",
        ),
        (("CREATE TABLE Packages (hnum INTEGER, blob BLOB AS (abs(hnum)) STORED)",), "a computed column"),
        (("CREATE TABLE Packages (hnum INTEGER, blob BLOB, other AS (hex(hnum)))",), "a computed column"),
    ],
)
def test_a_database_of_sqlite_that_is_no_table_of_blobs_is_refused(statements: tuple[str, ...], why: str) -> None:
    with tempfile.NamedTemporaryFile() as file:
        database = sqlite3.connect(file.name)
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.close()
        with pytest.raises(UnreadableError, match=why):
            read("rpmdb.sqlite", Path(file.name).read_bytes())


def test_a_query_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.sbom.rpm_sqlite._MAX_STEPS", 1000)
    monkeypatch.setattr("bundler.sbom.rpm_sqlite._STEPS_AT_ONCE", 100)
    with pytest.raises(UnreadableError, match="interrupted"):
        read("rpmdb.sqlite", rpm_sqlite(*[SHORT] * 500))


HEADER_LIES = [
    struct.pack(">II", 200_000, 0),
    struct.pack(">II", 1, 1000),
    struct.pack(">IIIIiI", 1, 4, 1000, 6, 0, 1) + b"abcd",
    struct.pack(">IIIIiI", 1, 4, 1003, 4, 2, 1) + b"abcd",
    b"",
]


@pytest.mark.parametrize("header", HEADER_LIES)
@pytest.mark.parametrize("name", KINDS)
def test_a_header_that_lies_is_damage(name: str, header: bytes) -> None:
    with pytest.raises(UnreadableError, match="damaged"):
        read(name, KINDS[name](SHORT, header))


MADE = {name: make(SHORT, LONG) for name, make in KINDS.items()}
edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6)), min_size=1, max_size=8
)


@given(st.sampled_from(sorted(KINDS)), edits, st.sampled_from("<>"))
def test_whatever_is_changed_packages_come_out_or_it_is_called_damaged(name, changes, order) -> None:
    data = rpm_berkeley(SHORT, LONG, order=order) if name == "Packages" else MADE[name]
    for where, value in changes:
        # Mostly where numbers stand: at the beginning of one of the pages.
        at = int(where * len(data)) // 4096 * 4096 + int(where * 1e6) % 90 if len(value) % 2 else int(where * len(data))
        data = patched(data, at, value)[: len(data)]
    with suppress(UnreadableError):  # and nothing else leaves
        assert len(read(name, data)) <= len(data) // 100


@given(st.sampled_from(sorted(KINDS)), st.floats(0, 1))
def test_a_database_that_is_cut_short_is_damaged_and_never_partly_read(name: str, part: float) -> None:
    data = MADE[name]
    kept = data[: int(part * (len(data) - 1))]
    with pytest.raises(UnreadableError):
        read(name, kept)


def test_the_checksum_of_a_blob_covers_its_padding() -> None:
    blob = NDB[4096 : 4096 + 16 * struct.unpack_from("<I", NDB, 44)[0]]
    assert struct.unpack_from("<I", blob, len(blob) - 12)[0] == zlib.adler32(blob[:-12])
