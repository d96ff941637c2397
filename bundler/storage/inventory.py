"""Inventory pages: entries and manifests as blobs, and back. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import canonical_json, mapping_at, text_at
from bundler.model.lean import replace
from bundler.model.manifest import GeneratedSecret, Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.release import InventoryEntry
from bundler.model.stage import Stage
from bundler.storage import limits
from bundler.storage.reading import DamageError, count_of, mapping_of, shown_mapping_of, text_of, texts_of
from bundler.storage.sensitive import Hider, hide_json, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.json import JSONValue
    from bundler.storage.blobs import BlobReader, BlobWriter
    from bundler.storage.sensitive import Secrets

SECRET_FIELDS = ("data", "stringData")


def write_pages(
    entries: Sequence[InventoryEntry], writer: BlobWriter, secrets: Secrets
) -> tuple[list[str], dict[str, JSONValue]]:
    """Write manifests and pages; return the digests of the pages and what was taken out, by object.

    Args:
        entries: one for each object.
        writer: stores blobs.
        secrets: takes sensitive leaves out.
    """
    taken: dict[str, JSONValue] = {}
    rows = [_row(entry, writer, secrets, taken) for entry in entries]
    steps = range(0, len(rows), limits.PAGE_ENTRIES)
    return [writer.add({"entries": rows[at : at + limits.PAGE_ENTRIES]}) for at in steps], taken


def _row(
    entry: InventoryEntry, writer: BlobWriter, secrets: Secrets, taken: dict[str, JSONValue]
) -> dict[str, JSONValue]:
    row: dict[str, JSONValue] = {
        "ref": ref_cells(entry.ref),
        "apiVersion": entry.api_version,
        "stage": int(entry.stage),
        "component": entry.component,
        "source": entry.source,
    }
    if entry.generated is not None:
        row["generated"] = _generated_cells(entry.generated)
    if entry.manifest is not None:
        row["manifest"] = _manifest_cells(entry, entry.manifest, writer, secrets, taken)
    return row


def _manifest_cells(
    entry: InventoryEntry, manifest: Manifest, writer: BlobWriter, secrets: Secrets, taken: dict[str, JSONValue]
) -> JSONValue:
    hider = Hider(secrets)
    digest = writer.add_bytes(_manifest_json(manifest, hider))
    if hider.taken:
        taken[str(entry.ref)] = hider.taken
    cells: dict[str, JSONValue] = {"digest": digest, "file": manifest.source.file, "line": manifest.source.line}
    # Almost always the same as the entry's, and then not worth a word on 64 rows of a page.
    if manifest.ref != entry.ref:
        cells["ref"] = ref_cells(manifest.ref)
    if manifest.api_version != entry.api_version:
        cells["apiVersion"] = manifest.api_version
    if manifest.component != entry.component:
        cells["component"] = manifest.component
    return cells


def _manifest_json(manifest: Manifest, hider: Hider) -> bytes:
    body = manifest.body
    if (manifest.ref.group, manifest.ref.kind) != ("", "Secret"):
        return hide_json(hider, body)
    hidden: dict[str, JSONValue] = {
        key: hider.take_leaves(item, f"/{key}") if key in SECRET_FIELDS else hider.hide(item, f"/{key}")
        for key, item in body.items()
    }
    return canonical_json(wrap(hidden))


def _generated_cells(secret: GeneratedSecret) -> JSONValue:
    """What to make, should it be gone at a rollback; never its text."""
    return {
        "name": secret.name,
        "key": secret.key,
        "kind": secret.kind,
        "length": secret.length,
        "file": secret.source.file,
        "line": secret.source.line,
    }


def _generated(row: Mapping[str, JSONValue], ref: ObjectRef, component: str) -> GeneratedSecret:
    cells = mapping_of(row["generated"], "a generated secret")
    return GeneratedSecret(
        name=text_of(cells.get("name"), "name"),
        ref=ref,
        key=text_of(cells.get("key"), "key"),
        kind=text_of(cells.get("kind"), "kind"),
        length=count_of(cells.get("length"), "length"),
        component=component,
        source=Source(text_of(cells.get("file", ""), "file"), count_of(cells.get("line", 0), "line")),
    )


def ref_cells(ref: ObjectRef) -> list[JSONValue]:
    """Return an object's name as `read_ref` takes it."""
    return [ref.group, ref.kind, ref.namespace, ref.name]


def read_entry(row: JSONValue, blobs: BlobReader, taken: Mapping[str, JSONValue] | None) -> InventoryEntry:
    """Read one row of a page.

    Args:
        row: as :func:`write_pages` wrote it.
        blobs: gives the manifests.
        taken: sensitive leaves by object; None leaves ``***`` in their place.

    Raises:
        DamageError
    """
    cells, owned = mapping_of(row, "an entry"), read_owned(row)
    return replace(owned, manifest=_manifest(cells, owned.ref, blobs, taken)) if "manifest" in cells else owned


def read_owned(row: JSONValue) -> InventoryEntry:
    """Read one row of a page without its manifest.

    Raises:
        DamageError
    """
    cells = mapping_of(row, "an entry")
    ref = read_ref(cells.get("ref"))
    component = text_of(cells.get("component", ""), "component")
    return InventoryEntry(
        ref=ref,
        api_version=text_of(cells.get("apiVersion"), "apiVersion"),
        stage=_stage(cells.get("stage")),
        component=component,
        source=text_of(cells.get("source", ""), "source"),
        generated=_generated(cells, ref, component) if "generated" in cells else None,
    )


def manifest_digest(row: JSONValue) -> str:
    """Return the digest of the manifest that a row names; empty where it names none."""
    return text_at(row, "manifest", "digest")


def _manifest(
    row: Mapping[str, JSONValue], ref: ObjectRef, blobs: BlobReader, taken: Mapping[str, JSONValue] | None
) -> Manifest:
    cells = mapping_of(row["manifest"], "a manifest")
    own = None if taken is None else mapping_at(taken, str(ref))
    body = blobs.value(text_of(cells.get("digest"), "a digest"), own)
    return Manifest(
        ref=read_ref(cells["ref"]) if "ref" in cells else ref,
        api_version=text_of(cells.get("apiVersion", row.get("apiVersion")), "apiVersion"),
        body=shown_mapping_of(body, f"the manifest of {ref}"),
        source=Source(text_of(cells.get("file", ""), "file"), count_of(cells.get("line", 0), "line")),
        component=text_of(cells.get("component", row.get("component", "")), "component"),
    )


def read_ref(value: JSONValue) -> ObjectRef:
    """Read group, kind, namespace and name of an object.

    Raises:
        DamageError
    """
    cells = texts_of(value, "a reference to an object", 4)
    if len(cells) != 4:
        raise DamageError("a reference to an object has not 4 parts")
    return ObjectRef(*cells)


def _stage(value: JSONValue) -> Stage:
    try:
        return Stage(count_of(value, "a stage"))
    except ValueError as error:
        raise DamageError(f"there is no stage {value}") from error
