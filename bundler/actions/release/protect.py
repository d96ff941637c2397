"""Protect a release, or take its protection off: in its records, and as a mark on what holds its data. Layer: actions.

The records decide. The mark on objects is for an admission policy, which refuses their deletion to others too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.live_state import ref_of
from bundler.actions.release.history import load_existing_history, uninstalled
from bundler.concurrency import map_parallel
from bundler.errors.cluster import ClusterError, ConflictError, ForbiddenError
from bundler.model.cluster import ListQuery, Payload
from bundler.model.events import Warned
from bundler.model.json import text_at
from bundler.model.lean import dataclass
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef
from bundler.model.release import Protection
from bundler.planning.ownership import is_ours
from bundler.planning.protection import claims_made_by, data_holders, is_marked, mark_body, unmarked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bundler.actions.release.history import History
    from bundler.model.json import Body
    from bundler.model.release import InventoryEntry
    from bundler.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectRequest:
    """Which release is protected, or no longer is, and who says so."""

    release: str
    namespace: str
    is_on: bool = True
    user: str = ""
    reason: str = ""
    lock_timeout_s: float = 0.0


def protect(request: ProtectRequest, ports: Ports) -> Protection:
    """Say in every record of a release whether it is protected, and mark what holds its data.

    While any object may carry the mark, the records say that the release is protected: they are written first, and
    when protection is taken off, last. A run that died in between is repeated.

    Args:
        request: which release, who, why.
        ports: the cluster, records, clock and reporter of the run.

    Raises:
        ReleaseNotFoundError: when there is no such release, or it was uninstalled.
        ReleaseLockedError: when another run holds its lock.
        ClusterError
    """
    namespace, release = request.namespace, request.release
    doing = "protect" if request.is_on else "unprotect"
    _installed(request, ports)  # before a lock is taken where nothing is
    with ports.lock.hold(namespace, release, doing=doing, timeout_s=request.lock_timeout_s) as held:
        ports = ports.under(held)
        history = _installed(request, ports)
        protection = Protection(
            is_on=request.is_on,
            since=ports.clock.now(),
            user=request.user,
            reason=" ".join(ports.redactor.redact(request.reason).split()),
        )
        if request.is_on:
            _record(history, protection, ports)
            mark_holders(namespace, release, history.owned, ports)
        else:
            _unmark_holders(history, ports)
            _record(history, protection, ports)
    return protection


def _installed(request: ProtectRequest, ports: Ports) -> History:
    history = load_existing_history(ports, request.namespace, request.release)
    if history.is_uninstalled:
        raise uninstalled(history, doing=f"protecting release {request.release}")
    return history


def _record(history: History, protection: Protection, ports: Ports) -> None:
    """Write the newest record first, which decides; the others say it where that one is lost."""
    for summary in reversed(history.current):
        ports.store.protect(summary, protection)


def mark_holders(namespace: str, release: str, owned: Mapping[ObjectRef, InventoryEntry], ports: Ports) -> None:
    """Mark everything that holds data of a protected release, and its namespaces; what is marked stays as it is.

    The mark is asked for by no one but an admission policy: where it cannot be written, that is said, and the release
    is protected all the same.

    Args:
        namespace: of the release.
        release: its name.
        owned: what the release owns.
        ports: the cluster, records, clock and reporter of the run.
    """
    manager = _manager(namespace, release)
    try:
        holders = [*_holders(namespace, release, owned, ports)]
    except ClusterError as error:
        ports.report(Warned(f"what holds data could not be marked as protected: {error}"))
        return
    for live in unmarked(holders, manager):
        try:
            _apply(live, manager, ports, is_on=True)
        except ClusterError as error:
            ports.report(Warned(f"{ref_of(live).short} could not be marked as protected: {_why(error)}"))


def _unmark_holders(history: History, ports: Ports) -> None:
    """Take the mark off.

    Raises:
        ClusterError: when an object may be marked still; the release stays protected.
    """
    namespace, manager = history.namespace, _manager(history.namespace, history.release)
    for live in _holders(namespace, history.release, history.owned, ports, with_all_claims=True):
        if is_marked(live, manager):
            try:
                _apply(live, manager, ports, is_on=False)
            except (ConflictError, ForbiddenError) as error:
                ports.report(Warned(f"the mark of {ref_of(live).short} could not be taken off: {_why(error)}"))


def _why(error: ClusterError) -> str:
    return "; ".join(error.context) or str(error)


def _manager(namespace: str, release: str) -> str:
    """Return whose field the mark is: of two protected releases in a namespace each takes its own off."""
    return f"bundler-protect-{release_uid(namespace, release)}"


def _apply(live: Body, manager: str, ports: Ports, *, is_on: bool) -> None:
    content = mark_body(live, is_on=is_on)
    payload = Payload(ref=ref_of(live), api_version=text_at(live, "apiVersion"), content=content, manager=manager)
    ports.cluster.apply(payload)


def _holders(
    namespace: str,
    release: str,
    owned: Mapping[ObjectRef, InventoryEntry],
    ports: Ports,
    *,
    with_all_claims: bool = False,
) -> Iterator[Body]:
    """Yield what holds data, the claims of StatefulSets and the namespaces of all that; each once, as it is live."""
    uid, cluster = release_uid(namespace, release), ports.cluster
    refs = data_holders(owned)
    found = map_parallel(lambda ref: cluster.get(ref, version=_version(owned[ref])), refs)
    own = {ref: live for ref, live in zip(refs, found, strict=True) if live is not None and is_ours(live, uid)}
    places = {namespace, *(ref.namespace for ref in own if ref.namespace)}
    claims = {place: _claims_in(place, ports) for place in sorted(places)}
    for ref, live in own.items():
        for claim in claims_made_by(ref, live, claims.get(ref.namespace, ())):
            own = {**own, ref_of(claim): claim}
    if with_all_claims:
        own = {**{ref_of(claim): claim for inside in claims.values() for claim in inside}, **own}
    spaces = map_parallel(cluster.get, [ObjectRef("", "Namespace", "", place) for place in sorted(places)])
    yield from {**own, **{ref_of(space): space for space in spaces if space is not None}}.values()


def _version(entry: InventoryEntry) -> str:
    return entry.api_version.rpartition("/")[2]


def _claims_in(place: str, ports: Ports) -> Sequence[Body]:
    return ports.cluster.list(ListQuery(group="", kind="PersistentVolumeClaim", namespace=place)).items
