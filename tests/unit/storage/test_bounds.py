"""Every count and size that is read from a record is bounded; with small bounds, so that the tests stay small."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bundler.model.json import canonical_json
from bundler.storage import limits
from bundler.storage.blobs import BlobReader, Piece, build_packs, index_text, read_index_text, read_pack
from bundler.storage.decoding import listed_packs, page_digests, page_rows, read_sensitive, sensitive_parts
from bundler.storage.encoding import encode_revision
from bundler.storage.heads import named_packs, read_head
from bundler.storage.inventories import _Budget
from bundler.storage.reading import DamageError
from tests.unit.storage.builders import decode, make_entry, make_revision

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.storage.heads import Head


def test_what_is_believed_of_a_record_is_bounded_by_these_numbers() -> None:
    bounds = {name: value for name, value in vars(limits).items() if name.startswith(("READ_", "REVISION_", "PAGE_"))}
    assert bounds == {
        "PAGE_ENTRIES": 64,
        "READ_SECRET_MAX_BYTES": 2**20,
        "READ_PACK_RAW_MAX_BYTES": 5 * 2**20,
        "READ_REVISION_RAW_MAX_BYTES": 160 * 2**20,
        "REVISION_RAW_MAX_BYTES": 48 * 2**20,
        "READ_VALUES_MAX": 4_000_000,
        "READ_SENSITIVE_RAW_MAX_BYTES": 64 * 2**20,
        "READ_PACKS_MAX": 1024,
        "READ_PARTS_MAX": 512,
        "READ_OBJECTS_MAX": 100_000,
        "READ_STEPS_MAX": 100,
        "READ_GATES_MAX": 100,
        "READ_NESTING_MAX": 200,
    }


def head_with(**content: object) -> Head:
    head = read_head(json.loads(canonical_json(encode_revision(make_revision(), {}).head.body())))
    return replace(head, content={**head.content, **content})


def blobs_of(value: object) -> BlobReader:
    return BlobReader({"it": canonical_json(value)})  # type: ignore[arg-type]


def texts(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def listed(count: int) -> object:
    from hashlib import sha256

    content = canonical_json({"packs": texts(count)})
    digest = sha256(content).hexdigest()
    return listed_packs(replace(head_with(), pack_index=digest), [Piece(digest=digest, content=content)])


def sensitive(content: object) -> object:
    encoded = encode_revision(make_revision(), {})
    (record,) = encoded.sensitive
    packed = replace(record, data={key: zlib.compress(canonical_json(content)) for key in record.data})  # type: ignore[arg-type]
    return read_sensitive([packed.body()])


def packed(count: int) -> object:
    (pack,) = build_packs([Piece(digest=f"{number:064}", content=b"") for number in range(count)])
    return read_pack(pack.name, pack.content)


def named(count: int) -> object:
    return named_packs({"metadata": {"annotations": {"bundler.dev/packs": ",".join(texts(count))}}})


def decoded(**more: Any) -> object:
    return decode(encode_revision(make_revision(make_entry("config"), **more), {}))


def budgeted(count: int) -> None:
    _Budget({}).spend(count)


SITES: dict[str, tuple[str, Callable[[int], object]]] = {
    "packs that a list names": ("READ_PACKS_MAX", listed),
    "packs that a head names": ("READ_PACKS_MAX", named),
    "sensitive parts": ("READ_PARTS_MAX", lambda count: sensitive_parts(head_with(sensitiveParts=count))),
    "bytes of sensitive leaves": (
        "READ_SENSITIVE_RAW_MAX_BYTES",
        lambda count: sensitive({"values": {}, "strings": ["x" * (count - 30)]}),
    ),
    "sensitive strings": ("READ_OBJECTS_MAX", lambda count: sensitive({"values": {}, "strings": texts(count)})),
    "pieces of a pack": ("READ_OBJECTS_MAX", packed),
    "pages of a head": (
        "READ_OBJECTS_MAX",
        lambda count: page_digests({"pages": texts(count // limits.PAGE_ENTRIES + 1)}, blobs_of({})),
    ),
    "pages of a list": (
        "READ_OBJECTS_MAX",
        lambda count: page_digests({"pageIndex": "it"}, blobs_of({"pages": texts(count // limits.PAGE_ENTRIES + 1)})),
    ),
    "entries of a page": ("PAGE_ENTRIES", lambda count: page_rows("it", blobs_of({"entries": texts(count)}))),
    "needs of a component": ("READ_OBJECTS_MAX", lambda count: decoded(needs={"web": tuple(texts(count))})),
    "readiness rules": ("READ_OBJECTS_MAX", lambda count: decoded(readiness=tuple({"kind": one} for one in texts(count)))),
    "bytes of all inventories": ("READ_REVISION_RAW_MAX_BYTES", budgeted),
}  # fmt: skip


@pytest.mark.parametrize("site", SITES)
def test_one_more_than_the_bound_is_damage(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, read = SITES[site]
    monkeypatch.setattr(limits, name, 100)
    read(99)
    with pytest.raises(DamageError):
        read(128)


def test_of_an_index_no_more_is_read_than_a_pack_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "READ_OBJECTS_MAX", 3)
    assert len(read_index_text(index_text(bytes([number]) * 12 for number in range(5)))) == 3
