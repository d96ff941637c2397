"""Run the checks of a release: its Jobs one after the other, each to its end. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.hook_wait import wait_for_hooks
from bundler.actions.change.live_state import live_workloads
from bundler.actions.change.make_plan import Planned, make_plan
from bundler.actions.change.write_object import ObjectWriter
from bundler.errors.change import ChecksFailedError, HookFailedError, WaitTimeoutError
from bundler.model.bundle import RecreateRule
from bundler.model.change import Action, Change
from bundler.model.check_report import CheckOutcome, CheckRun
from bundler.model.events import Notice
from bundler.model.hooks import is_check
from bundler.model.lean import replace
from bundler.model.names import release_uid
from bundler.model.size import counted, seconds
from bundler.planning.hooks import of_run
from bundler.planning.jobs import is_job
from bundler.planning.live_reach import homes_of, new_reach, reach_beyond_live
from bundler.planning.observation import Wanted
from bundler.planning.problem import Problem, refuse
from bundler.planning.reach import undeclared_reach
from bundler.planning.refusals import object_problems

if TYPE_CHECKING:
    from bundler.actions.change.run_control import Guard
    from bundler.actions.change.wait import WaitRules
    from bundler.model.manifest import Manifest
    from bundler.model.release import Revision
    from bundler.ports import ClusterClient, Ports


def run_checks(wanted: Wanted, ports: Ports, rules: WaitRules, guard: Guard) -> tuple[CheckRun, ...]:
    """Run the checks of a release, and return what each came to.

    Args:
        wanted: as :func:`checks_wanted` makes it.
        ports: the cluster, records, clock and reporter of the run.
        rules: how to wait.
        guard: stops the run when it must not continue.

    Raises:
        BundlerError: when a check cannot be written; one that fails is in the answer.
    """
    planned = plan_checks(wanted, ports.cluster)
    changes = planned.plan.changes
    ports.report(Notice(f"running {counted(sum(is_job(change.ref) for change in changes), 'check')}"))
    runner = _Runner(planned, ports, replace(rules, way_back=""), guard)
    for change in changes:
        if not is_job(change.ref):
            runner.write(change)
    return tuple(runner.run(change) for change in changes if is_job(change.ref))


def plan_checks(wanted: Wanted, cluster: ClusterClient) -> Planned:
    """Plan how checks are written.

    Args:
        wanted: as :func:`checks_wanted` makes it.
        cluster: where.

    Raises:
        BundlerError: when one of them cannot be written.
    """
    planned = make_plan(wanted, cluster)
    candidates = tuple(planned.candidates.values())
    refuse(
        [
            *object_problems(wanted, planned.observation, candidates, planned.outcomes),
            *_reach_problems(planned, cluster),
        ]
    )
    return planned


def _reach_problems(planned: Planned, cluster: ClusterClient) -> Iterable[Problem]:
    """Find what checks may not write: a bundle declares its reach, and a record grants no more than what is live."""
    wanted, plan = planned.wanted, planned.plan
    if not wanted.is_rollback:
        return undeclared_reach(plan.reach)
    doing = f"running the checks of release {wanted.release}"
    places = {change.ref.namespace for change in plan.changes} - {"", wanted.namespace}
    homes = homes_of(live_workloads(places, wanted.uid, cluster), wanted.uid)
    notes = reach_beyond_live(plan.changes, namespace=wanted.namespace, homes=homes)
    return new_reach(notes, doing, "put what checks are allowed to do into templates/ of the bundle")


def checks_of_record(revision: Revision) -> Wanted:
    """Return what is wanted while the checks of a recorded revision run; the bundle is not needed.

    Args:
        revision: with its sensitive values.
    """
    summary = revision.summary
    return Wanted(
        release=summary.release,
        namespace=summary.namespace,
        uid=release_uid(summary.namespace, summary.release),
        sensitive=revision.sensitive,
        is_rollback=True,
    )


def checks_wanted(
    wanted: Wanted, revision: Revision, *, run: str, chosen: Callable[[Manifest], bool] = is_check
) -> Wanted:
    """Return what is wanted while the checks of a revision run: these, and nothing else.

    Args:
        wanted: what the release is to be.
        revision: with its sensitive values.
        run: names the run; the Job of another one is deleted first.
        chosen: says of an object whether it is one of these checks, or of what they need.
    """
    checks = tuple(of_run(one, run) if is_job(one.ref) else one for one in revision.manifests if chosen(one))
    # A Job that was a gate of a rollout knew its step, so that the next one is not of the same template.
    again = tuple(RecreateRule(object=one.ref.short, source=one.source) for one in checks if is_job(one.ref))
    return replace(wanted, manifests=checks, generated=(), owned={}, hook_run=None, recreates=again)


def require_passed(runs: Sequence[CheckRun], *, hint: str) -> None:
    """Return where every check has passed.

    Raises:
        ChecksFailedError: with what is known of those that did not.
    """
    failed = [run for run in runs if run.outcome is not CheckOutcome.PASSED]
    if failed:
        lines = [line for run in failed for line in run.lines]
        raise ChecksFailedError(f"running {counted(len(runs), 'check')}", context=lines, hint=hint)


class _Runner:
    """Writes the objects of checks, and waits for their Jobs."""

    def __init__(self, planned: Planned, ports: Ports, rules: WaitRules, guard: Guard) -> None:
        self._ports, self._rules, self._guard = ports, rules, guard
        self._namespace = planned.wanted.namespace
        self._writer = ObjectWriter(planned, ports, guard, guard.listening(ports.report))

    def write(self, change: Change) -> None:
        if change.action is not Action.NONE:
            self._writer.carry_out(change)

    def run(self, change: Change) -> CheckRun:
        began_s = self._ports.clock.monotonic()
        outcome, lines = self._outcome(change)
        took_s = self._ports.clock.monotonic() - began_s
        self._ports.report(Notice(f"check {change.ref.seen_from(self._namespace)} {outcome} after {seconds(took_s)}"))
        return CheckRun(
            ref=change.ref,
            component=change.component,
            source=str(change.desired.source) if change.desired else "",
            outcome=outcome,
            seconds=took_s,
            lines=tuple(map(self._ports.redactor.redact, lines)),
        )

    def _outcome(self, change: Change) -> tuple[CheckOutcome, Iterator[str] | tuple[str, ...]]:
        if self._ports.remaining_s() <= 0:
            return CheckOutcome.SKIPPED, (
                f"check {change.ref.seen_from(self._namespace)} was not run: no time was left",
            )
        try:
            self.write(change)
            wait_for_hooks([change], self._ports, self._rules, self._guard)
        except HookFailedError as error:
            return CheckOutcome.FAILED, error.context
        except WaitTimeoutError as error:
            late = (
                f"check {change.ref.seen_from(self._namespace)} was not complete when the time of the command ran out"
            )
            return CheckOutcome.FAILED, (late, *error.context)
        return CheckOutcome.PASSED, ()
