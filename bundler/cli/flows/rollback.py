"""Rollback and uninstall: from options to a request, from a result to words. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.rollback import RollbackRequest, rollback
from bundler.actions.release.terms import Accepted
from bundler.actions.release.uninstall import UninstallRequest, propose_uninstall, uninstall
from bundler.cli.adapters.cluster import connect
from bundler.cli.flows.acquire_bundle import read_site
from bundler.cli.flows.confirm import EXIT_DECLINED, Approval, accepts_losses, may_go_on, say_where
from bundler.cli.flows.install import (
    at_site,
    authorship,
    place_of,
    run_options,
    show_plan_as_data,
    subject_of,
)
from bundler.cli.output.changed import show_outcome, show_removal
from bundler.cli.output.difference import DiffView, Subject
from bundler.cli.output.plan import damage_lines
from bundler.model.lean import replace

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.release.proposal import Proposal
    from bundler.actions.release.uninstall import UninstallProposal
    from bundler.cli.adapters.cluster import Connection
    from bundler.cli.parsing.change_options import RunFlags, WriteFlags
    from bundler.cli.session.app import App
    from bundler.model.site import Site


def carry_out_return(app: App, wanted: RollbackRequest, run: RunFlags, write: WriteFlags) -> int:
    """Roll back, or show what would be done; return the exit code.

    Args:
        app: settings and streams.
        wanted: what was typed; the cluster says the namespace and as whom we speak.
        run: how.
        write: how objects are written.

    Raises:
        BundlerError: what ended the run.
    """
    connection = _connect_at(app, wanted.site)
    say_where(app, connection)
    approval = Approval(
        app=app,
        connection=connection,
        doing=f"roll back {wanted.release}",
        is_yes=run.yes,
        shows_secrets=write.show_secrets,
    )
    request = replace(
        wanted,
        namespace=connection.namespace,
        authorship=authorship(connection, reason=run.reason),
        accepted=replace(wanted.accepted, losses=accepts_losses(app, run)),
    )

    shown: list[int] = []

    def approve(proposal: Proposal) -> bool:
        if not proposal.is_second_look:
            app.screen.say_lines([*damage_lines(proposal.history.damage, proposal.planned.wanted.unsearched)])
        if run.dry_run:
            draft, view = proposal.draft, DiffView(shows_secrets=write.show_secrets)
            shown.append(show_plan_as_data(app, proposal.plan, subject_of(connection, draft), view, draft))
            return False
        app.screen.say(f"going back to revision {proposal.draft.revision.rolled_back_to}")
        return approval.approve(proposal.plan, proposal.planned, is_second_look=proposal.is_second_look)

    result = rollback(request, connection.ports, run_options(run, write), approve)
    connection.progress.stop()
    if run.dry_run and result.is_declined:
        return shown[-1]
    show_outcome(app, result.outcome, verb="rollback")
    return EXIT_DECLINED if result.is_declined else 0


def _connect_at(app: App, site: Site | None) -> Connection:
    connection = connect(app)
    return connection if site is None else at_site(app, connection, site, with_registry=False)


def carry_out_removal(
    app: App, release: str, run: RunFlags, site_file: Path | None = None, *, keeps_history: bool = False
) -> int:
    """Uninstall, or show what would be done; return the exit code.

    Args:
        app: settings and streams.
        release: to uninstall.
        run: how.
        site_file: names the cluster that is meant.
        keeps_history: leaves the records, marked as uninstalled.

    Raises:
        BundlerError: what ended the run.
    """
    site = read_site(app, site_file)
    connection = _connect_at(app, site)
    say_where(app, connection)
    request = UninstallRequest(
        namespace=connection.namespace,
        release=release,
        site=site,
        accepted=Accepted(losses=accepts_losses(app, run), removal=may_go_on(app, run)),
        lock_timeout_s=run.lock_timeout_s,
        keeps_history=keeps_history,
    )
    if run.dry_run:
        proposal = propose_uninstall(request, connection.ports)
        app.screen.say_lines([*damage_lines(proposal.history.damage, proposal.planned.wanted.unsearched)])
        subject = Subject(facts=place_of(connection, release))
        show_plan_as_data(app, proposal.shown, subject, DiffView())
        return 0
    approval = Approval(app=app, connection=connection, doing=f"uninstall {release}", is_yes=run.yes)

    def approve(proposal: UninstallProposal) -> bool:
        heads = damage_lines(proposal.history.damage, proposal.planned.wanted.unsearched)
        return approval.approve(proposal.shown, proposal.planned, heads=heads)

    result = uninstall(request, connection.ports, approve)
    connection.progress.stop()
    plan, is_declined = result.proposal.plan, result.is_declined
    show_removal(app, connection.namespace, release, plan, is_declined=is_declined, keeps_history=keeps_history)
    return EXIT_DECLINED if result.is_declined else 0
