"""Fields that the bundle and another manager want differently. Layer: planning, pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.fields.field_path import value_at_path
from bundler.model.change import FieldConflict
from bundler.model.redaction import MASK
from bundler.model.size import shortened
from bundler.planning.ownership import manager_time

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue
    from bundler.model.refs import ObjectRef
    from bundler.planning.observation import Candidate, Refusal

_VALUE_CHARS = 60


def field_conflicts(candidate: Candidate, refusal: Refusal) -> tuple[FieldConflict, ...]:
    """Return the fields of one object that are contested, with both values; those of Secrets are masked."""
    manifest, live = candidate.manifest, candidate.live or {}
    is_secret = manifest.ref.kind == "Secret"
    return tuple(
        FieldConflict(
            field=path,
            manager=manager,
            since=manager_time(live, manager),
            wanted=_shown(manifest.body, path, is_masked=is_secret),
            live=_shown(live, path, is_masked=is_secret),
        )
        for path, manager in refusal.conflicts
    )


def conflict_line(ref: ObjectRef, conflict: FieldConflict) -> Found:
    """Return one conflict in a line: object, field, both values, who set the live one, and when."""
    at = f" at {conflict.since}" if conflict.since else ""
    values = f"bundle wants {conflict.wanted}, live {conflict.live}"
    said = f"{values} set by {conflict.manager}{at}"
    return Found(f"{ref.short} {conflict.field}: {said}", message=said, subject=ref.short, field=conflict.field)


def _shown(body: Body, path: str, *, is_masked: bool) -> str:
    value = value_at_path(body, path)
    return MASK if is_masked and value is not None else in_short(value)


def in_short(value: JSONValue) -> str:
    """Return a value as JSON, cut where it is long."""
    return "nothing" if value is None else shortened(json.dumps(value, ensure_ascii=False), _VALUE_CHARS)
