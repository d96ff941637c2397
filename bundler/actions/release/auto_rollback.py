"""Go back after a failed change, with the cause reported first. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.lifecycle import RunOptions, carry_out
from bundler.actions.release.proposal import Proposal, pass_gates, propose
from bundler.actions.release.rollback import draft_of
from bundler.actions.release.run_record import spent
from bundler.actions.release.terms import Accepted, Terms
from bundler.actions.release.uninstall import remove_objects
from bundler.actions.release.upgrade_path import is_at_least
from bundler.actions.release.way_back import WayBack, go_back
from bundler.errors import Again
from bundler.errors.change import ForeignObjectError, RecordDamagedError, WaitError
from bundler.model.kept import NEVER_DELETED
from bundler.model.lean import replace
from bundler.planning.problem import refuse
from bundler.planning.recreate import recreated_by
from bundler.planning.together import changed_components, component_words, components_of

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.model.release import Revision
    from bundler.ports import HeldLock, Ports


def barred(error: BundlerError, proposal: Proposal) -> BundlerError | None:
    """Return the error that says why nothing may go back by itself; None where it may.

    Below the ``noRollbackBelow`` of the bundle that failed the data may not fit any more: its migration may have run.
    """
    target, barrier = proposal.history.deployed, proposal.drafted.revision.no_rollback_below
    if target is None or is_at_least(target.bundle.version, barrier):
        return None
    there = f"revision {target.revision} is {target.bundle.name} {target.bundle.version}"
    return error.with_context(
        f"not rolled back: the bundle says noRollbackBelow: {barrier}, and {there}",
        hint=f"{error.hint}; or `bundler rollback --allow-downgrade` when you know the data allows it",
    )


def lost_way_back(error: BundlerError, proposal: Proposal) -> BundlerError | None:
    """Return the error that says which damaged record hides where to go back to; None where none does."""
    damaged = proposal.history.damaged
    if not damaged:
        return None
    hint = f"{error.hint}; or `bundler rollback` with the number of a revision that can be read"
    return error.with_context(*(f"not rolled back: {damage.line}" for damage in damaged), hint=hint)


def roll_back_after(
    error: BundlerError, proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock, *, budget_s: float
) -> BundlerError:
    """Undo a failed change under the lock that is still held, and return what to raise in place of its error.

    All components that the change touched go back together. The evidence, of each component that was not ready, is
    recorded with the failed revision and reported before anything is undone. The rollback has a budget of its own, so
    that a change that used up its time can still be undone. A first install goes back to nothing: its objects are
    deleted.

    Args:
        error: what ended the change, evidence included.
        proposal: the change.
        ports: as of the change.
        options: as of the change.
        held: the lock.
        budget_s: seconds for the rollback.

    Raises:
        LockLostError: when the release is no longer ours to roll back.
    """
    again = Again("fix what is named above, then ", "run it again")
    way = WayBack(
        doing="rolling back",
        budget_s=budget_s,
        undo=lambda fresh: _undo(error, proposal, fresh, options, held),
        failed="the rollback failed too",
        hint_failed=again,
        # Waiting on would be waiting for what is no longer there.
        hint=again if isinstance(error, WaitError) else error.hint,
    )
    return spent(go_back(error, ports, held, way), proposal)


def _refuse_to_delete_what_was_taken_over(proposal: Proposal) -> None:
    """A first install goes back by deleting its objects; those that were there before it must not go with them."""
    taken = [change for change in proposal.plan.changes if change.adopted_from]
    if taken:
        raise ForeignObjectError(
            f"deleting what the install of {proposal.history.release} made",
            context=[f"{change.ref.short} was taken over, and would be deleted with it" for change in taken],
            hint="correct the values and install again; `bundler uninstall` deletes all of it",
        )


def _recreated(proposal: Proposal, fallback: Revision) -> tuple[str, ...]:
    """Name what the change recreated and cannot be changed back in place; claims stay, for no one named them again."""
    back = (ref for ref in recreated_by(proposal.plan.changes) if ref in fallback.refs)
    return tuple(ref.short for ref in back if (ref.group, ref.kind) not in NEVER_DELETED)


def _found(error: BundlerError, proposal: Proposal) -> str:
    """Return which components failed, in words; empty where the bundle has none."""
    named = component_words(components_of(proposal.plan.changes, {problem.subject for problem in error.problems}))
    return f"{named} {'not ready' if isinstance(error, WaitError) else 'failed'}" if named else ""


def _undo(error: BundlerError, proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock) -> str:
    history, fallback = proposal.history, proposal.drafted.fallback
    if history.deployed is None:
        _refuse_to_delete_what_was_taken_over(proposal)
        remove_objects(history.namespace, history.release, ports, held)
        return "nothing was deployed before: what this install had made was deleted again"
    if fallback is None or fallback.summary.revision != history.deployed.revision:
        number = history.deployed.revision
        raise RecordDamagedError(
            f"going back to revision {number}",
            context=["its record could not be read whole before the change, and is not trusted after it"],
            hint=f"read the plan of `bundler rollback {history.release} {number} -n {history.namespace}`",
        )
    terms = Terms(
        site=proposal.terms.site,
        # This rollback was asked for together with the change, and the barrier was held before.
        accepted=Accepted(losses=True, downgrade=True),
        recreates=_recreated(proposal, fallback),
        on_conflict=proposal.terms.on_conflict,
        skips_hooks=proposal.terms.skips_hooks,
        follows_failure=True,
        live_before=proposal.planned.observation.live,
    )
    found = _found(error, proposal)
    why = f"revision {history.next_number} failed{f': {found}' if found else ''}"
    authorship = replace(proposal.drafted.revision.authorship, reason=why)
    back = propose(draft_of(fallback, authorship, ports.cluster), terms, ports)
    refuse(pass_gates(back))
    carry_out(back, ports, replace(options, waits=True, watch_s=0.0, runs_checks=False), held)
    together = component_words(changed_components(back.plan.changes))
    what = f": {together}{f' ({found})' if found else ''}" if together else ""
    return f"the release was rolled back to revision {fallback.summary.revision}{what}"
