"""Laws of archives: the same files give the same bytes, and come back as they were."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from bundler.archive.reader import read_archive
from bundler.archive.writer import pack_files
from bundler.errors.bundle import ArchiveError
from bundler.loader.load import bundle_digest
from bundler.model.bundle import BundleFile
from tests.lib.laws import examples

NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_. éß漢", min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."}
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
FILES = st.dictionaries(PATHS, st.tuples(st.binary(max_size=400), st.booleans()), max_size=6).map(
    lambda files: [
        BundleFile(path=path, content=content, is_executable=mode) for path, (content, mode) in files.items()
    ]
)


def unpack(content: bytes) -> dict[str, BundleFile] | ArchiveError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tgz"
        path.write_bytes(content)
        try:
            return read_archive(path)
        except ArchiveError as error:
            return error


@pytest.mark.medium
@given(FILES, st.randoms())
@settings(max_examples=examples(60))
def test_the_order_in_which_files_are_found_changes_nothing(files: list[BundleFile], random: object) -> None:
    shuffled = list(files)
    random.shuffle(shuffled)
    assert pack_files(files, top="demo") == pack_files(shuffled, top="demo")
    assert bundle_digest(files) == bundle_digest(shuffled)


@given(FILES)
@settings(max_examples=examples(60))
def test_what_is_packed_comes_back_or_is_refused_by_name(files: list[BundleFile]) -> None:
    unpacked = unpack(pack_files(files, top="demo"))
    if isinstance(unpacked, ArchiveError):
        assert "only in case" in unpacked.context[0] or "a file and a folder at once" in unpacked.context[0]
    else:
        assert unpacked == {file.path: file for file in files}
        assert bundle_digest(unpacked.values()) == bundle_digest(files)


@given(FILES, st.data())
@settings(max_examples=examples(100))
def test_a_damaged_archive_is_an_error_of_ours(files: list[BundleFile], data: st.DataObject) -> None:
    content = bytearray(pack_files(files, top="demo"))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    unpacked = unpack(bytes(content))
    assert not isinstance(unpacked, ArchiveError) or (unpacked.context and unpacked.hint)
