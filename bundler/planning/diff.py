"""What a change looks like to a person: one unified diff an object, secrets masked. Layer: planning, pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.model.change import Action
from bundler.model.json import mapping_at
from bundler.model.lean import dataclass
from bundler.model.redaction import MASK
from bundler.model.secret_leaves import decoded_leaf
from bundler.planning.ignored_fields import content_of
from bundler.syntax.writer import dump_yaml

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.model.json import Body, JSONValue
    from bundler.model.manifest import GeneratedSecret

_CONTEXT_LINES = 3
_COPIES = frozenset({
    "kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original", "kapp.k14s.io/original-diff",
    "objectset.rio.cattle.io/applied", "banzaicloud.com/last-applied",
})  # fmt: skip
_STAMPS = ("bundler.dev/release-uid", "bundler.dev/component")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDiff:
    """How one object changes."""

    change: Change
    before: Body | None
    """As shown: without the server's bookkeeping, Secret leaves masked; None where there is nothing."""
    after: Body | None
    lines: tuple[str, ...]
    """A unified diff of the YAML of both, without file headers; empty where only stamps change."""
    is_stamps_only: bool = False
    """Nothing but bundler's own labels changes."""


def object_diff(change: Change, *, shows_secrets: bool = False, is_full: bool = False) -> ObjectDiff:
    """Show one change: live object against the server's dry-run answer, or the rendered body where none was asked.

    Args:
        change: a planned change.
        shows_secrets: print the leaves of Secrets in clear.
        is_full: keep the planner's stamps.
    """
    before, after = _sides(change)
    if change.ref.kind == "Secret" and not change.ref.group and not shows_secrets and not change.generated:
        before, after = _masked_pair(before, after)
    plain = (_shown(before, is_full=True), _shown(after, is_full=True))
    shown = (_shown(before, is_full=is_full), _shown(after, is_full=is_full))
    lines = tuple(_unified(*shown))
    stamps_only = not lines and plain[0] != plain[1]
    return ObjectDiff(change=change, before=shown[0], after=shown[1], lines=lines, is_stamps_only=stamps_only)


def _sides(change: Change) -> tuple[Body | None, Body | None]:
    desired = change.desired.body if change.desired else None
    match change.action:
        case Action.CREATE | Action.RECREATE:
            return None, _generated_body(change) if change.generated else desired
        case Action.DELETE:
            return change.before, None
        case _:
            return change.before, change.after or desired


def _generated_body(change: Change) -> Body:
    data = {one.key: f"<generated: {_described(one)}>" for one in change.generated}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": change.ref.name}, "data": data}


def _described(secret: GeneratedSecret) -> str:
    match secret.kind:
        case "uuid":
            return "uuid"
        case "base64":
            return f"base64, {secret.length} bytes"
        case kind:
            return f"{kind}, {secret.length} characters"


def _shown(body: Body | None, *, is_full: bool) -> Body | None:
    if body is None:
        return None
    content = _without_copies(content_of(body))
    return content if is_full else _without_stamps(content)


def _without_copies(body: dict[str, JSONValue]) -> dict[str, JSONValue]:
    """Mask what other tools keep of an object inside it: such a copy has the leaves of a Secret in clear."""
    metadata = mapping_at(body, "metadata")
    notes = mapping_at(metadata, "annotations")
    if notes.keys().isdisjoint(_COPIES):
        return body
    masked = {key: MASK if key in _COPIES else value for key, value in notes.items()}
    return {**body, "metadata": {**metadata, "annotations": masked}}


def _without_stamps(body: dict[str, JSONValue]) -> Body:
    metadata = dict(mapping_at(body, "metadata"))
    kept = {key: value for key, value in mapping_at(metadata, "labels").items() if key not in _STAMPS}
    metadata.pop("labels", None)
    if kept:
        metadata["labels"] = kept
    return {**body, "metadata": metadata}


def _unified(before: Body | None, after: Body | None) -> list[str]:
    old, new = (dump_yaml(side).splitlines() if side is not None else [] for side in (before, after))
    if before is None or after is None:
        return [("+" if before is None else "-") + line for line in new or old]
    return list(difflib.unified_diff(old, new, n=_CONTEXT_LINES, lineterm=""))[2:]


def _masked_pair(before: Body | None, after: Body | None) -> tuple[Body | None, Body | None]:
    """Mask the leaves of a Secret so that keys, sizes and whether they change can be seen, and nothing else."""
    old, new = mapping_at(before, "data"), mapping_at(after, "data")
    masked_old = {key: f"<{_amount(value)}>" for key, value in old.items()}
    masked_new = {
        key: f"<{_amount(value)}{', changed' if key in old and old[key] != value else ''}>"
        for key, value in new.items()
    }
    return _with_data(before, masked_old), _with_data(after, masked_new)


def _with_data(body: Body | None, data: Mapping[str, JSONValue]) -> Body | None:
    if body is None or "data" not in body:
        return body
    return {**body, "data": data}


def _amount(value: JSONValue) -> str:
    if value == MASK:
        return "hidden"
    content = decoded_leaf(str(value))
    return f"{len(str(value)) if content is None else len(content)} bytes"


def json_patch(before: JSONValue, after: JSONValue, path: str = "") -> list[dict[str, JSONValue]]:
    """Return the RFC 6902 operations that lead from one body to the other; lists of another length are replaced."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [op for key in sorted({*before, *after}) for op in _key_patch(before, after, key, path)]
    if isinstance(before, list | tuple) and isinstance(after, list | tuple) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [op for index, (old, new) in pairs for op in json_patch(old, new, f"{path}/{index}")]
    return [] if before == after else [{"op": "replace", "path": path, "value": after}]


def _key_patch(
    before: Mapping[str, JSONValue], after: Mapping[str, JSONValue], key: str, path: str
) -> list[dict[str, JSONValue]]:
    here = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
    if key not in after:
        return [{"op": "remove", "path": here}]
    if key not in before:
        return [{"op": "add", "path": here, "value": after[key]}]
    return json_patch(before[key], after[key], here)
