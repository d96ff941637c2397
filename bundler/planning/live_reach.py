"""What a recorded revision would bring back that the cluster does not hold. Layer: planning, pure.

A record is kept in Secrets of the release's namespace, and others may be able to write those. What a record says is
therefore never taken for permission: what it would write is compared with the live objects, and with nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from bundler.errors import Found
from bundler.errors.change import UndeclaredReachError
from bundler.fields.kinds import pod_spec_path
from bundler.fields.unchanged import is_unchanged
from bundler.model.bundle import Reach
from bundler.model.change import Action, Change, ReachNote
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import Body, items_at, mapping_at, strings_at, text_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.autoscale import REPLICAS_PATH
from bundler.planning.ownership import is_ours
from bundler.planning.problem import Problem
from bundler.planning.reach import object_reach
from bundler.planning.version_stamp import without_version_stamp

_RBAC = "rbac.authorization.k8s.io"
_LINKS = "roleRef", "aggregationRule"


def reach_beyond_live(changes: Sequence[Change], *, namespace: str, homes: Collection[str] = ()) -> Iterator[ReachNote]:
    """Yield the reach of what would be written and the live object of the same name does not have.

    Access rules count one by one: a live ClusterRole does not vouch for a rule that it lacks.

    Args:
        changes: of the plan, in their order.
        namespace: of the release.
        homes: other namespaces in which it runs, see :func:`homes_of`: one more object there is no more power.
    """
    own = _own(changes)
    for manifest, live, notes in _reaching(changes, own, namespace):
        held: set[str] = set()
        if live is not None and _grants_no_more(manifest, live):
            held = {_key(note) for note in _notes(replace(manifest, body=live), own, namespace)}
        is_home = manifest.ref.namespace in homes
        yield from (note for note in notes if _key(note) not in held and not (is_home and note.kind == "namespace"))


def homes_of(live: Mapping[ObjectRef, Body], uid: str) -> frozenset[str]:
    """Return the namespaces in which pods of a release run, those of its components among them.

    Its other objects do not count: who may look at a ConfigMap in a namespace may not start pods there.

    Args:
        live: objects as they are live.
        uid: of the release.
    """
    return frozenset(
        ref.namespace for ref, body in live.items() if pod_spec_path(ref.group, ref.kind) and is_ours(body, uid)
    )


def reach_not_there_before(
    changes: Sequence[Change], before: Mapping[ObjectRef, Body], *, namespace: str
) -> Iterator[ReachNote]:
    """Yield the reach of what would be written and was not live, just so, before the change that is undone.

    No one looks at the plan of an automatic rollback: an object that leaves the namespace or grants power is only put
    back to what it was, to the last field.

    Args:
        changes: of the plan, in their order.
        before: live objects before the change.
        namespace: of the release.
    """
    for manifest, _, notes in _reaching(changes, _own(changes), namespace):
        was = before.get(manifest.ref)
        if was is None or not _is_as_it_was(manifest.body, was):
            yield from notes


def with_live(
    notes: Iterable[ReachNote], changes: Sequence[Change], *, namespace: str, homes: Collection[str]
) -> tuple[ReachNote, ...]:
    """Return the reach of a recorded revision, each note with whether it is live: no record declares anything.

    Args:
        notes: of what reaches out of the namespace.
        changes: of the rollback.
        namespace: of the release.
        homes: other namespaces in which it runs.
    """
    noted = tuple(notes)
    if not any(note.is_undeclared for note in noted):
        return noted
    beyond = {_key(note) for note in reach_beyond_live(changes, namespace=namespace, homes=homes)}
    return tuple(replace(note, is_live=_key(note) not in beyond) if note.is_undeclared else note for note in noted)


def new_reach(notes: Iterable[ReachNote], doing: str, hint: str) -> Iterator[Problem]:
    """Find that something would be written that leaves the namespace or grants power, and is not live.

    Args:
        notes: of what reaches out of the namespace.
        doing: what is being done, for messages.
        hint: what to do; starts with a verb.
    """
    lines = tuple(
        Found(f"it is not live, and leaves the namespace or grants power: {_key(note)}", subject=note.short)
        for note in notes
    )
    if lines:
        yield Problem(error=UndeclaredReachError, doing=doing, lines=lines, hint=hint)


def _is_as_it_was(desired: Body, was: Body) -> bool:
    ignoring = frozenset({REPLICAS_PATH})
    return is_unchanged(desired, without_version_stamp(was), manager=FIELD_MANAGER, ignoring=ignoring)


def _own(changes: Iterable[Change]) -> frozenset[ObjectRef]:
    """Return the objects that the release has after its change."""
    return frozenset(change.ref for change in changes if change.action is not Action.DELETE)


def _reaching(
    changes: Iterable[Change], own: frozenset[ObjectRef], namespace: str
) -> Iterator[tuple[Manifest, Body | None, tuple[ReachNote, ...]]]:
    """Yield what would be written and has reach, with its live object and that reach."""
    for change in changes:
        if change.desired is None or change.action is Action.NONE:
            continue
        if notes := _notes(change.desired, own, namespace):
            yield change.desired, change.before, notes


def _notes(manifest: Manifest, own: frozenset[ObjectRef], namespace: str) -> tuple[ReachNote, ...]:
    return tuple(note for note in object_reach(manifest, own, namespace, Reach()) if note.is_undeclared)


def _key(note: ReachNote) -> str:
    return f"{note.kind}: {note.subject}"


def _grants_no_more(desired: Manifest, live: Body) -> bool:
    if desired.ref.group != _RBAC:
        return True
    body = desired.body
    return (
        all(body.get(link) is None or _same(mapping_at(body, link), mapping_at(live, link)) for link in _LINKS)
        and all(any(_same_rule(rule, held) for held in items_at(live, "rules")) for rule in items_at(body, "rules"))
        and _subjects(body) <= _subjects(live)
    )


def _same(wanted: Body, live: Body) -> bool:
    """Compare what is wanted; the server may have added defaults."""
    return all(live.get(key) == value for key, value in wanted.items())


def _same_rule(wanted: Body, live: Body) -> bool:
    return all(set(strings_at(wanted, key)) == set(strings_at(live, key)) for key in {*wanted, *live})


def _subjects(binding: Body) -> set[tuple[str, ...]]:
    return {tuple(text_at(one, key) for key in ("kind", "namespace", "name")) for one in items_at(binding, "subjects")}
