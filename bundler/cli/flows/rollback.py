"""Rollback, continue, abort and uninstall: from options to a request, from a result to words. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bundler import AbortRequest, ContinueRequest, RollbackRequest
from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.flows.confirm import EXIT_DECLINED, Approval, may_go_on, say_where, with_consents
from bundler.cli.flows.install import place_of, show_plan_as_data, subject_of
from bundler.cli.flows.junit_file import require_test, writing_junit
from bundler.cli.output.changed import show_outcome, show_removal
from bundler.cli.output.difference import DiffView, Subject
from bundler.cli.output.plan import damage_lines
from bundler.cli.terminal.text import Line
from bundler.model.lean import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bundler import ChangeResult, Proposal, RunOptions, Session, UninstallRequest
    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App

_Recorded: TypeAlias = RollbackRequest | ContinueRequest | AbortRequest
"""Changes that are made from records."""
_VERBS = {RollbackRequest: "rollback", ContinueRequest: "continue", AbortRequest: "abort"}


def carry_out_return(
    app: App,
    asked: _Recorded,
    site: Path | None,
    run: RunFlags,
    options: RunOptions,
) -> int:
    """Roll back, continue or abort a rollout, or show what would be done; return the exit code.

    Args:
        app: settings and streams.
        asked: what was typed; the cluster says the namespace and as whom we speak.
        site: the site file whose policy holds.
        run: how.
        options: how the change is carried out.

    Raises:
        BundlerError: what ended the run.
    """
    require_test(run.junit, runs_checks=options.runs_checks)
    session = open_session(app)
    request = replace(asked, site=named_site(session, site))
    request = replace(request, namespace=session.namespace_of(request))
    say_where(app, session, request.namespace)
    request = replace(request, accepted=with_consents(request.accepted, app, run))
    if run.dry_run:
        return _show_return(app, session, session.plan(request), DiffView(shows_secrets=run.show_secrets))
    approval = Approval(app=app, session=session, namespace=request.namespace, doing=_doing(request), run=run)

    def approve(proposal: Proposal) -> bool:
        if not proposal.is_second_look:
            _say_damage(app, proposal)
        _say_return(app, proposal)
        return approval.approve(proposal)

    with writing_junit(app, run.junit) as on_checks:
        result = _carry_out(session, request, replace(options, on_checks=on_checks), approve)
    app.telling.stop()
    show_outcome(app, result.outcome, verb=_VERBS[type(request)])
    return EXIT_DECLINED if result.is_declined else 0


def _carry_out(
    session: Session,
    request: _Recorded,
    options: RunOptions,
    approve: Callable[[Proposal], bool],
) -> ChangeResult:
    match request:
        case RollbackRequest():
            return session.rollback(request, options=options, approve=approve)
        case ContinueRequest():
            return session.continue_rollout(request, options=options, approve=approve)
        case AbortRequest():
            return session.abort_rollout(request, options=options, approve=approve)


def _doing(request: _Recorded) -> str:
    verb = _VERBS[type(request)]
    return f"{'roll back' if verb == 'rollback' else f'{verb} the rollout of'} {request.release}"


def _course(proposal: Proposal) -> str:
    """Say where a plan goes."""
    revision = proposal.drafted.revision
    rollout = revision.summary.rollout
    if rollout is not None and not revision.rolled_back_to:
        number = revision.summary.revision
        return f"continuing the rollout of revision {number} at step {rollout.step} of {rollout.steps}"
    return f"going back to revision {revision.rolled_back_to}"


def _show_return(app: App, session: Session, proposal: Proposal, view: DiffView) -> int:
    _say_damage(app, proposal)
    _say_return(app, proposal)
    return show_plan_as_data(app, proposal, subject_of(session, proposal, values=_values_back(proposal)), view)


def _say_return(app: App, proposal: Proposal) -> None:
    app.screen.say(_course(proposal))
    app.screen.say_lines([Line(f"  {value}", "cyan") for value in _values_back(proposal)])


def _values_back(proposal: Proposal) -> list[str]:
    """Return the values that are another revision's again, a line each; what follows from them is said where it is."""
    return [str(value) for value in proposal.plan.values if not value.because]


def _say_damage(app: App, proposal: Proposal) -> None:
    app.screen.say_lines([*damage_lines(proposal.history.damage, proposal.planned.wanted.unsearched)])


def carry_out_removal(app: App, asked: UninstallRequest, site: Path | None, run: RunFlags) -> int:
    """Uninstall, or show what would be done; return the exit code.

    Args:
        app: settings and streams.
        asked: what was typed.
        site: the site file whose policy holds.
        run: how.

    Raises:
        BundlerError: what ended the run.
    """
    session = open_session(app)
    accepted = replace(with_consents(asked.accepted, app, run), removal=may_go_on(app, run))
    request = replace(asked, site=named_site(session, site), accepted=accepted)
    request = replace(request, namespace=session.namespace_of(request))
    say_where(app, session, request.namespace)
    if run.dry_run:
        proposal = session.plan(request)
        _say_damage(app, proposal)
        subject = Subject(facts=place_of(session, request.namespace, request.release))
        show_plan_as_data(app, proposal, subject, DiffView())
        return 0
    doing = f"uninstall {request.release}"
    approval = Approval(app=app, session=session, namespace=request.namespace, doing=doing, run=run)

    def approve(proposal: Proposal) -> bool:
        heads = damage_lines(proposal.history.damage, proposal.planned.wanted.unsearched)
        return approval.approve(proposal, heads)

    result = session.uninstall(request, approve=approve)
    app.telling.stop()
    show_removal(app, result, keeps_history=request.keeps_history)
    return EXIT_DECLINED if result.is_declined else 0
