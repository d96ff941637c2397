"""How a release is: its record, and the health of what it owns. Layer: actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.actions.change.list_watch import list_what_answers
from bundler.actions.change.pod_watch import PATIENCE_S, PodWatch
from bundler.actions.change.run_control import Guard
from bundler.actions.change.wait import WaitRules, wait_until_ready
from bundler.actions.inspect.runs import abandoned, wait_for_run
from bundler.actions.release.damage import lost_head
from bundler.actions.release.history import History, require_history, uninstalled
from bundler.actions.release.kept_secrets import learn_kept_secrets
from bundler.actions.release.recorded_parts import readiness_of
from bundler.errors.change import ReleaseError
from bundler.health.compute import compute_health
from bundler.health.pods import FailFast
from bundler.health.service_targets import service_problems
from bundler.model.change import Action, Change
from bundler.model.events import Warned
from bundler.model.health import Health, Status
from bundler.model.hooks import hook_run, is_check
from bundler.model.lean import replace
from bundler.model.names import release_uid
from bundler.model.release import InventoryEntry, ReleaseStatus, Revision
from bundler.model.release_state import ObjectStatus, ReleaseState
from bundler.planning.jobs import job_failed, jobs_done
from bundler.planning.taking import is_others

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports


def release_state(ports: Ports, namespace: str, release: str) -> ReleaseState:
    """Read a release's newest revision and look at each of its objects.

    Args:
        ports: the cluster, records, clock and reporter of the run.
        namespace: of the release.
        release: its name.

    Raises:
        ReleaseNotFoundError: when there is no such release.
    """
    history = require_history(ports.store, namespace, release)
    if (lost := lost_head(history)) is not None:
        ports.report(Warned(f"{lost.line}; {lost.hint}"))
    if line := abandoned(history.summaries[-1], ports):
        ports.report(Warned(line))
    revision = ports.store.load(history.summaries[-1])
    if history.is_uninstalled:
        return ReleaseState(revision=revision, deployed=None, objects=())
    live, silent = _live_and_silent(revision, ports)
    rules = readiness_of(revision)
    # a generated Secret has an entry for each of its keys
    shown = _there(revision, live)
    entries = {entry.ref: entry for entry in revision.inventory if entry.ref in shown}.values()
    finished = jobs_done(revision)

    def health(ref: ObjectRef) -> Health:
        if (body := live.get(ref)) is not None:
            return compute_health(ref, body, rules=rules, judge=ports.judge)
        if ref in silent:
            return Health(Status.UNKNOWN, silent[ref])
        return Health(Status.CURRENT, "has run") if ref in finished else Health(Status.NOT_FOUND, "it does not exist")

    objects = tuple(ObjectStatus(entry=entry, health=health(entry.ref)) for entry in entries)
    objects = _with_targets(_with_pods(objects, live, ports), revision)
    if any(one.health.status is not Status.CURRENT or one.health.warning for one in objects):  # it may quote anything
        learn_kept_secrets(history, ports)
    unasked = tuple(sorted(set(silent.values())))
    failed = _went_back_from(revision, history, ports)
    return ReleaseState(
        revision=revision, deployed=history.deployed, went_back_from=failed, objects=objects, unasked=unasked
    )


def _went_back_from(revision: Revision, history: History, ports: Ports) -> Revision | None:
    """Return the failed revision that a rollback undid, with its evidence; what cannot be read is left out."""
    summary = history.undone_by(revision)
    try:
        return ports.store.load(summary) if summary else None
    except ReleaseError as error:
        ports.report(Warned(f"{error}: {'; '.join(error.context)}"))
        return None


def _there(revision: Revision, live: Mapping[ObjectRef, Body]) -> frozenset[ObjectRef]:
    """Return the objects that belong to the state of a release: hooks where they are there, and no checks.

    Once a revision is deployed, the Job of a hook that failed is what is left of a change that was undone.
    """
    dormant, is_deployed = revision.dormant, revision.summary.status is ReleaseStatus.DEPLOYED

    def is_shown(entry: InventoryEntry) -> bool:
        body = live.get(entry.ref)
        if entry.ref not in dormant:
            return True
        if body is None or entry.manifest is None or is_check(entry.manifest):
            return False
        return hook_run(body) != "" and not (is_deployed and job_failed(entry.ref, body))

    return frozenset(entry.ref for entry in revision.inventory if is_shown(entry))


def _with_targets(objects: tuple[ObjectStatus, ...], revision: Revision) -> tuple[ObjectStatus, ...]:
    """Add to Services that lead to no pod of the release that they do not."""
    problems = {problem.ref: problem.message for problem in service_problems(revision.manifests)}
    return tuple(
        replace(one, health=replace(one.health, warning=one.health.warning or problem))
        if (problem := problems.get(one.entry.ref)) and one.health.status is Status.CURRENT
        else one
        for one in objects
    )


def _with_pods(
    objects: tuple[ObjectStatus, ...], live: Mapping[ObjectRef, Body], ports: Ports
) -> tuple[ObjectStatus, ...]:
    """Add to workloads that are not ready what keeps their pods; pods are read for these alone."""
    unready = {
        one.entry.ref: live[one.entry.ref]
        for one in objects
        if one.health.status in {Status.IN_PROGRESS, Status.FAILED} and one.entry.ref in live
    }
    pods = PodWatch(ports, FailFast())
    pods.look(unready, age_s=PATIENCE_S)
    return tuple(
        replace(one, health=replace(one.health, message=f"{one.health.message}; {detail}"))
        if (detail := pods.detail(one.entry.ref))
        else one
        for one in objects
    )


def _live_and_silent(revision: Revision, ports: Ports) -> tuple[Mapping[ObjectRef, Body], Mapping[ObjectRef, str]]:
    uid = release_uid(revision.summary.namespace, revision.summary.release)
    return list_what_answers((entry.ref for entry in revision.inventory), ports, uid=uid)


def wait_for_release(ports: Ports, namespace: str, release: str) -> ReleaseState:
    """Wait until a release's newest revision is written and ready; nothing is changed, no lock is taken.

    A run that works on the release is waited for first. Objects of an API that does not answer are asked for until it
    does: meanwhile the others are waited for.

    Args:
        ports: the cluster, records, clock and reporter of the run.
        namespace: of the release.
        release: its name.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UnfinishedChangeError: when the run that has to write it is dead.
        ObjectFailedError, WaitTimeoutError: with the reasons.
    """
    history = require_history(ports.store, namespace, release)
    if history.is_uninstalled:
        raise uninstalled(history, doing=f"waiting for release {release}")
    history = wait_for_run(history, ports)
    if (rolling := history.open_rollout) is not None:
        ports.report(
            Warned(f"revision {rolling.revision} is rolled out in steps, and not ready before the last of them")
        )
    newest = history.summaries[-1]
    if newest.status in {ReleaseStatus.FAILED, ReleaseStatus.INTERRUPTED}:
        what = "what it did not write is not waited for; running the same command again finishes it"
        ports.report(Warned(f"revision {newest.revision} is {newest.status}: {what}"))
    state = release_state(ports, namespace, release)
    (live, _), uid = _live_and_silent(state.revision, ports), release_uid(namespace, release)
    dormant = state.revision.dormant
    entries = (entry for entry in state.revision.inventory if entry.ref not in dormant)
    own = [entry for entry in entries if not is_others(live.get(entry.ref, {}), uid)]
    changes = [_waited(entry, live.get(entry.ref)) for entry in own]
    is_whole = state.revision.summary.status is ReleaseStatus.DEPLOYED
    rules = WaitRules(
        uid=uid,
        restores=f"run `bundler drift {release} -n {namespace} --fix`"
        if is_whole
        else "run the change that failed again",
        readiness=readiness_of(state.revision),
        finished_jobs=jobs_done(state.revision),
    )
    wait_until_ready(changes, ports, rules, Guard(ports, _NoLock()))
    return release_state(ports, namespace, release)


def _waited(entry: InventoryEntry, before: Body | None) -> Change:
    return Change(
        ref=entry.ref,
        action=Action.NONE,
        component=entry.component,
        desired=entry.manifest,
        before=before,
    )


class _NoLock:
    """Waiting changes nothing and needs no lock."""

    def held(self) -> None:
        """Return: there is nothing to lose."""

    def rest_s(self) -> float:
        """Return no end: there is nothing to lose."""
        return float("inf")

    def confirm(self) -> None:
        """Return: there is nothing to lose."""
