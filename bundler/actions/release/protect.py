"""Protect a release, or take its protection off: in its records, and as a mark on what holds its data. Layer: actions.

The records decide. The mark on objects is for an admission policy, which refuses their deletion to others too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from bundler.actions.release.history import History, load_existing_history, uninstalled
from bundler.actions.release.kept_secrets import learn_kept_secrets
from bundler.concurrency import map_parallel
from bundler.errors.cluster import ApiUnavailableError, ConflictError, ForbiddenError, RejectedError
from bundler.model.cluster import ListQuery, Payload
from bundler.model.events import Warned
from bundler.model.json import Body, text_at
from bundler.model.labels import PROTECTED
from bundler.model.lean import dataclass
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef, ref_of
from bundler.model.release import InventoryEntry, Protection
from bundler.planning.claim_growth import is_stateful_set
from bundler.planning.ownership import is_ours
from bundler.planning.protection import claims_made_by, data_holders, is_marked, mark_body, unmarked

if TYPE_CHECKING:
    from bundler.ports import Ports

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectRequest:
    """Which release to protect, or no longer to protect, and who asks for it."""

    release: str
    namespace: str
    is_on: bool = True
    user: str = ""
    reason: str = ""
    lock_timeout_s: float = 0.0


def protect(request: ProtectRequest, ports: Ports) -> Protection:
    """Record in every revision of a release whether it is protected, and mark what holds its data.

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
        learn_kept_secrets(history, ports)  # a reason must not hold any of them
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
    """Write the newest record first: it decides, and the others count only if it is lost."""
    for summary in reversed(history.current):
        ports.store.protect(summary, protection)


def mark_holders(namespace: str, release: str, owned: Mapping[ObjectRef, InventoryEntry], ports: Ports) -> None:
    """Mark everything that holds data of a protected release, and its namespaces; what is marked stays as it is.

    Only an admission policy reads the mark: if it cannot be written, a warning is reported, and the records protect the
    release without it.

    Args:
        namespace: of the release.
        release: its name.
        owned: what the release owns.
        ports: the cluster, records, clock and reporter of the run.
    """
    manager = _manager(namespace, release)
    for live in unmarked(_holders(namespace, release, owned, ports), manager):
        _mark(live, manager, ports, is_on=True)


def _unmark_holders(history: History, ports: Ports) -> None:
    """Take the mark off.

    Raises:
        ClusterError: when the cluster cannot be asked; the release stays protected.
    """
    namespace, manager = history.namespace, _manager(history.namespace, history.release)
    for live in _holders(namespace, history.release, history.owned, ports, with_all_claims=True):
        if is_marked(live, manager):
            _mark(live, manager, ports, is_on=False)


def _mark(live: Body, manager: str, ports: Ports, *, is_on: bool) -> None:
    """Put the mark on an object, or take it off; what is gone or may not be written is skipped with a warning."""
    content, ref = mark_body(live, is_on=is_on), ref_of(live)
    payload = Payload(ref=ref, api_version=text_at(live, "apiVersion"), content=content, manager=manager)
    _tried(f"writing the annotation {PROTECTED} of {ref.short}", lambda: ports.cluster.apply(payload), ports)


def _tried(doing: str, act: Callable[[], T], ports: Ports) -> T | None:
    """Warn and continue where a permission is missing or another client wrote first: the records protect alone."""
    try:
        return act()
    except (ApiUnavailableError, ConflictError, ForbiddenError, RejectedError) as error:
        ports.report(Warned(f"{doing}: {'; '.join(error.context) or error}"))
        return None


def _manager(namespace: str, release: str) -> str:
    """Return the field manager of the mark, one for each release: two in a namespace remove only their own."""
    return f"bundler-protect-{release_uid(namespace, release)}"


def _holders(
    namespace: str,
    release: str,
    owned: Mapping[ObjectRef, InventoryEntry],
    ports: Ports,
    *,
    with_all_claims: bool = False,
) -> Iterator[Body]:
    """Yield what holds data, the claims of StatefulSets and the namespaces of all that; each once, as it is live."""
    uid = release_uid(namespace, release)
    found = map_parallel(lambda ref: _live(ref, ports, owned[ref].api_version.rpartition("/")[2]), data_holders(owned))
    own = {ref_of(live): live for live in found if live is not None and is_ours(live, uid)}
    places = sorted({namespace, *(ref.namespace for ref in own if ref.namespace)})
    with_claims = places if with_all_claims else sorted({ref.namespace for ref in own if is_stateful_set(ref)})
    claims = {place: _claims_in(place, ports) for place in with_claims}
    made = [claim for ref, live in own.items() for claim in claims_made_by(ref, live, claims.get(ref.namespace, ()))]
    every = [claim for inside in claims.values() for claim in inside] if with_all_claims else []
    spaces = map_parallel(lambda place: _live(ObjectRef("", "Namespace", "", place), ports), places)
    others = {ref_of(live): live for live in (*made, *every, *spaces) if live is not None}
    yield from {**others, **own}.values()


def _live(ref: ObjectRef, ports: Ports, version: str = "") -> Body | None:
    return _tried(f"reading {ref.short}", lambda: ports.cluster.get(ref, version=version), ports)


def _claims_in(place: str, ports: Ports) -> Sequence[Body]:
    query = ListQuery(group="", kind="PersistentVolumeClaim", namespace=place)
    found = _tried(f"listing the volume claims of namespace {place}", lambda: ports.cluster.list(query), ports)
    return found.items if found is not None else ()
