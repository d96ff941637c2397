"""The Lease of a release as a value: what it says and how it is written. Layer: adapter, pure.

Source: kubernetes.io, "Leases"; the fields are those of coordination.k8s.io/v1.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bundler.errors.change import ReleaseLockedError
from bundler.model import labels
from bundler.model.cluster import Payload
from bundler.model.json import canonical_json, int_at, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.lock import Holder, LockState
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue

GROUP, API_VERSION = "coordination.k8s.io", "coordination.k8s.io/v1"
_P = labels.PREFIX
_USER, _HOST, _PID, _BOOT = f"{_P}user", f"{_P}host", f"{_P}pid", f"{_P}boot-id"
_COMMAND, _TOOL, _DOING, _TOKEN = f"{_P}command", f"{_P}tool-version", f"{_P}doing", f"{_P}token"
_TEXT_MAX_CHARS = 1024


def lease_ref(namespace: str, release: str) -> ObjectRef:
    """Return the identity of a release's Lease."""
    return ObjectRef(GROUP, "Lease", namespace, f"bundler.{release}")


def read_lease(body: Body, release: str) -> LockState:
    """Read a Lease; whatever is missing or broken in it is empty."""
    notes, spec = mapping_at(body, "metadata", "annotations"), mapping_at(body, "spec")
    pid = text_at(notes, _PID)
    holder = Holder(
        user=text_at(notes, _USER),
        host=text_at(notes, _HOST),
        pid=int(pid) if pid.isascii() and pid.isdigit() and len(pid) <= 9 else 0,
        boot_id=text_at(notes, _BOOT),
        command=text_at(notes, _COMMAND),
        tool_version=text_at(notes, _TOOL),
    )
    return LockState(
        namespace=text_at(body, "metadata", "namespace"),
        release=release,
        holder=holder,
        doing=text_at(notes, _DOING),
        since=_time(text_at(spec, "acquireTime")),
        last_heartbeat=_time(text_at(spec, "renewTime")),
        duration_s=float(max(1, int_at(spec, "leaseDurationSeconds", default=30))),
        transitions=int_at(spec, "leaseTransitions"),
        token=text_at(notes, _TOKEN),
        resource_version=text_at(body, "metadata", "resourceVersion"),
        uid=text_at(body, "metadata", "uid"),
        is_free=not text_at(spec, "holderIdentity"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a run writes into the Lease that it takes."""

    release: str
    holder: Holder
    doing: str
    duration_s: float
    token: str
    """Drawn for this one claim: tells our own Lease from that of a like-named run."""


def lease_payload(claim: Claim, state: LockState | None, *, ref: ObjectRef, now: datetime) -> Payload:
    """Return a Lease that ``claim`` takes: a new one, or the one in ``state`` as long as no one else moves it.

    Args:
        claim: who takes the lock, and for how long.
        state: the lease as it was read; None where there is none.
        ref: of the Lease.
        now: the current time, in UTC.
    """
    metadata: dict[str, JSONValue] = {
        "name": ref.name,
        "namespace": ref.namespace,
        "labels": {labels.MANAGED_BY: labels.MANAGED_BY_VALUE, labels.RELEASE_NAME: claim.release},
        "annotations": _notes(claim),
    }
    if state:
        metadata |= {"resourceVersion": state.resource_version, "uid": state.uid}
    spec: dict[str, JSONValue] = {
        "holderIdentity": claim.holder.identity,
        "leaseDurationSeconds": max(1, math.ceil(claim.duration_s)),
        "acquireTime": _micro_time(now),
        "renewTime": _micro_time(now),
        "leaseTransitions": state.transitions + 1 if state else 0,
    }
    return payload_of({"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}, ref)


def renewed(body: Body, now: datetime) -> Body:
    """Return a Lease with a new heartbeat."""
    return _with_spec(body, {"renewTime": _micro_time(now)})


def freed(body: Body) -> Body:
    """Return a Lease that no one holds."""
    return _with_spec(body, {"holderIdentity": None})


def _with_spec(body: Body, spec: Body) -> Body:
    metadata = {key: value for key, value in mapping_at(body, "metadata").items() if key != "managedFields"}
    merged = {key: value for key, value in {**mapping_at(body, "spec"), **spec}.items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": merged}


def payload_of(body: Body, ref: ObjectRef) -> Payload:
    """Return the bytes to send for a Lease."""
    return Payload(ref=ref, api_version=API_VERSION, content=canonical_json(body))


def _notes(claim: Claim) -> dict[str, JSONValue]:
    holder = claim.holder
    found = {
        _USER: holder.user,
        _HOST: holder.host,
        _PID: str(holder.pid),
        _BOOT: holder.boot_id,
        _COMMAND: holder.command[:_TEXT_MAX_CHARS],
        _TOOL: holder.tool_version,
        _DOING: claim.doing,
        _TOKEN: claim.token,
    }
    return {key: text for key, text in found.items() if text}


def _micro_time(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def locked_error(state: LockState, *, now: datetime) -> ReleaseLockedError:
    """Return the error for a release that someone alive holds: who, since when, and what to do."""
    holder = state.holder
    facts = [
        f"doing {state.doing}" if state.doing else "",
        f"bundler {holder.tool_version}" if holder.tool_version else "",
        f"started {_ago(state.since, now)}",
        f"last heartbeat {_ago(state.last_heartbeat, now)}",
    ]
    return ReleaseLockedError(
        f"locking release {state.release} in namespace {state.namespace}",
        context=[f"{holder.identity} holds it ({', '.join(fact for fact in facts if fact)})"],
        hint=f"wait for it with --lock-timeout 10m; or, when you are sure that run is dead: "
        f"bundler unlock {state.release} -n {state.namespace}",
    )


def taken_over(state: LockState) -> str:
    """Say who holds a lock that was ours."""
    doing = f", doing {state.doing}" if state.doing else ""
    return f"{state.holder.identity} holds it now{doing}"


def _ago(when: datetime | None, now: datetime) -> str:
    if when is None:
        return "at an unknown time"
    seconds = max(0, round((now - when).total_seconds()))
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest}s" if not hours else ""]
    return "".join(parts) + " ago"
