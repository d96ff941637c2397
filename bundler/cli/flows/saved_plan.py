"""Saved plans: from options to a plan in a file, and from the file to what became of it. Layer: cli."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from bundler import ReleaseRequest, library
from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.adapters.signing_keys import policy_for
from bundler.cli.flows.confirm import EXIT_DECLINED
from bundler.cli.flows.install import EXIT_PENDING
from bundler.cli.flows.junit_file import require_test, writing_junit
from bundler.cli.output.changed import show_outcome, show_removal
from bundler.cli.output.plan import identity_line
from bundler.cli.output.saved_plan import headline, saved_counts, saved_lines, show_saved
from bundler.cli.terminal.text import Line
from bundler.errors import UsageError
from bundler.files.plan_bytes import content_of
from bundler.model.lean import dataclass, replace
from bundler.model.saved_plan import PlannedVerb
from bundler.values.paths import pointer_as_path
from bundler.wire.plan_file import decode_plan

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import (
        ChangeResult,
        PlanInputs,
        RollbackRequest,
        RunOptions,
        SavedPlan,
        Session,
        UninstallRequest,
    )
    from bundler.cli.session.app import App

    AnyRequest = ReleaseRequest | RollbackRequest | UninstallRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFlags:
    """What becomes of a plan that is made."""

    out: Path | None = None
    expires_s: float
    max_bytes: int
    exits_pending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyFlags:
    """How a saved plan is carried out."""

    keys: tuple[Path, ...]
    requires_signature: bool
    is_dry_run: bool
    junit: Path | None = None
    """Where what the checks showed is written as JUnit XML."""


def make_plan(app: App, asked: AnyRequest, flags: PlanFlags, *, site: Path | None = None) -> int:
    """Plan a change, show the plan, and save it where a file is named; return the exit code.

    Args:
        app: settings and streams.
        asked: what was typed.
        flags: what becomes of the plan.
        site: the site file of a rollback or an uninstall; a request to install names it among its values.

    Raises:
        BundlerError: what would stop the change, or why the file cannot be written.
    """
    session = open_session(app)
    if not isinstance(asked, ReleaseRequest):
        asked = replace(asked, site=named_site(session, site))
    request = session.read(asked) if isinstance(asked, ReleaseRequest) else asked
    request = replace(request, namespace=session.namespace_of(request))
    app.screen.say_lines([identity_line(session.identity(), request.namespace)])
    saved = session.save_plan(request, expires_s=flags.expires_s)
    show_saved(app, saved, max_bytes=flags.max_bytes)
    if flags.out is None:
        app.screen.say("nothing is saved; --out FILE saves the plan for `bundler apply FILE`")
    else:
        library.plan_files.write_plan(flags.out, saved)
        again = [f"--set-file {pointer_as_path(pointer)}=…" for pointer in library.plans.unrecorded(saved)]
        app.screen.say(f"saved in {flags.out}; `bundler show {shlex.quote(str(flags.out))}` shows all of it")
        app.screen.say(f"carry it out with: bundler apply {' '.join([shlex.quote(str(flags.out)), *again])}")
    return EXIT_PENDING if saved.is_pending and flags.exits_pending else 0


def apply_plan(app: App, file: Path, inputs: PlanInputs, options: RunOptions, flags: ApplyFlags) -> int:
    """Carry out the plan in a file, or say what has moved since; return the exit code.

    Args:
        app: settings and streams.
        file: of the plan.
        inputs: what the plan does not hold.
        options: how it is carried out.
        flags: what else is typed.

    Raises:
        BundlerError: what ended the run.
    """
    require_test(flags.junit, runs_checks=options.runs_checks)
    session = open_session(app)
    content = content_of(file)
    signers = _signers(app, session, file, content, inputs, flags)
    saved = decode_plan(content, name=str(file))
    inputs = replace(inputs, signers=signers)
    if flags.requires_signature and not saved.request.site:  # the site file was named for its keys alone
        inputs = replace(inputs, values=replace(inputs.values, site=None))
    app.screen.say_lines([identity_line(session.identity(), saved.request.namespace)])
    app.screen.say(f"{headline(saved)}: {saved_counts(saved)}")
    if app.settings.is_verbose:
        app.screen.say_lines(saved_lines(saved))
    app.screen.say(f"planned {saved.created:%Y-%m-%d %H:%M:%S} UTC by {saved.user}")
    if flags.is_dry_run:
        session.check_plan(saved, inputs=inputs)
        app.telling.stop()
        app.screen.lines([Line("nothing has moved since the plan was made; it can be applied", "green")])
        return 0
    with writing_junit(app, flags.junit) as on_checks:
        result = session.apply_plan(saved, inputs=inputs, options=replace(options, on_checks=on_checks))
    app.telling.stop()
    return _show_result(app, saved, result)


def _signers(
    app: App, session: Session, file: Path, content: bytes, inputs: PlanInputs, flags: ApplyFlags
) -> tuple[str, ...]:
    """Check who signed a plan, where that is asked for; return their names."""
    if not flags.keys and not flags.requires_signature:
        return ()
    site = named_site(session, inputs.values.site)
    policy = policy_for(site, flags.keys)
    if not policy.keys:
        raise UsageError(
            "reading --require-signature",
            context=["no key is named whose signature counts"],
            hint="name public keys with --key, or a site file that lists keys with --site",
        )
    evidence = library.plan_files.check_signatures(file, content, policy, app.clock)
    app.screen.say(f"plan {file} is signed by {', '.join(key.shown for key in evidence.signers)}")
    return tuple(key.name for key in evidence.signers)


def _show_result(app: App, saved: SavedPlan, result: ChangeResult) -> int:
    request = saved.request
    if request.verb is PlannedVerb.UNINSTALL:
        show_removal(app, result, keeps_history=request.keeps_history)
    else:
        show_outcome(app, result.outcome, verb="apply")
    return EXIT_DECLINED if result.is_declined else 0
