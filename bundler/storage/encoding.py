"""Revision -> release record. Layer: adapter, pure."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING

from bundler.errors.change import RecordTooLargeError
from bundler.model import labels
from bundler.model.json import canonical_json, mapping_at, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.release import ReleaseStatus
from bundler.model.size import cut
from bundler.storage import limits, records
from bundler.storage.blobs import BlobWriter, build_packs, choose_packs, index_text, pieces_of
from bundler.storage.heads import (
    CORRECTED,
    DATA_KEY,
    FINISHED_JOBS,
    PROTECTION,
    ROLLOUT,
    capped,
    check_size,
    format_of,
    head_record,
    named_packs,
    protection_text,
    read_summary,
)
from bundler.storage.inventory import ref_cells, write_pages
from bundler.storage.metadata import short_name
from bundler.storage.reading import mapping_of, parse_json, secret_bytes
from bundler.storage.rollouts import rollout_text
from bundler.storage.sensitive import Hider, Secrets, hide_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from bundler.model.json import Body, JSONValue
    from bundler.model.manifest import Manifest
    from bundler.model.release import Authorship, Protection, Revision, RevisionSummary
    from bundler.model.rollout import Rollout
    from bundler.storage.blobs import Pack
    from bundler.storage.records import Record

VALUES_SCOPE = "values"
COMPUTED_SCOPE = "computed"
DETAILS_SCOPE = "details"
SENSITIVE_KEY = "sensitive"
PACK_KEY = "pack"
AUTHOR_FIELDS = {
    "user": "user",
    "account": "account",
    "host": "host",
    "toolVersion": "tool_version",
    "command": "command",
    "reason": "reason",
    "clusterUid": "cluster_uid",
    "outsideWindow": "outside_window",
}
"""Name in the head -> field of Authorship."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRevision:
    """Everything to write for one revision, in the order of writing."""

    packs: tuple[Record, ...]
    """Only those that do not exist yet."""
    sensitive: tuple[Record, ...]
    head: Record
    secrets: Secrets
    """To mask what is written about this revision later."""


def encode_revision(revision: Revision, known: Mapping[str, frozenset[bytes]]) -> EncodedRevision:
    """Return the records of a revision.

    Args:
        revision: complete, with its sensitive strings.
        known: packs that exist already -> short keys of what they hold.

    Raises:
        RecordTooLargeError: when the head would break its size.
    """
    secrets = Secrets(revision.sensitive, _public_words(revision))
    writer = BlobWriter()
    content, taken = _head_content(revision, writer, secrets)
    raw = _sensitive_json(revision, taken)
    sensitive = _sensitive_records(revision, raw)
    content["sensitiveParts"] = len(sensitive)
    content["sensitive"] = hashlib.sha256(raw).hexdigest() if raw else ""
    _refuse_huge(revision, writer.blobs)
    names, packs, index = _plan_packs(writer.blobs, known)
    return EncodedRevision(
        packs=tuple(_pack_record(pack, revision.summary) for pack in packs),
        sensitive=sensitive,
        head=head_record(_masked(revision.summary, secrets), content, names, index),
        secrets=secrets,
    )


def _public_words(revision: Revision) -> Iterator[str]:
    """Yield identifiers that are in the record anyway."""
    summary = revision.summary
    yield from (summary.release, summary.namespace, summary.bundle.name, summary.bundle.version)
    for entry in revision.inventory:
        yield from (entry.ref.group, entry.ref.kind, entry.ref.namespace, entry.ref.name)
        yield from (entry.api_version, entry.component, entry.source)
    for component, needs in revision.needs.items():
        yield from (component, *needs)


def _masked(summary: RevisionSummary, secrets: Secrets) -> RevisionSummary:
    return capped(
        replace(
            summary,
            description=secrets.mask(summary.description),
            user=secrets.mask(summary.user),
            rollout=summary.rollout and masked_rollout(summary.rollout, secrets),
        )
    )


def masked_rollout(rollout: Rollout, secrets: Secrets) -> Rollout:
    """Return a rollout whose words hold no secret."""
    return replace(rollout, by=secrets.mask(rollout.by), reason=secrets.mask(rollout.reason))


def _head_content(
    revision: Revision, writer: BlobWriter, secrets: Secrets
) -> tuple[dict[str, JSONValue], dict[str, JSONValue]]:
    """Write all blobs; return the JSON of the head and what was taken out, by scope."""
    pages, taken = write_pages(revision.inventory, writer, secrets)
    values, details = Hider(secrets, are_whole_hidden=True), Hider(secrets)
    computed = Hider(secrets, are_whole_hidden=True)
    content: dict[str, JSONValue] = {
        "formatVersion": format_of(revision.summary.rollout),
        "release": revision.summary.release,
        "namespace": revision.summary.namespace,
        "revision": revision.summary.revision,
        "authorship": _authorship(revision.authorship, writer, secrets),
        "values": writer.add_bytes(hide_json(values, revision.user_values)),
        "details": writer.add_bytes(hide_json(details, _details(revision))),
        "notes": _text_blob(secrets.mask(revision.notes), writer),
        "evidence": _text_blob(cut(secrets.mask(revision.evidence), limits.EVIDENCE_MAX_BYTES), writer),
        "rolledBackTo": revision.rolled_back_to,
        "noRollbackBelow": revision.no_rollback_below,
    }
    content |= {"pages": [*pages]} if len(pages) <= limits.INLINE_PAGES else {"pageIndex": writer.add({"pages": pages})}
    if revision.computed_values is not None:
        content["computed"] = writer.add_bytes(hide_json(computed, revision.computed_values))
    scopes = ((VALUES_SCOPE, values), (COMPUTED_SCOPE, computed), (DETAILS_SCOPE, details))
    return content, taken | {scope: hider.taken for scope, hider in scopes if hider.taken}


def _details(revision: Revision) -> dict[str, JSONValue]:
    return {
        "needs": {component: list(needs) for component, needs in revision.needs.items()},
        "reach": revision.reach,
        "readiness": list(revision.readiness),
        **({"conflictRules": list(revision.conflict_rules)} if revision.conflict_rules else {}),
        **({"gates": list(revision.gates)} if revision.gates else {}),
        **({"backups": list(map(_backup, revision.backups))} if revision.backups else {}),
        **({"leftToOthers": _left(revision)} if revision.left_to_others else {}),
        **({"acceptedRisks": list(revision.accepted_risks)} if revision.accepted_risks else {}),
        **({"recreated": list(revision.recreated)} if revision.recreated else {}),
        **({"skippedHooks": list(revision.skipped_hooks)} if revision.skipped_hooks else {}),
        **({"immutableValues": list(revision.immutable)} if revision.immutable else {}),
        **({"taken": list(revision.taken)} if revision.taken else {}),
    }


def _backup(manifest: Manifest) -> Body:
    source = manifest.source
    return {
        "ref": ref_cells(manifest.ref),
        "apiVersion": manifest.api_version,
        "component": manifest.component,
        "file": source.file,
        "line": source.line,
        "body": manifest.body,
    }


def _left(revision: Revision) -> list[JSONValue]:
    left = sorted(revision.left_to_others.items())
    return [{"ref": ref_cells(ref), "fields": [*paths]} for ref, paths in left]


def _text_blob(text: str, writer: BlobWriter) -> str:
    return writer.add(text) if text else ""


def _authorship(who: Authorship, writer: BlobWriter, secrets: Secrets) -> dict[str, JSONValue]:
    found: dict[str, JSONValue] = {}
    for name, attribute in AUTHOR_FIELDS.items():
        text = secrets.mask(str(getattr(who, attribute)))
        is_long = len(text.encode(errors="replace")) > limits.INLINE_MAX_BYTES
        if text:
            found[name] = {"blob": writer.add(text)} if is_long else text
    return found


def _refuse_huge(revision: Revision, blobs: Mapping[str, bytes]) -> None:
    """Refuse what could not be read again: readers bound all packs of a revision together."""
    size = sum(map(len, blobs.values()))
    if size > limits.REVISION_RAW_MAX_BYTES:
        raise RecordTooLargeError(
            f"recording release {revision.summary.release}",
            context=[f"its manifests and values take {size} bytes; at most {limits.REVISION_RAW_MAX_BYTES} are kept"],
            hint="install parts of it as releases of their own",
        )


def _sensitive_json(revision: Revision, taken: Mapping[str, JSONValue]) -> bytes:
    """Return what is kept apart as JSON; nothing where there is nothing."""
    if not taken and not revision.sensitive:
        return b""
    strings: list[JSONValue] = [*sorted(revision.sensitive)]
    return canonical_json({"formatVersion": limits.PLAIN_FORMAT, "values": taken, "strings": strings})


def _sensitive_records(revision: Revision, raw: bytes) -> tuple[Record, ...]:
    if not raw:
        return ()
    content, step, summary = zlib.compress(raw, 6), limits.PACK_MAX_BYTES, revision.summary
    cuts = [content[at : at + step] for at in range(0, len(content), step)]
    return tuple(
        records.Record(
            kind=records.SENSITIVE,
            name=records.sensitive_name(summary.release, summary.revision, number),
            release=summary.release,
            namespace=summary.namespace,
            data={SENSITIVE_KEY: part},
            labels={labels.REVISION: str(summary.revision)},
            annotations={records.FORMAT: str(limits.PLAIN_FORMAT), records.PARTS: str(len(cuts))},
        )
        for number, part in enumerate(cuts)
    )


def _plan_packs(
    blobs: Mapping[str, bytes], known: Mapping[str, frozenset[bytes]]
) -> tuple[tuple[str, ...], list[Pack], str]:
    """Return the packs that the head names, those to write, and the blob that lists them where they are too many."""
    pieces = list(pieces_of(blobs))
    reused = choose_packs((piece.key for piece in pieces), known)
    held = frozenset[bytes]().union(*(known[name] for name in reused))
    new = build_packs(piece for piece in pieces if piece.key not in held)
    names = [*reused, *(pack.name for pack in new)]
    if reused and len(names) > limits.REPACK_ABOVE:
        fresh = build_packs(pieces)
        if 2 * len(fresh) <= len(names):
            names, new = [pack.name for pack in fresh], [pack for pack in fresh if pack.name not in known]
    if len(names) <= limits.INLINE_PACKS:
        return tuple(names), new, ""
    folded = BlobWriter()
    index = folded.add({"packs": names})
    listing = build_packs(pieces_of(folded.blobs))
    return tuple(pack.name for pack in listing), [*new, *listing], index


def _pack_record(pack: Pack, summary: RevisionSummary) -> Record:
    return records.Record(
        kind=records.PACK,
        name=records.pack_name(summary.release, pack.name),
        release=summary.release,
        namespace=summary.namespace,
        data={PACK_KEY: pack.content},
        annotations={records.FORMAT: str(limits.PLAIN_FORMAT), records.INDEX: index_text(pack.keys)},
    )


def mark_head(
    secret: Body,
    status: ReleaseStatus,
    *,
    updated: datetime,
    description: str = "",
    evidence: str = "",
    finished_jobs: Collection[str] = (),
) -> tuple[Body, tuple[Record, ...]]:
    """Return a head with another status, and the packs that its evidence needs.

    A status that is not pending ends a rollout.

    Args:
        secret: the head as it was read; its resourceVersion stays in, as a precondition.
        status: the new one.
        updated: when; what is superseded keeps the time at which it was deployed.
        description: empty leaves the old one.
        evidence: masked already; empty leaves the old one.
        finished_jobs: marks of Jobs, added to those that the head has.

    Raises:
        DamageError: when the head cannot be read.
        RecordTooLargeError: when it would break its size.
    """
    notes = dict(mapping_at(secret, "metadata", "annotations"))
    marks = {**mapping_at(secret, "metadata", "labels"), labels.STATUS: status.value}
    if status is not ReleaseStatus.SUPERSEDED:
        notes[labels.PREFIX + "updated"] = updated.isoformat()
    if description:
        notes[labels.PREFIX + "description"] = cut(description, limits.DESCRIPTION_MAX_BYTES)
    if finished_jobs:
        known = [mark for mark in text_at(notes, FINISHED_JOBS).split(",") if mark]
        notes[FINISHED_JOBS] = ",".join(dict.fromkeys((*known, *finished_jobs)))
    packs: tuple[Record, ...] = ()
    changes: Body = {}
    if ROLLOUT in notes and not status.is_pending:
        changes = _set_rollout(notes, None, "")
    if evidence:
        digest, packs = _with_evidence(secret, evidence)
        changes = {**changes, "evidence": digest}
        # Names come on top of a listing blob, so a folded list of packs need not be read here.
        notes[records.PACKS] = ",".join(
            dict.fromkeys((*named_packs(secret)[0], *(short_name(one.name) for one in packs)))
        )
    return _rewritten(secret, _changed(secret, changes), annotations=notes, labels=marks), packs


def protect_head(secret: Body, protection: Protection) -> Body:
    """Return a head that says whether its release is protected.

    Args:
        secret: the head as it was read; its resourceVersion stays in, as a precondition.
        protection: to record.

    Raises:
        RecordTooLargeError: when it would break its size.
    """
    notes = {**mapping_at(secret, "metadata", "annotations"), PROTECTION: protection_text(protection)}
    return _rewritten(secret, mapping_at(secret, "data"), annotations=notes)


def count_correction(secret: Body) -> Body:
    """Return a head that says that drift from its revision was put back once more.

    Args:
        secret: the head as it was read; its resourceVersion stays in, as a precondition.

    Raises:
        DamageError: when the head cannot be read.
    """
    notes = {**mapping_at(secret, "metadata", "annotations"), CORRECTED: str(read_summary(secret).corrected + 1)}
    return _rewritten(secret, mapping_at(secret, "data"), annotations=notes)


def move_head(secret: Body, rollout: Rollout | None) -> Body:
    """Return a head that says how far its rollout has come; None: it is over.

    Args:
        secret: the head as it was read; its resourceVersion stays in, as a precondition.
        rollout: to record, its words masked; with the time since which it is so.

    Raises:
        DamageError: when the head cannot be read.
        RecordTooLargeError: when it would break its size.
    """
    notes = dict(mapping_at(secret, "metadata", "annotations"))
    release = text_at(secret, "metadata", "labels", labels.RELEASE_NAME)
    changes = _set_rollout(notes, rollout, release)
    return _rewritten(secret, _changed(secret, changes), annotations=notes)


def _set_rollout(notes: dict[str, JSONValue], rollout: Rollout | None, release: str) -> Body:
    """Write a rollout into annotations, or take it out; return what changes in the JSON of the head."""
    notes.pop(ROLLOUT, None)
    if rollout is not None:
        notes[ROLLOUT] = rollout_text(rollout, release)
    notes[records.FORMAT] = str(format_of(rollout))
    return {"formatVersion": format_of(rollout)}


def _changed(secret: Body, changes: Body) -> Body:
    """Return the data of a head with some keys of its JSON changed."""
    if not changes:
        return mapping_at(secret, "data")
    content = mapping_of(parse_json(secret_bytes(secret, DATA_KEY)), "the head")
    return {DATA_KEY: base64.b64encode(canonical_json({**content, **changes})).decode()}


def _rewritten(secret: Body, data: Body, **metadata: Body) -> Body:
    """Return a head with other data and metadata, as it is sent."""
    kept = {key: value for key, value in mapping_at(secret, "metadata").items() if key != "managedFields"}
    body: Body = {**secret, "metadata": {**kept, **metadata}, "data": data}
    check_size(body)
    return body


def _with_evidence(secret: Body, evidence: str) -> tuple[str, tuple[Record, ...]]:
    """Return the digest of the evidence, and the packs that hold it."""
    writer = BlobWriter()
    digest = writer.add(cut(evidence, limits.EVIDENCE_MAX_BYTES))
    summary = read_summary(secret)
    packs = tuple(_pack_record(pack, summary) for pack in build_packs(pieces_of(writer.blobs)))
    return digest, packs
