"""Jobs that are waited for: they may be gone before a list has shown that they finished. Layer: actions."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from typing import TYPE_CHECKING

from bundler.errors import BundlerError
from bundler.health.workloads import gone_job_health, is_complete, job_health
from bundler.model.change import Action, Change
from bundler.model.cluster import ListQuery, is_deleting
from bundler.model.health import Health, Status
from bundler.model.json import Body, text_at
from bundler.model.labels import RELEASE_UID

if TYPE_CHECKING:
    from bundler.actions.change.run_control import RunMemory
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports

_ASKING_S = 2.0
"""The deletion of what is gone is in the past: a watch from before reports it at once."""


class JobWatch:
    """The Jobs of one wait: what they looked like last, and which of them have finished."""

    def __init__(self, ports: Ports, uid: str, memory: RunMemory) -> None:
        self._ports, self._uid, self._memory = ports, uid, memory
        self._last: dict[ObjectRef, Body] = {}
        self._gone: dict[ObjectRef, Health] = {}
        self._finished: set[ObjectRef] = set()

    def judge(self, change: Change, body: Body | None) -> Health | None:
        """Judge a Job that is gone, or going; None for one that is simply there, or was never seen.

        Args:
            change: what was planned for it.
            body: the Job as it was listed; None where it was not.
        """
        ref = change.ref
        if body is not None:
            self._last[ref] = body
            if is_complete(body) and (change.hook is not None or not is_complete(change.before or {})):
                self._finished.add(ref)
            health = job_health(body) if is_deleting(body) else None
            return health if health and (is_complete(body) or health.status is Status.FAILED) else None
        if ref not in self._gone and (ref in self._last or self._was_there(change)):
            self._gone[ref] = self._judge_gone(change)
        return self._gone.get(ref)

    def _was_there(self, change: Change) -> bool:
        return change.action is not Action.NONE or change.before is not None

    def _judge_gone(self, change: Change) -> Health:
        spec = change.desired.body if change.desired else {}
        last = self._last_state(change) or self._last.get(change.ref) or change.before
        health = gone_job_health(spec, last)
        if health.status is Status.CURRENT:
            self._finished.add(change.ref)
        return health

    def _last_state(self, change: Change) -> Body | None:
        """Return what the Job looked like when it was deleted; None where that cannot be asked."""
        ref = change.ref
        seen = self._last.get(ref) or change.before
        version = text_at(seen, "metadata", "resourceVersion") if ref in self._last else self._memory.version(ref)
        version = version or text_at(seen, "metadata", "resourceVersion")
        query = ListQuery(
            group=ref.group, kind=ref.kind, namespace=ref.namespace, label_selector=f"{RELEASE_UID}={self._uid}"
        )
        if not version:
            return None
        try:
            with closing(self._ports.cluster.watch(query, resource_version=version, timeout_s=_ASKING_S)) as events:
                for event in events:
                    if event.type == "DELETED" and text_at(event.body, "metadata", "name") == ref.name:
                        return event.body
        except BundlerError:
            return None  # watching is not allowed, or the server has forgotten: what was seen has to do
        return None

    def take_finished(self) -> Collection[ObjectRef]:
        """Return the Jobs that have been seen to finish since this was last asked."""
        found, self._finished = frozenset(self._finished), set()
        return found
