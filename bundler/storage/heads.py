"""The head of a revision: columns as metadata, the rest as JSON. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.change import RecordTooLargeError, RecordTooNewError
from bundler.model import labels
from bundler.model.digits import parse_digits
from bundler.model.json import Body, JSONValue, canonical_json, mapping_at, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.release import BundleReference, Protection, ReleaseStatus, RevisionSummary
from bundler.model.size import cut
from bundler.storage import limits, records
from bundler.storage.reading import DamageError, count_of, mapping_of, parse_json, secret_bytes, time_of, word_of
from bundler.storage.rollouts import read_rollout, rollout_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.rollout import Rollout

DATA_KEY = "head"
_P = labels.PREFIX
FINISHED_JOBS = _P + "finished-jobs"
PROTECTION = _P + "protection"
ROLLOUT = _P + "rollout"
INPUTS = _P + "inputs"
CORRECTED = _P + "corrected"
"""How often drift from the revision was put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A head as read: its columns, the packs it needs, its JSON."""

    summary: RevisionSummary
    packs: tuple[str, ...]
    pack_index: str
    """Digest of the blob that lists the packs; empty where ``packs`` is complete."""
    content: Mapping[str, JSONValue]


def capped(summary: RevisionSummary) -> RevisionSummary:
    """Return what a head keeps of a summary: every column has its size."""
    bundle, short = summary.bundle, limits.SHORT_MAX_BYTES
    kept = BundleReference(
        name=cut(bundle.name, short),
        version=cut(bundle.version, short),
        app_version=cut(bundle.app_version, short),
        digest=cut(bundle.digest, short),
        origin=cut(bundle.origin, limits.ORIGIN_MAX_BYTES),
    )
    description = cut(summary.description, limits.DESCRIPTION_MAX_BYTES)
    rollout = summary.rollout and replace(summary.rollout, since=summary.rollout.since or summary.updated)
    return replace(
        summary,
        bundle=kept,
        description=description,
        user=cut(summary.user, limits.USER_MAX_BYTES),
        rollout=rollout,
        inputs=cut(summary.inputs, short),
    )


def head_record(
    summary: RevisionSummary, content: Mapping[str, JSONValue], packs: tuple[str, ...], pack_index: str
) -> records.Record:
    """Return the head Secret of a revision.

    Args:
        summary: of the revision.
        content: the head's own data.
        packs: names of its packs.
        pack_index: which blob is in which pack.

    Raises:
        RecordTooLargeError: when it would be larger than 8 KiB.
    """
    own = {labels.REVISION: str(summary.revision), labels.STATUS: summary.status.value}
    record = records.Record(
        kind=records.HEAD,
        name=records.head_name(summary.release, summary.revision),
        release=summary.release,
        namespace=summary.namespace,
        data={DATA_KEY: canonical_json(content)},
        labels=own,
        annotations=_columns(summary, packs, pack_index),
    )
    check_size(record.body())
    return record


def _columns(summary: RevisionSummary, packs: tuple[str, ...], pack_index: str) -> dict[str, str]:
    bundle = summary.bundle
    found = {
        records.FORMAT: str(format_of(summary.rollout)),
        _P + "bundle-name": bundle.name,
        _P + "bundle-version": bundle.version,
        _P + "app-version": bundle.app_version,
        _P + "bundle-digest": bundle.digest,
        _P + "origin": bundle.origin,
        _P + "updated": summary.updated.isoformat(),
        _P + "created": summary.created.isoformat(),
        _P + "description": summary.description,
        _P + "user": summary.user,
        _P + "objects": str(summary.objects),
        _P + "waited": "true" if summary.is_waited else "false",
        FINISHED_JOBS: ",".join(summary.finished_jobs),
        PROTECTION: protection_text(summary.protection) if summary.protection else "",
        ROLLOUT: rollout_text(summary.rollout, summary.release) if summary.rollout else "",
        INPUTS: summary.inputs,
        CORRECTED: str(summary.corrected or ""),
        records.PACKS: ",".join(packs),
        records.PACK_INDEX: pack_index,
    }
    return {key: text for key, text in found.items() if text}


def format_of(rollout: Rollout | None) -> int:
    """Return the format of a head: who does not know of rollouts refuses to change a release that has one open."""
    return limits.PLAIN_FORMAT if rollout is None else limits.ROLLOUT_FORMAT


def protection_text(protection: Protection) -> str:
    """Return a column that says whether the release is protected, since when, by whom and why."""
    content: Body = {
        "on": protection.is_on,
        "since": protection.since.isoformat(),
        "user": cut(protection.user, limits.USER_MAX_BYTES),
        "reason": cut(protection.reason, limits.DESCRIPTION_MAX_BYTES),
    }
    return canonical_json(content).decode()


def _protection(text: str) -> Protection | None:
    if not text:
        return None
    content = mapping_of(parse_json(text.encode()), "its protection")
    return Protection(
        is_on=content.get("on") is not False,
        since=time_of(text_at(content, "since")),
        user=text_at(content, "user"),
        reason=text_at(content, "reason"),
    )


def check_size(body: Body) -> None:
    """Check that a head stays small; a rollout, which has its own limit, comes on top.

    Raises:
        RecordTooLargeError
    """
    notes = mapping_at(body, "metadata", "annotations")
    size = len(canonical_json(body)) - len(canonical_json(text_at(notes, ROLLOUT)))
    if size > limits.HEAD_MAX_BYTES:
        name = text_at(body, "metadata", "name")
        raise RecordTooLargeError(
            f"writing release record {name}",
            context=[f"its head would take {size} bytes; at most {limits.HEAD_MAX_BYTES} are allowed"],
            hint="shorten the reason (-m) or the command line; move many --set into a file given with -f",
        )


def read_summary(secret: Body) -> RevisionSummary:
    """Read the columns of a head from its metadata alone.

    Raises:
        DamageError, RecordTooNewError.
    """
    marks, notes = mapping_at(secret, "metadata", "labels"), mapping_at(secret, "metadata", "annotations")
    check_format(secret, text_at(notes, records.FORMAT))
    bundle = BundleReference(
        name=text_at(notes, _P + "bundle-name"),
        version=text_at(notes, _P + "bundle-version"),
        app_version=text_at(notes, _P + "app-version"),
        digest=text_at(notes, _P + "bundle-digest"),
        origin=text_at(notes, _P + "origin"),
    )
    return RevisionSummary(
        release=text_at(marks, labels.RELEASE_NAME),
        namespace=text_at(secret, "metadata", "namespace"),
        revision=_number(text_at(marks, labels.REVISION), "its revision"),
        status=word_of(ReleaseStatus, text_at(marks, labels.STATUS), "its status"),
        bundle=bundle,
        updated=time_of(text_at(notes, _P + "updated")),
        created=time_of(text_at(notes, _P + "created")),
        description=text_at(notes, _P + "description"),
        user=text_at(notes, _P + "user"),
        objects=_number(text_at(notes, _P + "objects") or "0", "its number of objects"),
        is_waited=text_at(notes, _P + "waited") != "false",
        finished_jobs=tuple(mark for mark in text_at(notes, FINISHED_JOBS).split(",") if mark),
        protection=_protection(text_at(notes, PROTECTION)),
        rollout=_rollout(notes),
        inputs=text_at(notes, INPUTS),
        corrected=_number(text_at(notes, CORRECTED) or "0", "how often it was corrected"),
        resource_version=text_at(secret, "metadata", "resourceVersion"),
        uid=text_at(secret, "metadata", "uid"),
    )


def _rollout(notes: Body) -> Rollout | None:
    found = read_rollout(text_at(notes, ROLLOUT))
    _check_rollout(found, text_at(notes, records.FORMAT))
    return found


def _check_rollout(rollout: Rollout | None, version: str) -> None:
    """A head that lost its rollout must not be taken for one without: its workloads are held.

    Raises:
        DamageError
    """
    if (rollout is not None) != (parse_digits(version) == limits.ROLLOUT_FORMAT):
        raise DamageError(f"its format is {version or 'not given'}, and it has {'a' if rollout else 'no'} rollout")


def check_format(secret: Body, version: str) -> None:
    """Refuse what a newer bundler wrote.

    Raises:
        RecordTooNewError
    """
    if (parse_digits(version[:9]) or 0) > limits.FORMAT_VERSION:
        raise RecordTooNewError(
            f"reading release record {text_at(secret, 'metadata', 'name')}",
            context=[f"it has format {version}; this bundler reads formats up to {limits.FORMAT_VERSION}"],
            hint="use the bundler that wrote it, or a later one, for this release",
        )


def read_head(secret: Body) -> Head:
    """Read a whole head.

    Raises:
        DamageError, RecordTooNewError.
    """
    summary = read_summary(secret)
    content = mapping_of(parse_json(secret_bytes(secret, DATA_KEY)), "the head")
    version = str(count_of(content.get("formatVersion"), "formatVersion"))
    check_format(secret, version)
    _check_rollout(summary.rollout, version)
    if (content.get("release"), content.get("revision")) != (summary.release, summary.revision):
        raise DamageError("its labels name another revision than its content")
    packs, pack_index = named_packs(secret)
    return Head(summary=summary, packs=packs, pack_index=pack_index, content=content)


def named_packs(secret: Body) -> tuple[tuple[str, ...], str]:
    """Return the packs that a head names, and the blob that lists more of them; metadata is enough.

    Raises:
        DamageError
    """
    notes = mapping_at(secret, "metadata", "annotations")
    packs = tuple(name for name in text_at(notes, records.PACKS).split(",") if name)
    if len(packs) > limits.READ_PACKS_MAX:
        raise DamageError(f"it names more than {limits.READ_PACKS_MAX} packs")
    return packs, text_at(notes, records.PACK_INDEX)


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise DamageError(f"{what} is not a number: {text[:40]!r}")
    return int(text)
