"""What someone else would do to a cluster: failures on request, edits, scaling. Layer: sandbox."""

from __future__ import annotations

import json
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING

from bundler.errors import UsageError
from bundler.fields.kinds import all_kinds
from bundler.fields.merge_patch import merge_patch
from bundler.model.refs import ObjectRef
from bundler.sandbox import refusals, writes
from bundler.sandbox.controllers.engine import touch, unsettle
from bundler.sandbox.controllers.pod_status import REASONS
from bundler.sandbox.controllers.world import rfc3339
from bundler.sandbox.seed import seed_store
from bundler.sandbox.store import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from bundler.model.json import Body
    from bundler.ports import Clock, HeldLock
    from bundler.sandbox.store import Store, Transaction, Tree

FAILING_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod", "PersistentVolumeClaim")
SUBRESOURCE_MANAGER = "kubectl"


class Tampering:
    """The part of the sandbox that no real cluster has."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._held: HeldLock | None = None

    def guarded(self, held: HeldLock) -> Self:
        """Return this sandbox for a run that holds a lock; see bundler.ports.ClusterClient."""
        other = copy(self)
        other._held = held  # noqa: SLF001 - a copy of ourselves
        return other

    @property
    def path(self) -> Path | None:
        """The file that keeps the sandbox; None where it lives in memory."""
        return self._store.path

    def fail(self, kind: str, name: str, reason: str, namespace: str = "default") -> None:
        """Let a workload, pod or claim fail from now on, until ``heal``.

        Args:
            kind: of the object, such as ``Deployment``.
            name: of the object.
            reason: such as ``CrashLoopBackOff``.
            namespace: of the object.

        Raises:
            UsageError: when the reason or the kind cannot fail like that.
        """
        if reason not in REASONS:
            known = [f"{word}: {meaning}" for word, meaning in REASONS.items()]
            raise UsageError(f"failing {kind}/{name} with {reason}", context=known, hint="give one of these reasons")
        fault = Fault(ref=_failing_ref(kind, name, namespace), reason=reason, since_s=self._now_s())
        with self._store.transaction() as tx:
            tx.set_fault(fault)
            unsettle(tx, self._now_s())

    def heal(self, kind: str, name: str, namespace: str = "default") -> bool:
        """Take a failure back; False where there was none.

        Args:
            kind: of the object, such as ``Deployment``.
            name: of the object.
            namespace: of the object.

        Raises:
            UsageError: when the kind cannot fail at all.
        """
        with self._store.transaction() as tx:
            is_known = tx.drop_fault(_failing_ref(kind, name, namespace))
            unsettle(tx, self._now_s())
        return is_known

    def faults(self) -> Sequence[Fault]:
        """Return the failures that were asked for."""
        with self._store.snapshot() as tx:
            return tx.faults()

    def reset(self) -> None:
        """Start over, with an empty cluster of another identity."""
        with self._store.transaction() as tx:
            version = tx.version
            tx.wipe()
            tx.version = version
            seed_store(tx, rfc3339(self._now_s()))

    def edit(
        self, ref: ObjectRef, patch: Body, *, manager: str = "kubectl-edit", subresource: str = "", version: str = ""
    ) -> Body:
        """Merge a patch (null deletes) into an object as another field manager would.

        Args:
            ref: the object.
            patch: merged in; null deletes.
            manager: field manager.
            subresource: ``status``, ``scale``; empty for the object itself.
            version: of the API; empty for the preferred one.

        Raises:
            ObjectNotFoundError: when it does not exist.
            RejectedError: when the result is not valid.
        """
        with self._writing() as tx:
            write = writes.begin(tx, "editing", ref, version, manager=manager, time=rfc3339(self._now_s()))
            live = tx.get(ref)
            if live is None:
                raise refusals.not_found("editing", ref, write.served)
            merged: Tree = json.loads(json.dumps(merge_patch(live, patch)))
            return writes.replace_tree(tx, write, live, merged, subresource=subresource)

    def scale(
        self, kind: str, name: str, replicas: int, *, namespace: str = "default", manager: str = SUBRESOURCE_MANAGER
    ) -> Body:
        """Set ``spec.replicas`` by the scale subresource, as an autoscaler or ``kubectl scale`` does.

        Args:
            kind: of the object, such as ``Deployment``.
            name: of the object.
            replicas: the wanted number.
            namespace: of the object.
            manager: field manager.

        Raises:
            ObjectNotFoundError: when it does not exist.
        """
        ref = ObjectRef("apps", kind, namespace, name)
        return self.edit(ref, {"spec": {"replicas": replicas}}, manager=manager, subresource="scale")

    @contextmanager
    def _writing(self, *, is_dry_run: bool = False) -> Iterator[Transaction]:
        """Open a transaction and note when it changed something, for the controllers to continue from there."""
        if self._held is not None and not is_dry_run:
            self._held.held()
        with self._store.transaction(is_dry_run=is_dry_run) as tx:
            yield tx
            touch(tx, self._now_s())

    def _now_s(self) -> float:
        return self._clock.now().timestamp()


def _failing_ref(kind: str, name: str, namespace: str) -> ObjectRef:
    groups = {info.kind: info.group for info in all_kinds() if info.kind in FAILING_KINDS}
    if kind not in groups:
        listed = ", ".join(FAILING_KINDS)
        raise UsageError(f"failing {kind}/{name}", context=[f"{kind} cannot fail"], hint=f"name one of: {listed}")
    return ObjectRef(groups[kind], kind, namespace, name)
