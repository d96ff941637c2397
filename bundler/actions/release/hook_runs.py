"""Which hooks a change runs: those of the revision to be, or of the one that is left. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.model.change import KeptObject
from bundler.model.hooks import Operation
from bundler.model.lean import dataclass
from bundler.model.release import ReleaseStatus, Revision
from bundler.planning.hooks import HookRun, active_hooks, finished_in
from bundler.planning.jobs import is_job

if TYPE_CHECKING:
    from bundler.actions.release.history import History
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.ports import ReleaseStore

_UNFINISHED = {ReleaseStatus.PENDING_ROLLBACK, ReleaseStatus.INTERRUPTED, ReleaseStatus.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """The hooks of one change."""

    run: HookRun | None = None
    manifests: tuple[Manifest, ...] = ()
    """What is written in the run."""
    finished: frozenset[ObjectRef] = frozenset()
    """Jobs among them that an earlier try of the run has finished."""
    sensitive: frozenset[str] = frozenset()
    """What must not be printed of them."""

    skipped: tuple[KeptObject, ...] = ()
    """What would be written, and is not because no hooks run."""

    def left_out(self) -> Hooks:
        """Return that none of them run, with which these are; what an earlier try has finished did run."""
        return Hooks(skipped=tuple(_skipped(self)))

    @property
    def refs(self) -> frozenset[ObjectRef]:
        """The objects."""
        return frozenset(manifest.ref for manifest in self.manifests)


NO_HOOKS = Hooks()


def _skipped(hooks: Hooks) -> Iterator[KeptObject]:
    for manifest in hooks.manifests:
        point = hooks.run.point_of(manifest) if hooks.run else None
        if point is not None and manifest.ref not in hooks.finished:
            yield KeptObject(manifest.ref, f"{point}, {manifest.source}")


def operation_of(history: History) -> Operation:
    """Return what it is to bring a release to a bundle: an install until one has come to its end."""
    return Operation.UPGRADE if history.deployed else Operation.INSTALL


def hooks_of(
    revision: Revision, left: Revision | None, history: History, store: ReleaseStore, *, are_skipped: bool
) -> Hooks:
    """Return the hooks of an install, an upgrade or a rollback.

    Args:
        revision: that is made.
        left: the revision that a rollback leaves; None where there is none.
        history: of the release.
        store: its records.
        are_skipped: none of them run.
    """
    if not revision.rolled_back_to:
        start = history.deployed.revision if history.deployed else 0
        found = _hooks(revision, HookRun(operation=operation_of(history), start=start), history)
    elif left is None:
        return NO_HOOKS
    else:
        found = _recorded(left, HookRun(operation=Operation.ROLLBACK, start=left.summary.revision), history, store)
    return found.left_out() if are_skipped else found


def hooks_of_removal(newest: Revision, history: History, store: ReleaseStore, *, are_skipped: bool) -> Hooks:
    """Return the hooks of an uninstall.

    Args:
        newest: the revision that is removed.
        history: of the release.
        store: its records.
        are_skipped: none of them run.
    """
    run = HookRun(operation=Operation.UNINSTALL, start=newest.summary.revision)
    found = _recorded(newest, run, history, store)
    return found.left_out() if are_skipped else found


def _recorded(revision: Revision, run: HookRun, history: History, store: ReleaseStore) -> Hooks:
    """Return the hooks that a record holds; what is sensitive is read only where some of them run."""
    found = _hooks(revision, run, history)
    return _hooks(store.load(revision.summary, with_sensitive=True), run, history) if found.manifests else found


def _hooks(revision: Revision, run: HookRun, history: History) -> Hooks:
    manifests = tuple(active_hooks(revision.manifests, run))
    jobs = [manifest.ref for manifest in manifests if is_job(manifest.ref)]
    return Hooks(
        run=run, manifests=manifests, finished=finished_in(jobs, history.current, run), sensitive=revision.sensitive
    )


def left_by_rollback(history: History, target: int, store: ReleaseStore) -> Revision | None:
    """Return the revision that a rollback leaves: the newest but for tries of a rollback that did not get there.

    None is left where the target is the newest itself, and where nothing of the release is installed.

    Args:
        history: of the release.
        target: number of the revision that is rolled back to.
        store: its records.
    """
    for summary in reversed(history.current):
        if summary.revision == target:
            return None
        revision = store.load(summary)
        if not (revision.rolled_back_to and summary.status in _UNFINISHED):
            return revision
    return None
