"""Release record -> revision; believes nothing. Layer: adapter, pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bundler.model.json import mapping_at, text_at
from bundler.model.manifest import Manifest, Source
from bundler.model.release import Authorship, Revision
from bundler.storage import limits, records
from bundler.storage.blobs import BlobReader, join_pieces, read_pack
from bundler.storage.encoding import (
    AUTHOR_FIELDS,
    COMPUTED_SCOPE,
    DETAILS_SCOPE,
    PACK_KEY,
    SENSITIVE_KEY,
    VALUES_SCOPE,
)
from bundler.storage.heads import check_format
from bundler.storage.inventory import read_entry, read_ref
from bundler.storage.metadata import name_of, short_name
from bundler.storage.reading import (
    DamageError,
    count_of,
    inflate,
    list_of,
    mapping_of,
    parse_json,
    secret_bytes,
    shown_mapping_of,
    text_of,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bundler.model.json import Body, JSONValue
    from bundler.model.refs import ObjectRef
    from bundler.model.release import InventoryEntry
    from bundler.storage.blobs import Piece
    from bundler.storage.heads import Head

Taken = tuple["Mapping[str, JSONValue]", frozenset[str]]
"""Sensitive leaves by scope and pointer, and the sensitive strings."""


def read_pack_secret(secret: Body) -> list[Piece]:
    """Return the pieces in a pack Secret.

    Raises:
        DamageError, RecordTooNewError.
    """
    check_format(secret, text_at(secret, "metadata", "annotations", records.FORMAT))
    return read_pack(short_name(name_of(secret)), secret_bytes(secret, PACK_KEY))


def listed_packs(head: Head, pieces: Iterable[Piece]) -> tuple[str, ...]:
    """Return the packs that the listing blob of a head names; ``pieces`` are those of the packs it names itself.

    Raises:
        DamageError
    """
    if not head.pack_index:
        return ()
    listing = mapping_of(BlobReader(join_pieces(pieces)).value(head.pack_index, None), "the list of packs")
    return texts_of(listing.get("packs"), "the list of packs", limits.READ_PACKS_MAX)


def sensitive_parts(head: Head) -> int:
    """Return how many Secrets hold sensitive leaves of a revision.

    Raises:
        DamageError
    """
    parts = count_of(head.content.get("sensitiveParts", 0), "sensitiveParts")
    if parts > limits.READ_PARTS_MAX:
        raise DamageError(f"it has more than {limits.READ_PARTS_MAX} sensitive parts")
    return parts


def read_sensitive(secrets: Sequence[Body], digest: str = "") -> Taken:
    """Read the Secrets with sensitive leaves, in order.

    Args:
        secrets: all parts.
        digest: of their content, as the head says; empty where an older bundler wrote the head.

    Raises:
        DamageError: also when they are another revision's.
        RecordTooNewError
    """
    if not secrets:
        return {}, frozenset()
    for secret in secrets:
        check_format(secret, text_at(secret, "metadata", "annotations", records.FORMAT))
    joined = b"".join(secret_bytes(secret, SENSITIVE_KEY) for secret in secrets)
    raw = inflate(joined, limits.READ_SENSITIVE_RAW_MAX_BYTES)
    if digest and hashlib.sha256(raw).hexdigest() != digest:
        raise DamageError("its content is not what the head of this revision names; was it copied from another one?")
    content = mapping_of(parse_json(raw), "it")
    strings = texts_of(content.get("strings", []), "strings", limits.READ_OBJECTS_MAX)
    return mapping_of(content.get("values"), "values"), frozenset(strings)


def decode_revision(head: Head, pieces: Iterable[Piece], taken: Taken | None) -> Revision:
    """Return a revision.

    Args:
        head: as read.
        pieces: of all packs that it names.
        taken: sensitive leaves; None leaves ``***`` in their place.

    Raises:
        DamageError
    """
    blobs, content = BlobReader(join_pieces(pieces)), head.content
    values = None if taken is None else taken[0]
    details = _mapping_blob(blobs, content, "details", _scope(values, DETAILS_SCOPE))
    return Revision(
        summary=head.summary,
        authorship=_authorship(content, blobs),
        inventory=tuple(_entries(content, blobs, values)),
        computed_values=_computed(content, blobs, values),
        user_values=_mapping_blob(blobs, content, "values", _scope(values, VALUES_SCOPE)),
        needs=_needs(details),
        notes=_text_blob(blobs, content.get("notes", "")),
        rolled_back_to=count_of(content.get("rolledBackTo", 0), "rolledBackTo"),
        sensitive=frozenset() if taken is None else taken[1],
        evidence=_text_blob(blobs, content.get("evidence", "")),
        no_rollback_below=text_of(content.get("noRollbackBelow", ""), "noRollbackBelow"),
        reach=shown_mapping_of(details.get("reach", {}), "reach"),
        readiness=_rules(details, "readiness"),
        conflict_rules=_rules(details, "conflictRules"),
        gates=_rules(details, "gates"),
        backups=tuple(map(_backup, list_of(details.get("backups", []), "backups", limits.READ_OBJECTS_MAX))),
        left_to_others=_left(details),
        recreated=texts_of(details.get("recreated", []), "recreated", limits.READ_OBJECTS_MAX),
        skipped_hooks=texts_of(details.get("skippedHooks", []), "skippedHooks", limits.READ_OBJECTS_MAX),
        immutable=texts_of(details.get("immutableValues", []), "immutableValues", limits.READ_OBJECTS_MAX),
        taken=texts_of(details.get("taken", []), "taken", limits.READ_OBJECTS_MAX),
        accepted_risks=texts_of(details.get("acceptedRisks", []), "acceptedRisks", limits.READ_OBJECTS_MAX),
    )


def _computed(
    content: Body, blobs: BlobReader, values: Mapping[str, JSONValue] | None
) -> Mapping[str, JSONValue] | None:
    """Return what the templates saw; None where the record does not say."""
    return _mapping_blob(blobs, content, "computed", _scope(values, COMPUTED_SCOPE)) if "computed" in content else None


def _scope(values: Mapping[str, JSONValue] | None, name: str) -> Mapping[str, JSONValue] | None:
    return None if values is None else mapping_at(values, name)


def _authorship(content: Body, blobs: BlobReader) -> Authorship:
    found = mapping_of(content.get("authorship", {}), "authorship")
    texts = {}
    for name, attribute in AUTHOR_FIELDS.items():
        value = found.get(name, "")
        in_blob = text_at(value, "blob")
        texts[attribute] = text_of(blobs.value(in_blob, None) if in_blob else value, name)
    return Authorship(**texts)


def inline_authorship(content: Body) -> Authorship | None:
    """Return who made a revision, from its head alone; None where a text of it is too long to be there.

    Raises:
        DamageError
    """
    found = mapping_of(content.get("authorship", {}), "authorship")
    if any(text_at(value, "blob") for value in found.values()):
        return None
    return Authorship(**{field: text_of(found.get(name, ""), name) for name, field in AUTHOR_FIELDS.items()})


def _entries(content: Body, blobs: BlobReader, values: Mapping[str, JSONValue] | None) -> Iterator[InventoryEntry]:
    for digest in page_digests(content, blobs):
        yield from (read_entry(row, blobs, values) for row in page_rows(digest, blobs))


def page_rows(digest: str, blobs: BlobReader) -> Sequence[JSONValue]:
    """Return the rows of a page of the inventory.

    Raises:
        DamageError
    """
    page = mapping_of(blobs.value(digest, None), "a page")
    return list_of(page.get("entries"), "a page", limits.PAGE_ENTRIES)


def named_blobs(content: Body) -> frozenset[str]:
    """Return the digests that a head names itself: of values, details, notes and the like; pages aside."""
    named = (content.get(name) for name in ("values", "computed", "details", "notes", "evidence", "pageIndex"))
    texts = [text_at(text, "blob") for text in mapping_at(content, "authorship").values()]
    return frozenset(str(digest) for digest in (*named, *texts) if digest)


def page_digests(content: Body, blobs: BlobReader) -> tuple[str, ...]:
    """Return the digests of the pages of the inventory.

    Raises:
        DamageError
    """
    max_pages = limits.READ_OBJECTS_MAX // limits.PAGE_ENTRIES + 1
    if "pageIndex" not in content:
        return texts_of(content.get("pages"), "pages", max_pages)
    index = mapping_of(blobs.value(text_of(content["pageIndex"], "pageIndex"), None), "the list of pages")
    return texts_of(index.get("pages"), "pages", max_pages)


def _mapping_blob(
    blobs: BlobReader, content: Body, name: str, taken: Mapping[str, JSONValue] | None
) -> Mapping[str, JSONValue]:
    return shown_mapping_of(blobs.value(text_of(content.get(name), name), taken), name)


def _text_blob(blobs: BlobReader, digest: JSONValue) -> str:
    return text_of(blobs.value(text_of(digest, "a digest"), None), "a text") if digest else ""


def _needs(details: Body) -> dict[str, tuple[str, ...]]:
    found = mapping_of(details.get("needs", {}), "needs")
    return {component: texts_of(needs, "needs", limits.READ_OBJECTS_MAX) for component, needs in found.items()}


def _rules(details: Body, name: str) -> tuple[Body, ...]:
    rules = list_of(details.get(name, []), name, limits.READ_OBJECTS_MAX)
    return tuple(shown_mapping_of(rule, f"one of {name}") for rule in rules)


def _backup(row: JSONValue) -> Manifest:
    cells = mapping_of(row, "a backup")
    return Manifest(
        ref=read_ref(cells.get("ref")),
        api_version=text_of(cells.get("apiVersion"), "apiVersion"),
        body=shown_mapping_of(cells.get("body"), "a backup"),
        source=Source(text_of(cells.get("file", ""), "file"), count_of(cells.get("line", 0), "line")),
        component=text_of(cells.get("component", ""), "component"),
        is_backup=True,
    )


def _left(details: Body) -> dict[ObjectRef, tuple[str, ...]]:
    found = list_of(details.get("leftToOthers", []), "leftToOthers", limits.READ_OBJECTS_MAX)
    rows = [mapping_of(row, "one of leftToOthers") for row in found]
    return {read_ref(row.get("ref")): texts_of(row.get("fields"), "fields", limits.READ_OBJECTS_MAX) for row in rows}
