"""Read how far an open rollout has come: what is recorded of it, and what pods there are. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.actions.inspect.runs import abandoned
from bundler.actions.release.history import History, require_history, require_open_rollout
from bundler.actions.rollout.observe import RolloutMemory, SteppedWorkload, observe_rollout
from bundler.actions.rollout.templates import TemplateMemory
from bundler.errors.change import RecordDamagedError
from bundler.health.pod_ages import PodAges
from bundler.health.pods import FailFast
from bundler.model.events import Warned
from bundler.model.json import mapping_at
from bundler.model.lean import replace
from bundler.model.release_state import RolloutProgress
from bundler.planning.stepping import PACED_KINDS

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.model.release import Revision
    from bundler.model.rollout import Rollout
    from bundler.ports import Ports


def read_progress(ports: Ports, namespace: str, release: str) -> RolloutProgress:
    """Return how far an open rollout has come; nothing is written.

    Args:
        ports: the cluster, records, clock and reporter of the run.
        namespace: of the release.
        release: its name.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when no rollout is open.
        ForbiddenError: when its workloads or their pods may not be read.
        ClusterError
    """
    history = require_history(ports.store, namespace, release)
    summary, rollout = require_open_rollout(history, doing="reading the rollout")
    if line := abandoned(summary, ports):
        ports.report(Warned(line))
    new, old = ports.store.load(summary, with_sensitive=True), _deployed(history, ports)
    ports.redactor.learn(*new.sensitive, *(old.sensitive if old else ()))
    memory = RolloutMemory(TemplateMemory(), PodAges(FailFast()))
    seen = observe_rollout([*_stepped(new, old, rollout)], ports, memory)
    return RolloutProgress(summary=summary, rollout=rollout, deployed=history.deployed, workloads=seen)


def _deployed(history: History, ports: Ports) -> Revision | None:
    """Return the revision that is replaced; None where its record cannot be read."""
    try:
        return ports.store.load(history.deployed, with_sensitive=True) if history.deployed else None
    except RecordDamagedError:
        return None


def _stepped(new: Revision, old: Revision | None, rollout: Rollout) -> Iterator[SteppedWorkload]:
    """Yield the workloads whose pods are replaced step by step, as the two revisions recorded them."""
    before = {manifest.ref: manifest for manifest in old.manifests} if old else {}
    for manifest in new.manifests:
        ref, replaced = manifest.ref, before.get(manifest.ref)
        is_paced = (ref.group, ref.kind) in PACED_KINDS and manifest.component in rollout.shares
        if is_paced and (old is None or (replaced is not None and _template(replaced) != _template(manifest))):
            yield SteppedWorkload(ref=ref, component=manifest.component, new=_seen_once(manifest), old=replaced)


def _template(manifest: Manifest) -> object:
    return mapping_at(manifest.body, "spec", "template")


def _seen_once(manifest: Manifest) -> Manifest:
    """Return a workload whose pods count once they are ready: one look does not show for how long they have been so."""
    spec = {key: value for key, value in mapping_at(manifest.body, "spec").items() if key != "minReadySeconds"}
    return replace(manifest, body={**manifest.body, "spec": spec})
