"""Revisions to store, and records as a cluster would hand them back."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bundler.model.json import mapping_at
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.release import (
    Authorship,
    BundleReference,
    InventoryEntry,
    ReleaseStatus,
    Revision,
    RevisionSummary,
)
from bundler.model.rollout import Rollout, RolloutState, Share
from bundler.model.stage import Stage
from bundler.storage.blobs import read_index_text
from bundler.storage.decoding import decode_revision, listed_packs, read_pack_secret, read_sensitive
from bundler.storage.encoding import encode_revision
from bundler.storage.heads import read_head
from bundler.storage.records import INDEX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body, JSONValue
    from bundler.storage.encoding import EncodedRevision

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SECRET = "correct-horse-battery-staple"


def make_summary(
    revision: int = 1, status: ReleaseStatus = ReleaseStatus.PENDING_INSTALL, **more: object
) -> RevisionSummary:
    bundle = BundleReference(
        name="shop", version="1.4.0", app_version="2026.11", digest="sha256:" + "ab" * 32, origin="./shop"
    )
    usual = RevisionSummary(
        release="shop",
        namespace="prod",
        revision=revision,
        status=status,
        bundle=bundle,
        updated=NOON,
        created=NOON,
        description="installing",
        user="ada",
        objects=2,
    )
    return replace(usual, **more)  # type: ignore[arg-type]


def make_rollout(**more: object) -> Rollout:
    usual = Rollout(
        shares={"web": (Share(10, is_percent=True), Share.parse("50%")), "web/api": (Share(1), Share(5))},
        step=1,
        state=RolloutState.MOVING,
        since=NOON,
        by="ada",
        pause_after="canary",
        soak_s=120,
        gates=("quiet", "smoke"),
    )
    return replace(usual, **more)  # type: ignore[arg-type]


def make_entry(name: str, body: Mapping[str, JSONValue] | None = None, kind: str = "ConfigMap") -> InventoryEntry:
    ref = ObjectRef("", kind, "prod", name)
    full: Body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "prod"}, **(body or {})}
    source = Source("web/templates/all.yaml", 7)
    manifest = Manifest(ref=ref, api_version="v1", body=full, source=source, component="web")
    return InventoryEntry(
        ref=ref, api_version="v1", stage=Stage.CONFIG, component="web", source=str(source), manifest=manifest
    )


def make_revision(*entries: InventoryEntry, revision: int = 1, **more: object) -> Revision:
    usual = Revision(
        summary=make_summary(revision),
        authorship=Authorship(
            user="ada", host="laptop", tool_version="0.1.0", command="bundler install shop", reason="go"
        ),
        inventory=entries or (make_entry("config", {"data": {"qps": "1000"}}), make_secret()),
        user_values={"qps": 1000, "db": {"password": SECRET}},
        needs={"web": ("db", "cache")},
        notes="Open http://shop.example",
        sensitive=frozenset({SECRET}),
        no_rollback_below="1.4.0",
        reach={"namespaces": ["other"]},
        readiness=({"group": "x.example", "kind": "Db", "name": "", "ready": "object.status.ok", "failed": ""},),
    )
    return replace(usual, **more)  # type: ignore[arg-type]


def make_secret(name: str = "login", text: str = SECRET) -> InventoryEntry:
    return make_entry(name, {"data": {"password": base64.b64encode(text.encode()).decode()}}, kind="Secret")


def known_of(encoded: EncodedRevision) -> dict[str, frozenset[bytes]]:
    """What a metadata-only list tells about the packs of a revision."""
    return {record.name.rpartition(".")[2]: read_index_text(record.annotations[INDEX]) for record in encoded.packs}


def decode(encoded: EncodedRevision, *older: EncodedRevision, with_sensitive: bool = True) -> Revision:
    """Read back what was encoded; packs of older revisions are there too."""
    stored = {record.name.rpartition(".")[2]: record.body() for one in (*older, encoded) for record in one.packs}
    head = read_head(encoded.head.body())
    pieces = [piece for name in head.packs for piece in read_pack_secret(stored[name])]
    pieces += [piece for name in listed_packs(head, pieces) for piece in read_pack_secret(stored[name])]
    parts = [record.body() for record in encoded.sensitive]
    taken = read_sensitive(parts, str(head.content["sensitive"])) if with_sensitive else None
    return decode_revision(head, pieces, taken)


def visible_bytes(encoded: EncodedRevision) -> bytes:
    """Everything that someone who may not read the sensitive Secrets can see, decompressed."""
    import zlib

    found = [str(encoded.head.body()).encode(), *encoded.head.data.values()]
    for record in encoded.packs:
        found += [str(record.annotations).encode(), *(zlib.decompress(data) for data in record.data.values())]
    return b"\n".join(found)


def round_trip(revision: Revision) -> Revision:
    return decode(encode_revision(revision, {}))


def labels_of(body: Body) -> Body:
    return mapping_at(body, "metadata", "labels")
