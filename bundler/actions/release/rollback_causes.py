"""Why each field of a rollback goes back: the recorded values that differ, or the bundle. Layer: actions, pure.

Nothing is rendered for a rollback, and its bundle may be far away. Both revisions have recorded their values and their
objects; a field follows a value where the texts of both say so.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bundler.actions.release.found_causes import Found, Why, changed_places, grouped, in_cluster
from bundler.model.causes import CauseKind, ChangedField
from bundler.model.change import Action, Change, Plan
from bundler.model.json import JSONValue, value_at_steps
from bundler.model.lean import replace
from bundler.model.redaction import Redactor
from bundler.planning.jobs import is_job, job_stem
from bundler.planning.stuck_pods import is_stuck_pod
from bundler.values.recorded_changes import RecordedChanges, RecordedValues

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.release import Revision
    from bundler.model.values import Pointer


def with_rollback_causes(plan: Plan, revision: Revision, left: Revision) -> Plan:
    """Return the plan of a rollback whose changes say what caused them, with the values that go back.

    Args:
        plan: from what is live to the revision to be.
        revision: the one to be: what an earlier one recorded.
        left: the one that is left, with its sensitive leaves where they may be read; ``revision`` itself where nothing
            is left.
    """
    finder = _Finder(revision, left)
    changes = tuple(replace(change, causes=tuple(grouped(finder.found(change)))) for change in plan.changes)
    return replace(plan, changes=changes, values=finder.values.told(finder.named))


class _Finder:
    """Finds the causes of the changes of one rollback."""

    def __init__(self, revision: Revision, left: Revision) -> None:
        old, new = left.summary.bundle, revision.summary.bundle
        is_same_bundle = old.digest == new.digest
        hidden = Redactor()
        hidden.learn(*revision.sensitive, *left.sensitive)
        sensitive = revision.sensitive | left.sensitive
        said, bundle = f"revision {revision.rolled_back_to}", f"{new.name} {new.version}"
        self.values = RecordedChanges(
            RecordedValues(said="", bundle="", user=left.user_values, computed=left.computed_values),
            RecordedValues(said=said, bundle=bundle, user=revision.user_values, computed=revision.computed_values),
            is_same_bundle=is_same_bundle,
            is_secret=lambda text: text in sensitive or hidden.redact_value(text) != text,
        )
        other = bundle if (old.name, old.version) != (new.name, new.version) else f"{bundle}, of another content"
        self._recorded = Why(CauseKind.REVISION, note=f"{said} had it so{'' if is_same_bundle else f' ({other})'}")
        self._is_same_bundle = is_same_bundle
        self.named: set[Pointer] = set()
        """Values that a cause names."""
        self._left = _bodies(left)
        self._job_stems = frozenset(job_stem(ref.name) for ref in _bodies(revision) if is_job(ref))

    def found(self, change: Change) -> Iterator[Found]:
        """Yield the cause of each field of a change; of a whole object that comes or goes, of that."""
        match change.action:
            case _ if change.hook is not None:
                return
            case Action.UPDATE | Action.RECREATE:
                for steps, field in changed_places(change):
                    yield Found(self._field(change, steps), ChangedField(field=field))
            case Action.CREATE if change.ref in self._left:
                yield Found(Why(CauseKind.CLUSTER, note="it is not in the cluster"), ChangedField(field=""))
            case Action.CREATE if change.desired is not None and not change.desired.is_backup:
                yield Found(self._unread(), ChangedField(field=""))
            case Action.DELETE if not (self._is_replaced_job(change.ref) or is_stuck_pod(change)):
                yield Found(self._unread(), ChangedField(field=""))
            case _:
                return

    def _is_replaced_job(self, ref: ObjectRef) -> bool:
        return is_job(ref) and job_stem(ref.name) in self._job_stems

    def _field(self, change: Change, steps: tuple[str | int, ...]) -> Why:
        before = self._left.get(change.ref)
        if before is None or change.desired is None:
            return self._unread()
        old, new = (value_at_steps(one.body, steps) for one in (before, change.desired))
        if old == new:
            return in_cluster(change, steps)
        if _is_encoded(change.ref, steps):
            old, new = _decoded(old), _decoded(new)
        if pointers := self.values.behind(old, new):
            self.named |= pointers
            return Why(CauseKind.VALUES, pointers, is_certain=self.values.is_one)
        return self._unread()

    def _unread(self) -> Why:
        """Say what is left where the texts of a field name no value."""
        if not self._is_same_bundle or not self.values.begun:
            return self._recorded
        note = "" if self.values.is_one else "values that changed"
        return Why(CauseKind.VALUES, self.values.begun, note, is_certain=self.values.is_one)


def _bodies(revision: Revision) -> Mapping[ObjectRef, Manifest]:
    return {one.ref: one for one in revision.manifests}


def _is_encoded(ref: ObjectRef, steps: tuple[str | int, ...]) -> bool:
    return (ref.group, ref.kind) == ("", "Secret") and steps[:1] == ("data",)


def _decoded(value: JSONValue) -> JSONValue:
    """Return the text of a leaf of a Secret; the leaf where it holds none."""
    try:
        return base64.b64decode(value, validate=True).decode() if isinstance(value, str) else value
    except (binascii.Error, UnicodeDecodeError):
        return value
