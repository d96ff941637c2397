"""Nothing that stands in a cluster is believed."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import RecordDamagedError, RecordTooLargeError, RecordTooNewError
from bundler.model.json import canonical_json
from bundler.model.release import Authorship, BundleReference
from bundler.model.size import cut
from bundler.storage import limits
from bundler.storage.blobs import BlobReader, Piece, join_pieces, read_index_text, read_pack
from bundler.storage.decoding import decode_revision, read_pack_secret, read_sensitive
from bundler.storage.encoding import encode_revision
from bundler.storage.heads import read_head, read_summary
from bundler.storage.metadata import droppable, summary_of
from bundler.storage.reading import DamageError, inflate, parse_json, reading, secret_bytes
from bundler.storage.record_reader import RecordReader
from bundler.storage.sensitive import LITERAL, REFERENCE, reveal
from tests.unit.storage.builders import decode, make_entry, make_revision, make_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.storage.records import Record


def body_of(record: Record) -> dict[str, dict[str, object]]:
    """A head that can be spoilt."""
    return json.loads(canonical_json(record.body()))


def spoil_data(secret: dict[str, dict[str, object]], content: bytes) -> None:
    (key,) = secret["data"]
    secret["data"][key] = base64.b64encode(content).decode()


def with_head(change: Callable[[dict[str, object]], None]) -> dict[str, dict[str, object]]:
    encoded = encode_revision(make_revision(), {})
    secret = body_of(encoded.head)
    content = json.loads(encoded.head.data["head"])
    change(content)
    spoil_data(secret, json.dumps(content).encode())
    return secret


def decode_head(secret: dict[str, dict[str, object]]) -> object:
    encoded = encode_revision(make_revision(), {})
    pieces = [piece for record in encoded.packs for piece in read_pack_secret(record.body())]
    return decode_revision(read_head(secret), pieces, None)


HEADS = [
    ("no values", lambda head: head.pop("values"), "values"),
    ("values elsewhere", lambda head: head.update(values="00" * 32), "in none of the packs"),
    ("values of a wrong kind", lambda head: head.update(values=head["notes"]), "not a mapping"),
    ("notes of a wrong kind", lambda head: head.update(notes=head["values"]), "not a string"),
    ("a page that is none", lambda head: head.update(pages=[head["values"]]), "a page is not a list"),
    ("pages that are not list", lambda head: head.update(pages={}), "pages is not a list"),
    ("far too many pages", lambda head: head.update(pages=["0"] * 100_000), "more than"),
    ("a negative revision", lambda head: head.update(rolledBackTo=-1), "whole number"),
    ("authorship that is none", lambda head: head.update(authorship=[]), "authorship"),
    ("an author's text elsewhere", lambda head: head.update(authorship={"user": {"blob": "00" * 32}}), "in none of"),
    ("another revision", lambda head: head.update(revision=9), "another revision"),
]


@pytest.mark.parametrize(("change", "words"), [pytest.param(change, words, id=title) for title, change, words in HEADS])
def test_a_damaged_head_is_refused(change: Callable[[dict[str, object]], None], words: str) -> None:
    with pytest.raises(DamageError, match=words):
        decode_head(with_head(change))


def test_an_untouched_head_is_read() -> None:
    assert decode_head(with_head(lambda _: None)) == decode(encode_revision(make_revision(), {}), with_sensitive=False)


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("labels/bundler.dev~revision", "seven", "revision is not a number"),
        ("labels/bundler.dev~revision", "9" * 400, "revision is not a number"),
        ("labels/bundler.dev~status", "sleeping", "status"),
        ("annotations/bundler.dev~updated", "noon", "time"),
        ("annotations/bundler.dev~created", "2026-11-22T12:00:00", "no zone"),
        ("annotations/bundler.dev~objects", "-3", "number of objects"),
    ],
)
def test_damaged_columns_are_refused(key: str, text: str, words: str) -> None:
    secret = body_of(encode_revision(make_revision(), {}).head)
    part, name = key.split("/")
    secret["metadata"][part][name.replace("~", "/")] = text  # type: ignore[index]
    with pytest.raises(DamageError, match=words):
        read_summary(secret)
    with pytest.raises(RecordDamagedError, match=r"prod/bundler\.release\.shop\.v1"):
        summary_of(secret)


def test_a_newer_format_is_refused_with_a_sentence() -> None:
    with pytest.raises(RecordTooNewError) as caught:
        read_head(with_head(lambda head: head.update(formatVersion=3)))
    assert "format 3" in caught.value.context[0]
    assert "use the bundler that wrote it" in caught.value.hint
    newer = body_of(encode_revision(make_revision(), {}).head)
    newer["metadata"]["annotations"]["bundler.dev/format"] = "3"  # type: ignore[index]
    with pytest.raises(RecordTooNewError):
        summary_of(newer)
    pack = body_of(encode_revision(make_revision(), {}).packs[0])
    pack["metadata"]["annotations"]["bundler.dev/format"] = "3"  # type: ignore[index]
    with pytest.raises(RecordTooNewError):
        read_pack_secret(pack)


def test_a_bomb_is_not_inflated() -> None:
    bomb = zlib.compress(b"\0" * (limits.READ_PACK_RAW_MAX_BYTES + 1), 9)
    assert len(bomb) < 20_000
    with pytest.raises(DamageError, match="inflates to more"):
        read_pack("0" * 32, bomb)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut off"),
        (b"not zlib", "cannot be decompressed"),
        (zlib.compress(b"x" * 100)[:-3], "cut off"),
        (zlib.compress(b"x") + b"more", "continues"),
    ],
)
def test_broken_streams_are_refused(content: bytes, words: str) -> None:
    with pytest.raises(DamageError, match=words):
        inflate(content, 1000)


def test_a_stream_of_exactly_the_limit_is_read() -> None:
    assert inflate(zlib.compress(b"x" * 1000), 1000) == b"x" * 1000


def test_deep_nesting_is_refused() -> None:
    assert parse_json(b"[" * 100 + b"]" * 100)
    for depth in (limits.READ_NESTING_MAX + 2, 100_000):
        with pytest.raises(DamageError, match="nested"):
            parse_json(b"[" * depth + b"]" * depth)


def pack_of(head: bytes, body: bytes = b"") -> tuple[str, bytes]:
    raw = head + b"\n" + body
    return hashlib.sha256(raw).hexdigest()[:32], zlib.compress(raw)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"{}", "not a list"),
        (b"[]", "not a mapping"),
        (b'{"blobs":[["a"]]}', "2 or 4 cells"),
        (b'{"blobs":[["a",5]]}', "shorter than its index"),
        (b'{"blobs":[["a",-5]]}', "whole number"),
        (b'{"blobs":[[1,0]]}', "not a string"),
        (b'{"blobs":[["a",0,2,2]]}', "outside its blob"),
        (b'{"blobs":[["a",0,0,9999999]]}', "outside its blob"),
        (b'{"blobs":[["a",0,0,0]]}', "outside its blob"),
        (b"nothing", "not JSON"),
    ],
)
def test_a_damaged_pack_is_refused(head: bytes, words: str) -> None:
    with pytest.raises(DamageError, match=words):
        read_pack(*pack_of(head))


def test_a_pack_with_another_content_than_its_name_is_refused() -> None:
    _, content = pack_of(b'{"blobs":[]}')
    with pytest.raises(DamageError, match="name"):
        read_pack("0" * 32, content)
    name = hashlib.sha256(b"x").hexdigest()[:32]
    with pytest.raises(DamageError, match="no index"):
        read_pack(name, zlib.compress(b"x"))


def test_a_blob_that_is_not_what_its_digest_says_is_refused() -> None:
    pieces = read_pack(*pack_of(b'{"blobs":[["' + b"0" * 64 + b'",2]]}', b"{}"))
    with pytest.raises(DamageError, match="not what its digest says"):
        join_pieces(pieces)


@pytest.mark.parametrize(
    ("data", "words"), [({}, "missing"), ({"k": "***"}, "base64"), ({"k": "A" * 2_000_000}, "larger")]
)
def test_damaged_secret_data_is_refused(data: dict[str, str], words: str) -> None:
    with pytest.raises(DamageError, match=words):
        secret_bytes({"data": data}, "k")


def test_a_damaged_index_annotation_only_costs_room() -> None:
    assert read_index_text("no base64 !") == frozenset()
    assert read_index_text("") == frozenset()


def test_a_reference_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(DamageError, match="missing"):
        reveal({"a": {REFERENCE: "/a"}}, {"/b": 1})
    with pytest.raises(DamageError, match="wrapped"):
        reveal({LITERAL: 3}, {})


def test_a_sensitive_part_of_another_revision_is_noticed() -> None:
    encoded = encode_revision(make_revision(), {})
    other = encode_revision(make_revision(make_entry("x"), user_values={}), {})
    assert read_sensitive([]) == ({}, frozenset())
    with pytest.raises(DamageError, match="copied from another one"):
        decode(replace(encoded, sensitive=other.sensitive))


def test_damage_names_the_record_and_what_to_do() -> None:
    with pytest.raises(RecordDamagedError) as caught, reading("prod/it"):
        raise DamageError("it is broken")
    assert "prod/it" in str(caught.value)
    assert caught.value.context == ("it is broken",)
    assert caught.value.hint


LONG = "ä" * 5000


def test_the_largest_head_is_small_enough() -> None:
    bundle = BundleReference(name=LONG, version=LONG, app_version=LONG, digest=LONG, origin=LONG)
    who = Authorship(user=LONG, host="h" * 384, tool_version="t" * 384, command=LONG, reason=LONG, cluster_uid="c" * 36)
    entries = [make_entry(f"c{number}", {"data": {"n": str(number)}}) for number in range(64 * limits.INLINE_PAGES)]
    summary = make_summary(bundle=bundle, description=LONG, user=LONG, release="r" * 53, namespace="n" * 63)
    revision = make_revision(*entries, summary=summary, authorship=who, user_values={}, sensitive=frozenset())
    encoded = encode_revision(revision, {})
    assert len(canonical_json(encoded.head.body())) <= limits.HEAD_MAX_BYTES
    read = decode(encoded)
    assert read.authorship == who
    assert read.inventory == revision.inventory
    assert read.summary.description.endswith("…")


def test_a_head_that_would_be_too_large_is_refused() -> None:
    too_long = make_revision(no_rollback_below="1" * 9000)
    with pytest.raises(RecordTooLargeError) as caught:
        encode_revision(too_long, {})
    assert "8192" in caught.value.context[0]


def test_very_many_objects_and_packs_are_listed_in_blobs() -> None:
    entries = [make_entry(f"c{number}", {"data": {"n": str(number)}}) for number in range(64 * 20)]
    encoded = encode_revision(make_revision(*entries), {})
    assert "pageIndex" in json.loads(encoded.head.data["head"])
    assert decode(encoded).inventory == tuple(entries)


def test_texts_are_cut_at_whole_characters() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcdefgh", 6) == "abc…"
    assert cut("ääää", 7) == "ää…"


@pytest.mark.parametrize(
    ("statuses", "history_max", "dropped"),
    [
        ("ssd", 10, ""),
        ("ssd", 2, "1"),
        ("dfff", 2, "23"),
        ("dffff", 1, "234"),
        ("sssd", 1, "123"),
        ("ffff", 2, "12"),
        ("ddd", 1, "12"),
        ("sdfp", 1, "13"),
        ("ssd", 0, ""),
        ("", 3, ""),
    ],
)
def test_the_oldest_are_dropped_but_never_the_newest_or_the_newest_deployed(
    statuses: str, history_max: int, dropped: str
) -> None:
    from bundler.model.release import ReleaseStatus

    words = {
        "s": ReleaseStatus.SUPERSEDED,
        "d": ReleaseStatus.DEPLOYED,
        "f": ReleaseStatus.FAILED,
        "p": ReleaseStatus.PENDING_UPGRADE,
    }
    summaries = [make_summary(number, words[letter]) for number, letter in enumerate(statuses, 1)]
    assert droppable(summaries, history_max) == {int(digit) for digit in dropped}


def test_all_packs_of_a_revision_are_bounded_together() -> None:
    """A pack of 16 KB inflates to megabytes, and a head names many."""
    most = limits.READ_REVISION_RAW_MAX_BYTES // limits.READ_PACK_RAW_MAX_BYTES
    pack = [Piece(digest="00" * 32, content=bytes(limits.READ_PACK_RAW_MAX_BYTES - 200))]
    reader = RecordReader(None)  # type: ignore[arg-type]
    head = read_head(body_of(encode_revision(make_revision(), {}).head))
    names = [str(number) for number in range(most + 2)]
    for name in names:
        reader._pieces["prod", f"bundler.pack.shop.{name}"] = pack
    with pytest.raises(DamageError, match="inflate to more than"):
        reader.packs(head, names)


def test_the_values_of_a_revision_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "READ_VALUES_MAX", 400)
    blob = b"[" + b"[]," * 70 + b"[]]"
    reader = BlobReader({"first": blob, "second": blob + b" ", "third": blob + b"  "})
    reader.value("first", None)
    reader.value("second", None)
    with pytest.raises(DamageError, match="more than 400 values"):
        reader.value("third", None)


@pytest.mark.medium
def test_what_could_not_be_read_again_is_not_written() -> None:
    step, count = 100 * 1024, limits.REVISION_RAW_MAX_BYTES // (100 * 1024) + 1
    big = [make_entry(f"b-{n}", {"data": {"n": str(n).rjust(step, "x")}}) for n in range(count)]
    with pytest.raises(RecordTooLargeError, match="recording release shop"):
        encode_revision(make_revision(*big), {})
