"""Where the fields of a live object come from: value, owner, template line, values behind it. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from bundler.actions.compose.compose import Composition, compose
from bundler.actions.release.causes import narrowed, origin_in
from bundler.actions.release.history import History, load_existing_history, load_whole, uninstalled
from bundler.actions.release.kept_secrets import learn_kept_secrets
from bundler.errors import BundlerError, UsageError
from bundler.errors.change import RecordDamagedError
from bundler.fields.field_path import leading_steps, value_at_path
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.explanation import ExplainedField, Explanation, FieldOwner, Setter, Since
from bundler.model.json import Body, JSONValue, is_list, is_mapping, value_at_steps
from bundler.model.lean import dataclass, replace
from bundler.model.redaction import MASK
from bundler.model.secret_leaves import is_secret, leaf_texts
from bundler.model.values import Pointer, UserLayers
from bundler.planning.conflicts import in_short
from bundler.planning.diff import is_copy
from bundler.planning.drift import field_text
from bundler.planning.ignored_fields import content_of
from bundler.planning.owners import owned_places, owners_of_field
from bundler.values.causes import ValueChanges
from bundler.values.paths import pointer_as_path
from bundler.values.problems import closest
from bundler.values.user import recorded_layer

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.causes import ChangedValue
    from bundler.model.release import InventoryEntry, Revision
    from bundler.ports import Ports
    from bundler.render.types import FieldOrigin

    Steps = tuple[str | int, ...]

_WITH_SITE = "a release with a site file needs it here, too: --site FILE"
_MAX_FIELDS = 200
"""Of a whole object are explained; of a field that is named, everything below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A release as it was deployed, with the object that is asked about."""

    history: History
    revision: Revision
    entry: InventoryEntry

    @property
    def body(self) -> Body:
        """What the revision wrote; nothing of a generated secret."""
        return self.entry.manifest.body if self.entry.manifest is not None else {}


def find_subject(ports: Ports, namespace: str, release: str, name: str) -> Subject:
    """Find an object of a release in its record.

    Args:
        ports: the cluster and the records.
        namespace: of the release.
        release: its name.
        name: of the object, ``KIND/NAME``.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when it has no such object, or several.
    """
    history = load_existing_history(ports, namespace, release)
    if history.is_uninstalled:
        raise uninstalled(history, doing=f"explaining {name} of release {release}")
    revision = load_whole(history.deployed or history.current[-1], ports.store)
    ports.redactor.learn(*revision.sensitive)
    learn_kept_secrets(history, ports)
    asked = name.lower()
    found = [one for one in revision.inventory if asked in {one.ref.short.lower(), str(one.ref).lower()}]
    if len(found) == 1:
        return Subject(history=history, revision=revision, entry=found[0])
    names = [str(one.ref) for one in found] or [one.ref.short for one in revision.inventory]
    meant = closest(name, names) or f"one of `bundler get plan {release}`"
    raise UsageError(
        f"looking for {name} in revision {revision.summary.revision} of release {release}",
        context=[f"several are called so: {', '.join(names)}" if found else "the release has no such object"],
        hint="name one of them" if found else f"ask about {meant}",
    )


def explain(
    subject: Subject, field: str, order: RenderRequest | None, ports: Ports, *, missing: str = ""
) -> Explanation:
    """Say where an object, or a field of it, comes from; nothing is written.

    Args:
        subject: the object.
        field: as the API server writes it; empty: the whole object.
        order: the bundle of the revision; None where it is not available.
        ports: the cluster and the records.
        missing: why it is not available.

    Raises:
        UsageError: when the object has no such field.
        BundlerError: when the cluster or the record cannot be read.
    """
    live = ports.cluster.get(subject.entry.ref)
    if live is not None and is_secret(live):  # what others wrote into it may be in its annotations too
        ports.redactor.learn(*leaf_texts(live))
    steps = _steps(subject, field, live)
    reads, unknown = _read_again(subject, order, ports) if order is not None else (None, missing)
    found = (one for one in _explained(subject, live, steps, reads, ports) if field or _is_telling(one))
    shown = tuple(found if field else islice(found, _MAX_FIELDS))
    values = reads.state.told(reads.named) if reads is not None else ()
    summary, entry = subject.revision.summary, subject.entry
    since = _since(subject, steps, reads, ports) if field else None
    manifest = entry.manifest
    return Explanation(
        ref=entry.ref,
        release=summary.release,
        revision=summary.revision,
        bundle=f"{summary.bundle.name} {summary.bundle.version}",
        component=entry.component,
        source=str(manifest.source) if manifest is not None else entry.source,
        patched_by=tuple(map(str, manifest.patched_by)) if manifest is not None else (),
        is_live=live is not None,
        fields=shown,
        left_out=tuple(one.field for one in found),
        values=values,
        since=since,
        missing=unknown,
    )


def _read_again(subject: Subject, order: RenderRequest, ports: Ports) -> tuple[_Reads | None, str]:
    """Render the revision again; return what is read for it, and what makes that doubtful."""
    layer = recorded_layer(subject.revision.user_values, revision=subject.revision.summary.revision)
    try:
        composition = compose(replace(order, user=UserLayers(layers=(layer,))), ports.cluster)
    except BundlerError as error:
        return None, "; ".join([str(error), *map(str, error.context), _WITH_SITE])
    ports.redactor.learn(*composition.sensitive)
    printed = next((one.body for one in composition.manifests if one.ref == subject.entry.ref), None)
    is_same = subject.entry.is_generated or is_secret(subject.body) or printed == subject.body
    return _Reads(subject, composition), "" if is_same else f"the bundle prints another object now; {_WITH_SITE}"


def _is_telling(one: ExplainedField) -> bool:
    """Return whether a field of a whole object deserves a line: it follows values, or is not the template's."""
    is_others = any(owner.manager != FIELD_MANAGER for owner in one.owners)
    return bool(one.values or one.recorded or one.setter is Setter.PATCH or is_others)


def _steps(subject: Subject, field: str, live: Body | None) -> Steps:
    """Return the way to a field, in the live object or in what the revision wrote."""
    if not field:
        return ()
    for body in (live, subject.body):
        if body is not None and value_at_path(body, field) is not None:
            return leading_steps(field, body)
    known = [field_text(steps, live or subject.body) for steps, _ in _leaves(content_of(live or subject.body), ())]
    meant = closest(field if field.startswith(".") else f".{field}", known)
    raise UsageError(
        f"looking for {field} in {subject.entry.ref.short}",
        context=["the object has no such field"],
        hint=f"ask about {meant}" if meant else "leave the field out to see those that follow values",
    )


def _leaves(value: JSONValue, steps: Steps) -> Iterator[tuple[Steps, JSONValue]]:
    if is_mapping(value) and value:
        for key, item in value.items():
            yield from _leaves(item, (*steps, key))
    elif is_list(value) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, (*steps, index))
    else:
        yield steps, value


class _Reads:
    """What the bundle of the revision reads for each field."""

    def __init__(self, subject: Subject, composition: Composition) -> None:
        self.composition = composition
        self.state = self.changes({})
        self.named: set[Pointer] = set()
        self._ref = subject.entry.ref

    def changes(self, before: Body) -> ValueChanges:
        """Compare the values with others; all of them with none."""
        hidden = self.composition.sensitive
        return ValueChanges(
            self.composition.order.bundle,
            self.composition.values,
            before,
            is_secret=lambda text: text in hidden,
            codes=self.composition.order.codes,
        )

    def origin(self, steps: Steps) -> FieldOrigin | None:
        """Return the line that printed a field, with what it reads."""
        return origin_in(self.composition.rendering, self._ref, steps)


def _explained(
    subject: Subject, live: Body | None, steps: Steps, reads: _Reads | None, ports: Ports
) -> Iterator[ExplainedField]:
    places = owned_places(live) if live is not None else {}
    whole = live if live is not None else subject.body
    body = whole if steps else content_of(whole)
    for place, value in _leaves(value_at_steps(body, steps), steps):
        yield _field(subject, (place, value), owners_of_field(place, places), reads, ports)


def _field(
    subject: Subject, leaf: tuple[Steps, JSONValue], owners: tuple[FieldOwner, ...], reads: _Reads | None, ports: Ports
) -> ExplainedField:
    steps, value = leaf
    written = value_at_steps(subject.body, steps)
    is_masked = (subject.entry.ref.kind == "Secret" and steps[:1] == ("data",)) or is_copy(steps)
    shown = MASK if is_masked else ports.redactor.redact(in_short(value))
    origin = reads.origin(steps) if reads is not None and written is not None else None
    setter = _setter(subject, written, owners, origin)
    one = ExplainedField(
        field=field_text(steps, subject.body if written is not None else _around(steps, value)),
        value=shown,
        setter=setter,
        recorded=ports.redactor.redact(in_short(written)) if written not in (None, value) and not is_masked else "",
        owners=owners,
        source=_source(subject, setter, origin),
    )
    if reads is None or origin is None or setter is not Setter.TEMPLATE:
        return one
    direct = narrowed(reads.state, origin, steps)
    around = reads.state.read_by(origin.component, origin.around)
    reads.named |= direct | around
    return replace(one, values=_paths(direct), conditions=_paths(around - direct), is_certain=origin.is_certain)


def _around(steps: Steps, value: JSONValue) -> JSONValue:
    """Return a body in which there is a value at the end of the steps, so that they can be written out."""
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [*([None] * step), value]
    return value


def _setter(subject: Subject, written: JSONValue, owners: tuple[FieldOwner, ...], origin: FieldOrigin | None) -> Setter:
    if subject.entry.is_generated:
        return Setter.GENERATED
    if written is None:
        return Setter.MANAGER if owners else Setter.SERVER
    manifest = subject.entry.manifest
    is_patched = manifest is not None and manifest.patched_by and origin is not None and origin.value != written
    return Setter.PATCH if is_patched else Setter.TEMPLATE


def _source(subject: Subject, setter: Setter, origin: FieldOrigin | None) -> str:
    manifest = subject.entry.manifest
    if setter is Setter.PATCH and manifest is not None:
        return ", ".join(map(str, manifest.patched_by))
    if setter is Setter.GENERATED:
        return subject.entry.source
    return str(origin.source) if setter is Setter.TEMPLATE and origin is not None else ""


def _paths(pointers: Iterable[Pointer]) -> tuple[str, ...]:
    return tuple(sorted(map(pointer_as_path, pointers)))


def _since(subject: Subject, steps: Steps, reads: _Reads | None, ports: Ports) -> Since | None:
    """Return the oldest revision from which on each wrote what is written now, with what changed in it."""
    written = value_at_steps(subject.body, steps)
    if written is None:
        return None
    first, before = subject.revision, None
    for summary in reversed([one for one in subject.history.current if one.revision < first.summary.revision]):
        try:
            older = load_whole(summary, ports.store)
        except RecordDamagedError:
            break
        bodies = {one.ref: one.manifest.body for one in older.inventory if one.manifest is not None}
        if value_at_steps(bodies.get(subject.entry.ref), steps) != written:
            before = older
            break
        first = older
    summary, by = first.summary, first.authorship
    changed = _changed(steps, reads, before.computed_values) if reads is not None and before is not None else ()
    return Since(
        revision=summary.revision, created=summary.created, user=summary.user, command=by.command, changed=changed
    )


def _changed(steps: Steps, reads: _Reads, before: Body | None) -> tuple[ChangedValue, ...]:
    origin = reads.origin(steps)
    if origin is None or before is None:
        return ()
    changes = reads.changes(before)
    return changes.told(narrowed(changes, origin, steps) or changes.read_by(origin.component, origin.around))
