"""Install, upgrade, diff: from options to a request, from a result to words. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import library
from bundler.cli.adapters.session import open_session
from bundler.cli.flows.confirm import EXIT_DECLINED, Approval, say_where, with_consents
from bundler.cli.flows.junit_file import require_test, writing_junit
from bundler.cli.output.changed import show_outcome
from bundler.cli.output.difference import DiffView, Subject, show_difference
from bundler.cli.output.plan import damage_lines
from bundler.cli.output.releases import bundle_text
from bundler.cli.terminal.text import Line
from bundler.model.lean import replace
from bundler.values.changes import changed_user_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler import Proposal, ReleaseRequest, RunOptions, Session
    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App
    from bundler.model.rollout import RolloutRequest
    from bundler.values.changes import ValueChange

EXIT_PENDING = 3


def attended(steps: RolloutRequest | None, app: App) -> RolloutRequest | None:
    """Return what is asked of steps, with whether someone looks on."""
    return replace(steps, is_attended=app.may_ask) if steps else None


def carry_out_install(app: App, asked: ReleaseRequest, run: RunFlags, options: RunOptions) -> int:
    """Install or upgrade, or show what would be done; return the exit code.

    Args:
        app: the running command: its settings, output and clock.
        asked: bundle, release, values and options.
        run: flags of the run.
        options: how the change is carried out.

    Raises:
        BundlerError: what ended the run.
    """
    require_test(run.junit, runs_checks=options.runs_checks)
    session = open_session(app)
    request = _read(app, session, asked)
    request = replace(request, accepted=with_consents(request.accepted, app, run))
    if run.dry_run:
        return _show_diff(app, session, request, DiffView(shows_secrets=run.show_secrets))
    verb = "upgrade" if request.must_exist else "install"
    doing = f"{verb} {request.release}"
    approval = Approval(app=app, session=session, namespace=request.namespace, doing=doing, run=run)

    def approve(proposal: Proposal) -> bool:
        return approval.approve(proposal, [] if proposal.is_second_look else _head_lines(proposal))

    with writing_junit(app, run.junit) as on_checks:
        result = session.apply(request, options=replace(options, on_checks=on_checks), approve=approve)
    app.telling.stop()
    show_outcome(app, result.outcome, verb=verb)
    return EXIT_DECLINED if result.is_declined else 0


def diff_install(app: App, asked: ReleaseRequest, view: DiffView, *, exits_pending: bool) -> int:
    """Show what an install or upgrade would change; return the exit code.

    Args:
        app: the running command: its settings, output and clock.
        asked: bundle, release, values and options.
        view: how the difference is shown.
        exits_pending: return 3 if changes are pending.

    Raises:
        BundlerError: what would stop it.
    """
    session = open_session(app)
    return _show_diff(app, session, _read(app, session, asked), view, exits_pending=exits_pending)


def _read(app: App, session: Session, asked: ReleaseRequest) -> ReleaseRequest:
    """Read everything that is named, and say where the change is made, before the cluster is checked."""
    request = session.read(asked)
    request = replace(request, namespace=session.namespace_of(request))
    say_where(app, session, request.namespace)
    return request


def _show_diff(
    app: App, session: Session, request: ReleaseRequest, view: DiffView, *, exits_pending: bool = False
) -> int:
    proposal = session.plan(request)
    app.screen.say_lines(_head_lines(proposal))
    subject = subject_of(session, proposal, values=[str(change) for change in _value_changes(proposal)])
    code = show_plan_as_data(app, proposal, subject, view)
    is_pending = library.releases.is_pending(proposal)
    if is_pending and proposal.plan.is_idle:
        app.screen.say("no object changes; a new revision would record the bundle and the values")
    return EXIT_PENDING if is_pending and exits_pending else code


def subject_of(session: Session, proposal: Proposal, *, values: Sequence[str] = ()) -> Subject:
    """Say what a plan is about: the release, where it is, and the bundle before and after.

    Args:
        session: the cluster that the command talks to.
        proposal: the plan and what it was made from.
        values: what changed in them, in lines.
    """
    draft = proposal.drafted
    after = bundle_text(draft.revision.summary)
    before = bundle_text(draft.recorded.summary) if draft.recorded else ""
    bundle = f"{before} -> {after}" if before and before != after else after
    facts = {**place_of(session, draft.namespace, draft.release), "bundle": bundle}
    return Subject(facts=facts, values=tuple(values))


def place_of(session: Session, namespace: str, release: str) -> dict[str, str]:
    """Name a release, its namespace and its cluster, as the head of a difference does.

    Args:
        session: the cluster that the command talks to.
        namespace: of the release.
        release: its name.
    """
    identity = session.identity()
    cluster = f"{identity.context} ({identity.server}, uid {identity.uid or 'unknown'})"
    return {"release": release, "namespace": namespace, "cluster": cluster}


def show_plan_as_data(app: App, proposal: Proposal, subject: Subject, view: DiffView) -> int:
    """Print a plan on stdout: it is what was asked for. Return the exit code, 3 where it cannot be carried out so.

    Args:
        app: where to.
        proposal: the plan, and what it was made from.
        subject: what it is about.
        view: how much of it is shown.
    """
    plan = proposal.shown if app.output == "text" else library.releases.with_reasons(proposal)
    if view.shows_secrets:
        app.screen.show_secrets()
    show_difference(app, plan, subject, view)
    if not plan.has_conflicts:
        return 0
    app.screen.warn("others set fields that the bundle sets differently; the plan is refused until that is resolved")
    return EXIT_PENDING


def _head_lines(proposal: Proposal) -> list[Line]:
    damage = damage_lines(proposal.history.damage, proposal.planned.wanted.unsearched)
    return [*damage, *_values_lines(proposal), *_namespace_lines(proposal)]


def _values_lines(proposal: Proposal) -> Iterator[Line]:
    draft = proposal.drafted
    if draft.composition is None:
        return
    recorded, start = draft.recorded_values, draft.started_from
    yield Line(f"values start from {start}")
    changes = _value_changes(proposal)
    yield from (Line(f"  {change}", "cyan") for change in changes)
    if recorded is not None and not changes:
        yield Line("  no value changes", "dim")


def _value_changes(proposal: Proposal) -> Sequence[ValueChange]:
    draft = proposal.drafted
    if draft.composition is None:
        return ()
    return changed_user_values(draft.recorded_values or {}, draft.composition.values)


def _namespace_lines(proposal: Proposal) -> list[Line]:
    return [
        Line(f"+ create Namespace/{name} (never deleted by bundler)", "green")
        for name in proposal.planned.new_namespaces
    ]
