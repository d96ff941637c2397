"""Rollback and uninstall: from options to a request, from a result to words. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.rollback import RollbackRequest, rollback
from bundler.actions.release.uninstall import propose_uninstall, uninstall
from bundler.cli.adapters.cluster import connect
from bundler.cli.flows.confirm import EXIT_DECLINED, Approval, say_where
from bundler.cli.flows.install import authorship, run_options, show_plan_as_data
from bundler.cli.output.changed import show_outcome, show_removal
from bundler.cli.output.plan import damage_lines
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.actions.release.lifecycle import Proposal
    from bundler.actions.release.uninstall import UninstallProposal
    from bundler.cli.parsing.change_options import RunFlags, WriteFlags
    from bundler.cli.session.app import App


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackArgs:
    """What a command line asks to go back to."""

    release: str
    revision: int
    """0: the newest that was deployed before the current one."""
    may_widen_reach: bool
    may_pass_barrier: bool


def carry_out_return(app: App, wanted: RollbackArgs, run: RunFlags, write: WriteFlags) -> int:
    """Roll back, or show what would be done; return the exit code.

    Raises:
        BundlerError: what ended the run.
    """
    connection = connect(app)
    say_where(app, connection)
    approval = Approval(app=app, connection=connection, is_yes=run.yes, shows_secrets=write.show_secrets)
    request = RollbackRequest(
        release=wanted.release,
        namespace=connection.namespace,
        revision=wanted.revision,
        authorship=authorship(app, connection, reason=run.reason),
        may_widen_reach=wanted.may_widen_reach,
        may_pass_barrier=wanted.may_pass_barrier,
    )

    def approve(proposal: Proposal) -> bool:
        if not proposal.is_second_look:
            app.screen.say_lines([*damage_lines(proposal.history, proposal.planned.wanted.unsearched)])
        if run.dry_run:
            show_plan_as_data(app, proposal.plan, shows_secrets=write.show_secrets)
            return False
        app.screen.say(f"going back to revision {proposal.draft.revision.rolled_back_to}")
        return approval.approve(proposal.plan, is_second_look=proposal.is_second_look)

    result = rollback(request, connection.ports, run_options(run, write), approve)
    connection.progress.stop()
    if run.dry_run and result.is_declined:
        return 0
    show_outcome(app, result, verb="rollback")
    return EXIT_DECLINED if result.is_declined else 0


def carry_out_removal(app: App, release: str, run: RunFlags) -> int:
    """Uninstall, or show what would be done; return the exit code.

    Raises:
        BundlerError: what ended the run.
    """
    connection = connect(app)
    say_where(app, connection)
    if run.dry_run:
        proposal = propose_uninstall(connection.namespace, release, connection.ports)
        app.screen.say_lines([*damage_lines(proposal.history, proposal.planned.wanted.unsearched)])
        show_plan_as_data(app, proposal.shown, shows_secrets=False)
        return 0
    approval = Approval(app=app, connection=connection, is_yes=run.yes)

    def approve(proposal: UninstallProposal) -> bool:
        heads = damage_lines(proposal.history, proposal.planned.wanted.unsearched)
        return approval.approve(proposal.shown, heads=heads)

    result = uninstall(
        connection.namespace, release, connection.ports, lock_timeout_s=run.lock_timeout_s, approve=approve
    )
    connection.progress.stop()
    show_removal(app, connection.namespace, release, result)
    return EXIT_DECLINED if result.is_declined else 0
