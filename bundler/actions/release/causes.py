"""Why each field of a plan changes: which values were read for it, and what changed them. Layer: actions.

The record of the revision before holds the values that its templates saw, and the objects. What differs from those is
the only thing that can change a field whose template is the same; which of it the line of a field reads, the template
says. A field that the revision had as it will be again was changed in the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from bundler.actions.release.found_causes import Found, Steps, Why, changed_places, grouped, in_cluster
from bundler.model.causes import Cause, CauseKind, ChangedField
from bundler.model.change import Action, Change, Plan
from bundler.model.json import pointer_tokens, value_at_steps
from bundler.model.lean import replace
from bundler.model.redaction import Redactor
from bundler.planning.jobs import is_job, job_stem
from bundler.planning.stuck_pods import is_stuck_pod
from bundler.render.types import FieldOrigin, Rendering
from bundler.values.causes import ValueChanges
from bundler.values.flatten import whole_data
from bundler.values.paths import pointer_as_path

if TYPE_CHECKING:
    from bundler.actions.compose.compose import Composition
    from bundler.actions.release.proposal import Draft
    from bundler.expressions.expression import ValuePath
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.release import Revision
    from bundler.model.values import Pointer

_OF_TEMPLATES = frozenset({"site", "capabilities"})
"""What templates read besides values, and no record holds."""
_MAX_OBJECTS, _MAX_CHARS = 30, 128 << 10
"""So many objects are looked up field by field, of templates that print no more than this; of the others it is said
what their templates read. It keeps the cost small beside that of asking the server; `explain` has no such limit."""


def with_causes(plan: Plan, draft: Draft, before: Mapping[ObjectRef, Manifest]) -> Plan:
    """Return a plan whose changes say what caused them; those of a release that is new need no cause.

    Args:
        plan: from what is live to the revision to be.
        draft: that revision, with the one that its values start from.
        before: what the release wrote last.
    """
    if draft.composition is None or draft.recorded is None:
        return plan
    with draft.composition.order.codes:
        finder = _Finder(draft, draft.recorded, draft.composition, before)
        changes = tuple(replace(change, causes=tuple(finder.causes(change))) for change in plan.changes)
        return replace(plan, changes=changes, values=finder.values.told(finder.named))


class _Finder:
    """Finds the causes of the changes of one plan."""

    def __init__(
        self, draft: Draft, recorded: Revision, composition: Composition, before: Mapping[ObjectRef, Manifest]
    ) -> None:
        self._composition = composition
        self._before = before
        old, new = recorded.summary.bundle, draft.revision.summary.bundle
        self._is_same_bundle = old.digest == new.digest
        name = old.name if old.name == new.name else f"{old.name} → {new.name}"
        self._bundle = Why(CauseKind.BUNDLE, note=f"{name} {_arrow(old.version, new.version)}")
        redactor = Redactor()
        redactor.learn(*draft.revision.sensitive, *recorded.sensitive)
        computed = recorded.computed_values
        self.values = ValueChanges(
            composition.order.bundle,
            composition.values,
            whole_data(composition.values, is_masked=False) if computed is None else computed,
            is_secret=lambda text: redactor.redact_value(text) != text,
            codes=composition.order.codes,
        )
        self.named: set[Pointer] = set()
        """Values that a cause names."""
        self._looked_up = 0
        self._sizes = {one.path: len(one.text) for one in composition.rendering.templates}

    def causes(self, change: Change) -> Iterator[Cause]:
        """Yield why one object changes, fields with one cause together; a hook runs because the change is made."""
        match change.action:
            case _ if change.hook is not None:
                found = []
            case Action.UPDATE | Action.RECREATE if (whole := self._whole(change)) is not None:
                found = [self._whole_cause(whole)]
            case Action.UPDATE | Action.RECREATE:
                found = [self._field_cause(change, steps, field) for steps, field in changed_places(change)]
            case Action.CREATE if change.desired is not None and not change.desired.is_backup:
                is_whole = self._is_beyond(change.desired)
                origin = self._file(change.desired) if is_whole else self._origin(change.desired, ())
                found = [Found(self._created(change.ref, change.desired, origin), _printed("", origin))]
            case Action.DELETE if not (self._is_replaced(change.ref) or is_stuck_pod(change)):
                found = [Found(self._deleted(change), ChangedField(field=""))]
            case _:
                found = []
        self.named |= {pointer for one in found for pointer in one.why.pointers}
        yield from grouped(found)

    def _field_cause(self, change: Change, steps: Steps, field: str) -> Found:
        if _unchanged_since(change, self._before.get(change.ref), steps):
            return Found(in_cluster(change, steps), ChangedField(field=field))
        if change.desired is None:
            return Found(self._other(()), ChangedField(field=field))
        if (only := self._only_read(change.desired)) is not None:
            return Found(only, ChangedField(field=field, source=str(change.desired.source)))
        origin = self._origin(change.desired, steps)
        return Found(self._read_for(change.desired, steps, origin), _printed(field, origin))

    def _whole(self, change: Change) -> Manifest | None:
        """Return what is wanted of an object that is not looked up field by field, although its bundle changes it."""
        before, desired = self._before.get(change.ref), change.desired
        if before is None or desired is None or before.body == desired.body:
            return None
        return desired if self._is_beyond(desired) else None

    def _whole_cause(self, desired: Manifest) -> Found:
        origin = self._file(desired)
        return Found(self._only_read(desired) or self._read_anywhere(origin), _printed("", origin))

    def _is_beyond(self, desired: Manifest) -> bool:
        """Count an object, and return whether there are more than a person looks at."""
        if self._sizes.get(desired.source.file, 0) > _MAX_CHARS:
            return True
        self._looked_up += 1
        return self._looked_up > _MAX_OBJECTS

    def _only_read(self, desired: Manifest) -> Why | None:
        """Return the one changed value that a whole template reads; None where its lines have to tell them apart."""
        paths = self._composition.rendering.find_reads(desired.component, desired.source.file)
        if paths is None or desired.patched_by or not self._is_same_bundle:
            return None
        pointers = self.values.read_by(desired.component, paths)
        has_others = any(path[0] in _OF_TEMPLATES for path in paths)
        return Why(CauseKind.VALUES, pointers) if len(pointers) == 1 and not has_others else None

    def _origin(self, desired: Manifest, steps: Steps) -> FieldOrigin | None:
        return origin_in(self._composition.rendering, desired.ref, steps)

    def _file(self, desired: Manifest) -> FieldOrigin:
        """Return what the template of an object reads; none of its lines is looked up."""
        paths = self._composition.rendering.find_reads(desired.component, desired.source.file) or frozenset()
        return FieldOrigin(source=desired.source, component=desired.component, template=lambda: paths)

    def _read_for(self, desired: Manifest, steps: Steps, origin: FieldOrigin | None) -> Why:
        if origin is None:
            return self._other(())
        if desired.patched_by and value_at_steps(desired.body, steps) != origin.value:
            return Why(CauseKind.PATCH, note=f"patched by {', '.join(map(str, desired.patched_by))}")
        if direct := narrowed(self.values, origin, steps):
            is_its_own = origin.is_certain or len(direct) == 1  # of what is read, nothing else changed
            note = "" if is_its_own else f"values read at {origin.source}"
            return Why(CauseKind.VALUES, direct, note, is_certain=is_its_own and self._is_same_bundle)
        if around := self.values.read_by(origin.component, origin.around):
            return Why(CauseKind.VALUES, around, is_certain=self._is_same_bundle)
        return self._read_anywhere(origin)

    def _created(self, ref: ObjectRef, desired: Manifest, origin: FieldOrigin | None) -> Why:
        if ref in self._before:
            return Why(CauseKind.CLUSTER, note="it is not in the cluster")
        is_new_component = desired.component not in self._components_before
        if is_new_component and (switches := self.values.switches(desired.component)):
            return Why(CauseKind.VALUES, switches, is_certain=self._is_same_bundle)
        if (only := self._only_read(desired)) is not None:
            return only
        if origin is None:
            return self._other(())
        if around := self.values.read_by(origin.component, origin.around):
            return Why(CauseKind.VALUES, around, is_certain=self._is_same_bundle)
        return self._read_anywhere(origin)

    def _read_anywhere(self, origin: FieldOrigin) -> Why:
        """Name what the template reads in other lines; of another bundle, the lines themselves may be new."""
        anywhere = self.values.read_by(origin.component, origin.template()) if self._is_same_bundle else ()
        if anywhere:
            return Why(CauseKind.VALUES, anywhere, note=f"values read by {origin.source.file}", is_certain=False)
        return self._other({*origin.direct, *origin.around})

    def _is_replaced(self, ref: ObjectRef) -> bool:
        """Return whether it is a Job that has run, and whose place another one of that name takes."""
        return is_job(ref) and job_stem(ref.name) in self._job_stems

    @cached_property
    def _job_stems(self) -> frozenset[str]:
        return frozenset(job_stem(one.ref.name) for one in self._composition.manifests if is_job(one.ref))

    @cached_property
    def _components_before(self) -> frozenset[str]:
        return frozenset(one.component for one in self._before.values())

    @cached_property
    def _begun(self) -> frozenset[Pointer]:
        """The values with which all changes of values begin."""
        roots = self.values.roots(self.values.pointers)
        return frozenset(one for one in self.values.pointers if pointer_as_path(one) in roots)

    def _deleted(self, change: Change) -> Why:
        kept = {part.component for part in self._composition.rendering.bundles}
        if change.component not in kept and (switches := self.values.switches(change.component)):
            return Why(CauseKind.VALUES, switches, is_certain=self._is_same_bundle)
        if not self._is_same_bundle:
            return self._bundle
        if self._begun:
            return Why(CauseKind.VALUES, self._begun, note="values that changed", is_certain=len(self._begun) == 1)
        return self._other(())

    def _other(self, paths: Iterable[ValuePath]) -> Why:
        """Say what is left where no value that changed is read."""
        if not self._is_same_bundle:
            return self._bundle
        read = sorted({".".join(path) for path in paths if path[0] in _OF_TEMPLATES})
        return Why(CauseKind.UNKNOWN, note=f"it reads {', '.join(read)}" if read else "", is_certain=False)


def origin_in(rendering: Rendering, ref: ObjectRef, steps: Sequence[str | int]) -> FieldOrigin | None:
    """Return the line that printed a field of an object as it is sent: Jobs have other names then, Secrets other keys.

    Args:
        rendering: of the bundle.
        ref: the object.
        steps: to the field.
    """
    find = rendering.find_origin
    if is_job(ref):
        return find(replace(ref, name=job_stem(ref.name) or ref.name), steps)
    if ref.kind == "Secret" and not ref.group and steps[:1] == ("data",):
        written = find(ref, ("stringData", *steps[1:]))
        if written is not None and written.value is not None:
            return written
    return find(ref, steps)


def narrowed(values: ValueChanges, origin: FieldOrigin, steps: Sequence[str | int]) -> frozenset[Pointer]:
    """Return which values a line reads; of a mapping that it prints whole, what is at the place of the field.

    Args:
        values: those that count.
        origin: the line.
        steps: to the field.
    """
    found: set[Pointer] = set()
    tail = tuple(map(str, steps))
    outside = len(origin.component.split("/")) if origin.component else 0
    for path in origin.direct:
        pointers = values.read_by(origin.component, [path])
        ends = {pointer: pointer_tokens(pointer)[outside + len(path) - 1 :] for pointer in pointers}
        there = {pointer for pointer, end in ends.items() if end and tail[-len(end) :] == end}
        found |= there or pointers
    return frozenset(found)


def _arrow(before: str, after: str) -> str:
    return f"{before} → {after}" if before != after else f"{after}, of another content"


def _unchanged_since(change: Change, before: Manifest | None, steps: Steps) -> bool:
    """Return whether the release wanted a field before as it wants it now."""
    if before is None or change.desired is None:
        return False
    return value_at_steps(before.body, steps) == value_at_steps(change.desired.body, steps)


def _printed(field: str, origin: FieldOrigin | None) -> ChangedField:
    return ChangedField(field=field, source=str(origin.source) if origin is not None else "")
