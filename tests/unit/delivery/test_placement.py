from __future__ import annotations

import tarfile
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from bundler.delivery.index import encode_index, region_size
from bundler.delivery.placement import blob_name, header, place, size_in
from bundler.model.digest import digest_of
from tests.lib.deliveries import make_content


@given(st.integers(0, 8**11 - 1), st.sampled_from(["index.json", "signatures.json", blob_name(digest_of(b""))]))
def test_a_header_is_what_the_standard_library_writes(size: int, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    assert header(name, size) == entry.tobuf(tarfile.USTAR_FORMAT)
    assert size_in(header(name, size)) == size


@pytest.mark.parametrize("size", [8**11, 8**11 + 1, 3 << 40])
def test_a_size_above_8_gib_can_be_read_by_the_standard_library(size: int) -> None:
    assert tarfile.TarInfo.frombuf(header("x", size), "utf-8", "strict").size == size
    assert size_in(header("x", size)) == size


def test_the_frame_and_the_contents_cover_the_file_without_gap_or_overlap() -> None:
    placement = place(make_content(images=5).index)
    ranges = [(at, at + len(content)) for at, content in placement.frame()]
    ranges += [(entry.content_at, entry.content_at + entry.size) for entry in placement.entries]
    at = 0
    for start, end in sorted(ranges):
        assert start == at
        at = end
    assert at == placement.total_bytes


@pytest.mark.parametrize("size", [0, 1, 10**6, 10**15])
def test_the_sbom_moves_nothing_before_it(size: int) -> None:
    index = make_content().index
    *others, sbom = index.blobs
    digest = digest_of(b"another")
    changed = replace(index, sbom=digest, blobs=(*others, replace(sbom, digest=digest, size=size)))
    assert region_size(changed) == region_size(index) == len(encode_index(changed))
    assert [e.header_at for e in place(changed).entries] == [e.header_at for e in place(index).entries]
