from __future__ import annotations

import os
import re
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.delivery.check import check_blobs, check_whole
from bundler.delivery.envelopes import decode_envelopes
from bundler.delivery.part import decode_part, encode_part
from bundler.delivery.placement import header
from bundler.delivery.reader import Delivery
from bundler.delivery.signature_region import replace_signatures
from bundler.delivery.writer import DeliveryWriter
from bundler.errors.delivery import (
    DeliveryDamagedError,
    DeliveryError,
    ForeignPartError,
    NoSpaceError,
    PartMissingError,
)
from bundler.model.delivery import BlobKind
from bundler.model.digest import digest_of
from bundler.signing.keys import generate_key
from bundler.signing.sign import KeySigner
from tests.lib.deliveries import make_content, without

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = make_content()
SIGNER = KeySigner(generate_key("acme"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return CONTENT.write(tmp_path / "shop-1.0.0.bundle", signers=[SIGNER])[0]


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    return CONTENT.write(tmp_path / "shop-1.0.0.bundle", part_bytes=20_000, signers=[SIGNER])


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)


def verify(*paths: Path) -> None:
    with Delivery.open(*paths) as delivery:
        check_whole(delivery)


def test_what_was_written_is_read_back(file: Path) -> None:
    with Delivery.open(file) as delivery:
        check_whole(delivery)
        assert delivery.index == CONTENT.index
        assert delivery.build_id == digest_of(delivery.raw_index)
        assert len(delivery.envelopes) == 1
        for digest, content in CONTENT.blobs.items():
            assert delivery.read(digest) == content
            assert b"".join(delivery.chunks(digest, 100)) == content[100:]
        assert delivery.read(CONTENT.index.sbom) == CONTENT.sbom


def test_the_same_content_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    before = os.umask(0o077)
    try:
        again = CONTENT.write(tmp_path / "other" / "x.bundle", signers=[SIGNER])[0]
    finally:
        os.umask(before)
    assert again.read_bytes() == file.read_bytes()


def test_tar_lists_it_and_finds_nothing_else(file: Path) -> None:
    with tarfile.open(file) as archive:
        names = archive.getnames()
        index = archive.extractfile("index.json").read()
        signatures = archive.extractfile("signatures.json").read()
    assert names[:2] == ["index.json", "signatures.json"]
    assert names[2:] == ["blobs/" + blob.digest.replace(":", "/") for blob in CONTENT.index.blobs]
    with Delivery.open(file) as delivery:
        assert index == delivery.raw_index
        assert decode_envelopes(signatures) == delivery.envelopes


def test_nothing_unfinished_is_left(file: Path, parts: list[Path]) -> None:
    assert sorted(file.parent.iterdir()) == sorted([file, *parts])


def test_reading_changes_nothing(file: Path) -> None:
    file.chmod(0o444)
    before = file.stat()
    verify(file)
    assert file.stat().st_mtime_ns == before.st_mtime_ns


# --- damage ------------------------------------------------------------------------------------------------------


def test_a_damaged_blob_is_named(file: Path) -> None:
    with Delivery.open(file) as delivery:
        entries = [entry for entry in delivery.placement.blobs if entry.blob.kind is BlobKind.LAYER][:2]
    for entry in entries:
        flip(file, entry.content_at + 17)
    with pytest.raises(DeliveryDamagedError) as caught:
        verify(file)
    assert caught.value.context == tuple(f"layer {entry.blob.digest} is damaged" for entry in entries)
    with Delivery.open(file) as delivery, pytest.raises(DeliveryDamagedError):
        check_blobs(delivery, [entries[0].blob.digest])
    with Delivery.open(file) as delivery:
        check_blobs(delivery, [CONTENT.index.bundle.archive])
        with pytest.raises(DeliveryDamagedError):
            delivery.read(entries[0].blob.digest)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-1],
        lambda content: content[:-1024],
        lambda content: content[:1000],
        lambda content: content + b"\0",
        lambda content: content + bytes(1024),
        lambda content: content[:-1024] + header("evil", 0) + bytes(1024),
        lambda content: b"",
        lambda content: b"x" * 5000,
        lambda content: content[: 512 + 65536] + header("signatures.json", 65535) + content[1024 + 65536 :],
        lambda content: header("index.json", 1 << 40) + content[512:],
        lambda content: header("index.json", 65535) + content[512:],
        lambda content: header("index.json", 131072) + content[512:],
        lambda content: content[:124] + b"-0000000001\0" + content[136:],
        lambda content: content[:124] + b"zzzzzzzzzzz\0" + content[136:],
    ],
)
def test_what_stands_outside_the_index_or_is_cut_is_damage(file: Path, change) -> None:
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(DeliveryDamagedError) as caught:
        verify(file)
    assert caught.value.exit_code == 20


def test_swapped_blobs_are_damage(file: Path) -> None:
    with Delivery.open(file) as delivery:
        one, two = [entry for entry in delivery.placement.blobs if entry.blob.kind is BlobKind.MANIFEST][:2]
    content = bytearray(file.read_bytes())
    first, second = (bytes(content[e.content_at : e.content_at + e.size]) for e in (one, two))
    assert len(first) == len(second)
    content[one.content_at : one.content_at + one.size] = second
    content[two.content_at : two.content_at + two.size] = first
    file.write_bytes(content)
    with pytest.raises(DeliveryDamagedError):
        verify(file)


@pytest.mark.parametrize("kind", [BlobKind.LAYER, BlobKind.CONFIG])
def test_an_index_that_forgets_what_a_manifest_needs_is_damage(tmp_path: Path, kind: BlobKind) -> None:
    file = without(CONTENT, kind).write(tmp_path / "x.bundle")[0]
    with pytest.raises(DeliveryDamagedError, match="verifying") as caught:
        verify(file)
    assert "which the index does not list" in caught.value.context[0]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path, make) -> None:
    path = tmp_path / "shop-1.0.0.bundle"
    make(path)
    with pytest.raises(DeliveryError) as caught:
        Delivery.open(path)
    assert caught.value.context[0].startswith(f"{path} is a ")


# --- parts -------------------------------------------------------------------------------------------------------


def test_parts_are_read_where_they_lie(parts: list[Path], file: Path) -> None:
    whole = file.read_bytes()
    assert b"".join(part.read_bytes()[512:] for part in parts) == whole
    assert {part.stat().st_size for part in parts[:-1]} == {20_512}
    stem = parts[0].with_suffix("")
    file.unlink()
    for paths in ([parts[0]], [parts[3]], parts, [stem]):
        with Delivery.open(*paths) as delivery:
            check_whole(delivery)
            assert delivery.index == CONTENT.index


def test_every_missing_part_is_named(parts: list[Path]) -> None:
    parts[1].unlink()
    parts[-1].unlink()
    with pytest.raises(PartMissingError) as caught:
        verify(parts[0])
    assert caught.value.context == (f"{parts[1]} does not exist", f"{parts[-1]} does not exist")


def test_the_first_part_is_missed_like_any_other(parts: list[Path]) -> None:
    parts[0].unlink()
    for named in (parts[0], parts[0].with_suffix(""), parts[1]):
        with pytest.raises(PartMissingError) as caught:
            verify(named)
        assert caught.value.context == (f"{parts[0]} does not exist",)


def test_a_part_of_another_build_is_named(parts: list[Path], tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = make_content(seed=2).write(tmp_path / "b" / "shop-1.0.0.bundle", part_bytes=20_000)
    parts[2].write_bytes(other[2].read_bytes())
    with pytest.raises(ForeignPartError) as caught:
        verify(parts[0])
    assert caught.value.context[0].startswith(f"{parts[2]} is part 3 of")
    assert len(caught.value.context) == 2


def test_parts_under_wrong_names_are_named(parts: list[Path]) -> None:
    one, two = parts[1].read_bytes(), parts[2].read_bytes()
    parts[1].write_bytes(two)
    parts[2].write_bytes(one)
    with pytest.raises(ForeignPartError) as caught:
        verify(parts[0])
    assert [line.split(" ")[0] for line in caught.value.context[:2]] == [str(parts[1]), str(parts[2])]


@pytest.mark.parametrize("name", ["shop-1.0.0.bundle", "shop-1.0.0.bundle.0001", "shop-1.0.0.bundle.000"])
def test_a_part_under_a_name_that_no_part_has_is_told_beside_the_others(parts: list[Path], name: str) -> None:
    copy = parts[0].with_name(name)
    copy.write_bytes(parts[0].read_bytes())
    with pytest.raises(ForeignPartError) as caught:
        verify(copy)
    assert caught.value.context == (f"{copy} is part 1 of {len(parts)}, which belongs under the name {parts[0].name}",)


def test_a_damaged_part_is_named(parts: list[Path]) -> None:
    for number in range(len(parts)):
        before = parts[number].read_bytes()
        flip(parts[number], 512 + len(before) // 3)
        with pytest.raises(DeliveryDamagedError) as caught:
            verify(parts[0])
        text = "\n".join(caught.value.context)
        assert str(parts[number]) in text
        assert not [part for part in parts[:number] + parts[number + 1 :] if str(part) in text]
        parts[number].write_bytes(before)


@pytest.mark.parametrize("offset", [0, 20, 130, 300, 511])
def test_a_damaged_head_of_a_part_is_refused(parts: list[Path], offset: int) -> None:
    flip(parts[1], offset)
    with pytest.raises(DeliveryError) as caught:
        verify(parts[0])
    assert str(parts[1]) in caught.value.context[0]
    assert caught.value.exit_code == 20


def test_a_part_that_is_too_short_or_too_long_is_named(parts: list[Path]) -> None:
    content = parts[1].read_bytes()
    for changed in (content[:-1], content + b"\0"):
        parts[1].write_bytes(changed)
        with pytest.raises(DeliveryDamagedError) as caught:
            verify(parts[0])
        assert len(caught.value.context) == 1
        assert caught.value.context[0].startswith(str(parts[1]))


def test_files_of_two_deliveries_are_refused(file: Path, tmp_path: Path) -> None:
    other = CONTENT.write(tmp_path / "other.bundle")[0]
    with pytest.raises(DeliveryError):
        verify(file, other)
    with pytest.raises(DeliveryError):
        verify(tmp_path / "none.bundle")


# --- writing -----------------------------------------------------------------------------------------------------


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    blob = CONTENT.index.stored[0]
    with pytest.raises(DeliveryError), DeliveryWriter(tmp_path / "x.bundle", CONTENT.index) as writer:
        writer.stream(blob.digest, [bytes(blob.size + 1)])
    with pytest.raises(DeliveryError), DeliveryWriter(tmp_path / "x.bundle", CONTENT.index) as writer:
        writer.stream(blob.digest, [bytes(blob.size - 1)])
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_run_left_is_taken_over(tmp_path: Path, file: Path) -> None:
    (tmp_path / ".x.bundle.unfinished").write_bytes(b"garbage" * 100_000)
    (tmp_path / ".x.bundle.007.unfinished").write_bytes(b"garbage")
    assert CONTENT.write(tmp_path / "x.bundle", signers=[SIGNER])[0].read_bytes() == file.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop-1.0.0.bundle", "x.bundle"]


def test_parts_that_a_dead_run_left_are_taken_over(tmp_path: Path) -> None:
    for number in (1, 2, 3, 99):
        (tmp_path / f".x.bundle.{number:03d}.unfinished").write_bytes(b"garbage" * 10_000)
    verify(*CONTENT.write(tmp_path / "x.bundle", part_bytes=20_000))
    assert not list(tmp_path.glob(".*"))


def link_to_a_file(path: Path) -> None:
    path.with_name("precious").write_bytes(b"precious")
    path.symlink_to(path.with_name("precious"))


def link_twice(path: Path) -> None:
    path.with_name("precious").write_bytes(b"precious")
    os.link(path.with_name("precious"), path)


def let_others_write(path: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0o666)


def give_away(path: Path) -> None:
    path.write_bytes(b"")
    os.chown(path, 12345, -1)


@pytest.mark.parametrize(
    "plant",
    [
        link_to_a_file,
        link_twice,
        os.mkfifo,
        let_others_write,
        pytest.param(give_away, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")),
    ],
)
@pytest.mark.parametrize("part_bytes", [0, 20_000])
def test_an_unfinished_file_of_someone_else_is_neither_written_nor_taken_over(
    tmp_path: Path, plant, part_bytes
) -> None:
    plant(tmp_path / (".x.bundle.001.unfinished" if part_bytes else ".x.bundle.unfinished"))
    with pytest.raises(DeliveryError) as caught:
        CONTENT.write(tmp_path / "x.bundle", part_bytes=part_bytes)
    assert str(tmp_path) in caught.value.context[0]
    if (precious := tmp_path / "precious").exists():
        assert precious.read_bytes() == b"precious"


def test_two_exports_do_not_write_the_same_file(tmp_path: Path) -> None:
    with DeliveryWriter(tmp_path / "x.bundle", CONTENT.index), pytest.raises(DeliveryError) as caught:
        DeliveryWriter(tmp_path / "x.bundle", CONTENT.index)
    assert "another export" in caught.value.context[0]


def test_space_is_asked_for_first(tmp_path: Path) -> None:
    sbom = CONTENT.index.blobs[-1]
    layer = next(blob for blob in CONTENT.index.blobs if blob.kind is BlobKind.LAYER)
    huge = replace(layer, size=1 << 49)
    index = replace(CONTENT.index, blobs=(*(b if b != layer else huge for b in CONTENT.index.blobs[:-1]), sbom))
    with pytest.raises(NoSpaceError) as caught:
        DeliveryWriter(tmp_path / "x.bundle", index)
    assert caught.value.context[0].startswith("need 512 TiB in")
    assert "64.0 MiB of that for the SBOM" in caught.value.context[0]
    assert list(tmp_path.iterdir()) == []


def test_a_small_delivery_asks_for_little_more_than_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 1 << 20

    class Nearly:
        f_bavail, f_frsize = free, 1

    monkeypatch.setattr("bundler.delivery.writer.os.statvfs", lambda _: Nearly)
    with pytest.raises(NoSpaceError) as caught:
        DeliveryWriter(tmp_path / "x.bundle", CONTENT.index)
    size = sum(blob.size for blob in CONTENT.index.stored)
    assert size < free
    assert "have 1.0 MiB" in caught.value.context[0]
    assert re.search(r"need 1\.\d MiB in .*, 1\.0 MiB of that for the SBOM", caught.value.context[0])
    monkeypatch.setattr(Nearly, "f_bavail", 2 * free)
    with DeliveryWriter(tmp_path / "x.bundle", CONTENT.index):
        pass


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError):
        CONTENT.write(tmp_path / "none" / "x.bundle")


# --- delta -------------------------------------------------------------------------------------------------------


def test_a_delta_holds_only_what_its_base_does_not(tmp_path: Path, file: Path) -> None:
    new = make_content(version="1.1.0", images=3, base=CONTENT.index)
    delta = new.write(tmp_path / "delta.bundle")[0]
    assert delta.stat().st_size < file.stat().st_size
    with Delivery.open(delta) as opened, Delivery.open(file) as base:
        check_whole(opened)
        assert opened.index.base.index == base.build_id
        inside = [blob for blob in opened.index.blobs if blob.in_base]
        assert len(inside) == 4
        for blob in inside:
            assert base.read(blob.digest) == new.blobs[blob.digest]
            with pytest.raises(DeliveryError) as caught:
                opened.read(blob.digest)
            assert "is in its base shop 1.0.0" in caught.value.context[0]


# --- edges -------------------------------------------------------------------------------------------------------


def test_more_parts_than_can_be_numbered_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        DeliveryWriter(tmp_path / "x.bundle", CONTENT.index, part_bytes=10)
    assert "are more than 10000 parts" in caught.value.context[0]
    assert list(tmp_path.iterdir()) == []


def test_parts_of_any_size_hold_the_same_bytes(tmp_path: Path, file: Path) -> None:
    whole = file.read_bytes()
    for size in (len(whole), len(whole) - 1, len(whole) + 1, len(whole) // 2, 7001):
        parts = CONTENT.write(tmp_path / f"{size}.bundle", part_bytes=size, signers=[SIGNER])
        assert b"".join(part.read_bytes()[512:] for part in parts) == whole
        verify(*parts)


def test_signatures_are_replaced_in_place_across_parts(tmp_path: Path) -> None:
    (tmp_path / "signed").mkdir()
    for part_bytes in (0, 30_000, 7001):
        target = tmp_path / f"{part_bytes}.bundle"
        paths = CONTENT.write(target, part_bytes=part_bytes)
        signed = CONTENT.write(tmp_path / "signed" / target.name, part_bytes=part_bytes, signers=[SIGNER])
        with Delivery.open(*signed) as delivery:
            envelopes = delivery.envelopes
        replace_signatures(paths, envelopes)
        assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in signed]


def test_a_file_that_may_not_be_written_cannot_be_signed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("bundler.delivery.signature_region._write", refuse)
    with pytest.raises(DeliveryError) as caught:
        replace_signatures([file], [])
    assert "Permission denied" in caught.value.context[0]


def test_more_signatures_than_fit_are_refused(file: Path) -> None:
    with Delivery.open(file) as delivery:
        envelopes = delivery.envelopes
    with pytest.raises(DeliveryError) as caught:
        replace_signatures([file], envelopes * 1000)
    assert "there is room for 65536" in caught.value.context[0]


def test_a_disk_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with DeliveryWriter(tmp_path / "x.bundle", CONTENT.index) as writer:
        monkeypatch.setattr("os.pwrite", fail)
        with pytest.raises(DeliveryError) as caught:
            writer.put(CONTENT.index.bundle.archive, b"x")
    assert "No space left on device" in caught.value.context[0]


def test_a_blob_that_is_too_large_to_be_read_whole_is_refused(file: Path) -> None:
    with Delivery.open(file) as delivery, pytest.raises(DeliveryError) as caught:
        delivery.read(CONTENT.index.bundle.archive, max_bytes=3)
    assert "3 are the limit" in caught.value.context[0]


@pytest.mark.parametrize(
    "changes", [{"number": 9}, {"count": 3}, {"payload_bytes": 5}, {"part_bytes": 0}, {"total_bytes": 10**15}]
)
def test_a_head_of_a_part_that_lies_is_refused(parts: list[Path], changes: dict[str, int]) -> None:
    head = decode_part(parts[1].read_bytes()[:512])
    parts[1].write_bytes(encode_part(replace(head, **changes)) + parts[1].read_bytes()[512:])
    with pytest.raises(DeliveryError) as caught:
        verify(parts[0])
    assert caught.value.exit_code in {20, 22}


def test_an_index_under_the_heads_of_another_build_is_damage(parts: list[Path], tmp_path: Path) -> None:
    for path in parts:
        content = path.read_bytes()
        head = replace(decode_part(content[:512]), build=digest_of(b"another"))
        path.write_bytes(encode_part(head) + content[512:])
    with pytest.raises(DeliveryDamagedError) as caught:
        verify(parts[0])
    assert "its index is not the one that its parts were made with" in caught.value.context[0]
