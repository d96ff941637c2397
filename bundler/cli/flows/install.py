"""Install, upgrade, diff: from options to a request, from a result to words. Layer: cli."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bundler._version import __version__
from bundler.actions.compose.render_request import RenderRequest
from bundler.actions.release.change_reasons import with_reasons
from bundler.actions.release.install import InstallRequest, diff, install
from bundler.actions.release.lifecycle import RunOptions, is_no_op
from bundler.actions.release.terms import Accepted
from bundler.cli.adapters.cluster import connect
from bundler.cli.flows.acquire_bundle import compiled_codes, take, take_inputs
from bundler.cli.flows.confirm import EXIT_DECLINED, Approval, accepts_losses, say_where
from bundler.cli.output.changed import show_outcome
from bundler.cli.output.difference import DiffView, Subject, show_difference
from bundler.cli.output.plan import damage_lines
from bundler.cli.output.releases import bundle_text
from bundler.cli.terminal.text import Line
from bundler.errors import UsageError
from bundler.library.name_rules import check_name, check_namespace
from bundler.model.lean import dataclass, replace
from bundler.model.release import Authorship
from bundler.values.changes import changed_user_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bundler.actions.compose.user_values import Values
    from bundler.actions.release.proposal import Draft, Proposal
    from bundler.cli.adapters.cluster import Connection
    from bundler.cli.parsing.change_options import PathFlags, RunFlags, StartingPoint, WriteFlags
    from bundler.cli.session.app import App
    from bundler.model.change import Plan
    from bundler.model.json import Body
    from bundler.model.site import Site
    from bundler.ports import Registry
    from bundler.values.changes import ValueChange

EXIT_PENDING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallArgs:
    """What a command line asks a release to become."""

    release: str
    """Empty: the bundle's name."""
    bundle: str
    given: Values
    start: StartingPoint
    path: PathFlags
    kube_version: str = ""
    must_exist: bool = False
    reason: str = ""
    skips_preflight: bool = False


def carry_out_install(app: App, wish: InstallArgs, run: RunFlags, write: WriteFlags) -> int:
    """Install or upgrade, or show what would be done; return the exit code.

    Raises:
        BundlerError: what ended the run.
    """
    connection, request = _prepare(app, wish)
    if run.dry_run:
        return _show_diff(app, connection, request, DiffView(shows_secrets=write.show_secrets))
    verb = "upgrade" if wish.must_exist else "install"
    approval = Approval(
        app=app,
        connection=connection,
        doing=f"{verb} {request.order.release}",
        is_yes=run.yes,
        shows_secrets=write.show_secrets,
    )

    def approve(proposal: Proposal) -> bool:
        heads = [] if proposal.is_second_look else _head_lines(proposal)
        return approval.approve(proposal.plan, proposal.planned, is_second_look=proposal.is_second_look, heads=heads)

    request = replace(request, accepted=replace(request.accepted, losses=accepts_losses(app, run)))
    result = install(request, connection.ports, run_options(run, write), approve)
    connection.progress.stop()
    show_outcome(app, result.outcome, verb=verb)
    return EXIT_DECLINED if result.is_declined else 0


def diff_install(app: App, wish: InstallArgs, *, exits_pending: bool, shows_secrets: bool, is_full: bool) -> int:
    """Show what an install or upgrade would change; return the exit code.

    Raises:
        BundlerError: what would stop it.
    """
    connection, request = _prepare(app, wish)
    view = DiffView(shows_secrets=shows_secrets, is_full=is_full)
    return _show_diff(app, connection, request, view, exits_pending=exits_pending)


def run_options(run: RunFlags, write: WriteFlags) -> RunOptions:
    """Return how a change is carried out."""
    return RunOptions(
        waits=not write.no_wait,
        may_create_namespace=not write.no_create_namespace,
        history_max=write.history_max,
        lock_timeout_s=run.lock_timeout_s,
        forces_revision=write.force_revision,
    )


def authorship(connection: Connection, *, reason: str) -> Authorship:
    """Say who makes a revision, from where and why.

    Raises:
        ClusterError: when the cluster cannot be asked as whom we speak.
    """
    import socket  # noqa: PLC0415 - costs 5 ms, and only those who write need it

    identity = connection.identity()
    return Authorship(
        user=identity.user,
        host=socket.gethostname(),
        tool_version=__version__,
        command=connection.command(),
        reason=reason,
        cluster_uid=identity.uid,
    )


def _prepare(app: App, wish: InstallArgs) -> tuple[Connection, InstallRequest]:
    if wish.start.resets and wish.start.reuses:
        raise UsageError(
            "reading the options",
            context=["--reset-values and --reuse-values say the opposite of each other"],
            hint="give one of them",
        )
    taken = take(app, wish.bundle, wish.given)
    bundle = taken.bundle
    inputs = take_inputs(app, wish.given, bundle)
    release = check_name(wish.release or bundle.metadata.name)
    connection = at_site(app, connect(app, bundle), inputs.site, with_registry=taken.delivery is not None)
    say_where(app, connection)
    order = RenderRequest(
        bundle=bundle,
        release=release,
        namespace=connection.namespace,
        user=inputs.user,
        site=inputs.facts,
        kube_version=wish.kube_version,
        place=inputs.site,
        carried=taken.carried,
        evidence=taken.evidence,
        codes=compiled_codes(app, bundle),
        confinement=app.confinement,
    )
    request = InstallRequest(
        order=order,
        names_files=wish.given.names_files,
        reuses_values=wish.start.reuses,
        resets_values=wish.start.resets,
        must_exist=wish.must_exist,
        authorship=authorship(connection, reason=wish.reason),
        accepted=Accepted(downgrade=wish.path.allow_downgrade, other_bundle=wish.path.replace_bundle),
        rollback_s=wish.path.rollback_timeout_s if wish.path.rollback_on_failure else 0.0,
        checks_basics=not wish.skips_preflight,
        looks_ahead=not wish.skips_preflight and (taken.delivery is not None or wish.given.site is not None),
        registry_of=registry_opener(app, inputs.site),
    )
    return connection, request


def at_site(app: App, connection: Connection, site: Site, *, with_registry: bool) -> Connection:
    """Return the connection with the namespace and the registry that the site file names.

    Args:
        app: settings and streams.
        connection: to the cluster.
        site: the site file; an empty one changes nothing.
        with_registry: a delivery is at hand, so that images are looked for.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """
    namespace = check_namespace(app.settings.namespace or site.namespace or connection.namespace)
    if not with_registry:
        return replace(connection, namespace=namespace)
    if site.registry is None:
        app.screen.warn("no site registry is named (--site): pods pull from where the images come from, by digest")
        return replace(connection, namespace=namespace)
    from bundler.cli.adapters.site_registry import open_site_registry  # noqa: PLC0415 - only deliveries need it

    registry = open_site_registry(app, site.registry, site=site, report=connection.progress)
    return replace(connection, namespace=namespace, ports=replace(connection.ports, registry=registry))


def registry_opener(app: App, site: Site) -> Callable[[Body], Registry] | None:
    """Return what opens the site's registry with the logins of a pull secret; None where no registry is named."""
    if site.registry is None:
        return None
    from bundler.cli.adapters.site_registry import registry_with  # noqa: PLC0415 - only deliveries need it

    return partial(registry_with, app, site)


def _show_diff(
    app: App, connection: Connection, request: InstallRequest, view: DiffView, *, exits_pending: bool = False
) -> int:
    proposal = diff(request, connection.ports)
    app.screen.say_lines(_head_lines(proposal))
    draft = proposal.draft
    subject = subject_of(connection, draft, values=[str(change) for change in _value_changes(draft)])
    code = show_plan_as_data(app, proposal.plan, subject, view, draft)
    is_pending = not is_no_op(proposal, RunOptions(waits=False))
    if is_pending and proposal.plan.is_empty:
        app.screen.say("no object changes; a new revision would record the bundle and the values")
    return EXIT_PENDING if is_pending and exits_pending else code


def subject_of(connection: Connection, draft: Draft, *, values: Sequence[str] = ()) -> Subject:
    """Say what a plan is about: the release, where it is, and the bundle before and after."""
    after = bundle_text(draft.revision.summary)
    before = bundle_text(draft.recorded.summary) if draft.recorded else ""
    bundle = f"{before} -> {after}" if before and before != after else after
    return Subject(facts={**place_of(connection, draft.release), "bundle": bundle}, values=tuple(values))


def place_of(connection: Connection, release: str) -> dict[str, str]:
    """Name a release, its namespace and its cluster, as the head of a difference does."""
    identity = connection.identity()
    cluster = f"{identity.context} ({identity.server}, uid {identity.uid or 'unknown'})"
    return {"release": release, "namespace": connection.namespace, "cluster": cluster}


def show_plan_as_data(app: App, plan: Plan, subject: Subject, view: DiffView, draft: Draft | None = None) -> int:
    """Print a plan on stdout: it is what was asked for. Return the exit code, 3 where it cannot be carried out so.

    Args:
        app: where to.
        plan: as it is shown.
        subject: what it is about.
        view: how much of it is shown.
        draft: the revision to be; None for an uninstall.
    """
    if app.output != "text":
        plan = with_reasons(plan, draft)
    if view.shows_secrets:
        app.screen.show_secrets()
    show_difference(app, plan, subject, view)
    if not plan.has_conflicts:
        return 0
    app.screen.warn("others set fields that the bundle wants differently; the plan is refused until that is settled")
    return EXIT_PENDING


def _head_lines(proposal: Proposal) -> list[Line]:
    damage = damage_lines(proposal.history.damage, proposal.planned.wanted.unsearched)
    return [*damage, *_values_lines(proposal.draft), *_namespace_lines(proposal)]


def _values_lines(draft: Draft) -> Iterator[Line]:
    if draft.composition is None:
        return
    recorded, start = draft.recorded_values, draft.started_from
    yield Line(
        f"values start from {'those ' + start.removeprefix('values ') if start.startswith('values ') else start}"
    )
    changes = _value_changes(draft)
    yield from (Line(f"  {change}", "cyan") for change in changes)
    if recorded is not None and not changes:
        yield Line("  nothing changes in them", "dim")


def _value_changes(draft: Draft) -> Sequence[ValueChange]:
    if draft.composition is None:
        return ()
    return changed_user_values(draft.recorded_values or {}, draft.composition.values)


def _namespace_lines(proposal: Proposal) -> list[Line]:
    if not proposal.planned.creates_namespace:
        return []
    return [Line(f"+ create Namespace/{proposal.draft.namespace} (never deleted by bundler)", "green")]
