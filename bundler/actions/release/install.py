"""Install and upgrade: one action, since an upgrade of nothing is an install. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from bundler.actions import preflight
from bundler.actions.compose.compose import Composition, compose
from bundler.actions.release.auto_rollback import barred, lost_way_back, roll_back_after
from bundler.actions.release.history import (
    History,
    learn_live_secrets,
    load_existing_history,
    load_history,
    load_whole,
    uninstalled,
)
from bundler.actions.release.hook_runs import operation_of
from bundler.actions.release.immutable_values import immutable_places
from bundler.actions.release.lifecycle import Afterwards, ChangeResult, RunOptions, change_release
from bundler.actions.release.proposal import Draft, Proposal, pass_gates, propose, propose_checked, require_cluster
from bundler.actions.release.recorded_parts import recorded_gate, recorded_reach, recorded_readiness, recorded_rule
from bundler.actions.release.terms import Accepted, Terms
from bundler.actions.rollout.abort import abort_after
from bundler.actions.rollout.resume import is_paused, of_open_rollout
from bundler.errors.bundle import ValuesError
from bundler.errors.change import RecordDamagedError
from bundler.errors.cluster import ForbiddenError
from bundler.model.conflicts import ConflictRule, OnConflict
from bundler.model.events import Notice, Warned
from bundler.model.lean import dataclass, replace
from bundler.model.release import Authorship, BundleReference, InventoryEntry, ReleaseStatus, Revision, RevisionSummary
from bundler.model.values import LayerKind, UserLayers
from bundler.planning.inventory import generated_entry, rendered_entry
from bundler.planning.recreate import recreate_rules
from bundler.planning.shown_names import public_identifiers
from bundler.render.notes import render_notes
from bundler.values.flatten import whole_data
from bundler.values.user import recorded_layer

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.actions.compose.render_request import RenderRequest
    from bundler.errors import BundlerError
    from bundler.model.bundle import Bundle
    from bundler.model.json import Body
    from bundler.model.rollout import RolloutRequest
    from bundler.ports import HeldLock, Ports, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRequest:
    """What to install or upgrade to."""

    order: RenderRequest
    """With the values of this command line; an upgrade puts the recorded ones below them."""
    names_files: bool
    """A -f or --site file was named: recorded values are then left aside."""
    reuses_values: bool = False
    resets_values: bool = False
    must_exist: bool = False
    """``upgrade``: refuse a release that does not exist."""
    authorship: Authorship
    accepted: Accepted = Accepted()
    """What the user says is meant."""
    adopts: tuple[str, ...] = ()
    """Objects in the way that are taken over: ``KIND/NAME``."""
    recreates: tuple[str, ...] = ()
    """Objects that are deleted and created again where they cannot be changed: ``KIND/NAME``."""
    on_conflict: OnConflict = OnConflict.FAIL
    """What is done about fields that others set."""
    skips_hooks: bool = False
    """Run no hooks, those of a rollback after a failure neither."""
    rollback_s: float = 0.0
    """Seconds for a rollback after a failure; 0: leave things as they are."""
    steps: RolloutRequest | None = None
    """What the user says of steps; None: nothing."""
    looks_ahead: bool = False
    """Make the checks of preflight before anything is planned."""
    checks_basics: bool = False
    """Otherwise check classes of storage and Ingresses, and all rights, before anything is planned."""
    registry_of: Callable[[Body], Registry] | None = None
    """Opens the site's registry with the logins of a pull secret."""
    inputs: str = ""
    """Digest of what the request was made from; kept with the revision."""


def prepare(request: InstallRequest, ports: Ports) -> Draft:
    """Compose the release that is asked for; nothing is written.

    Raises:
        BundlerError: whatever is wrong with the bundle, the values or the templates.
    """
    wanted = request.order
    find = load_existing_history if request.must_exist else load_history
    history = find(ports, wanted.namespace, wanted.release)
    if request.must_exist and history.is_uninstalled:
        raise uninstalled(history, doing=f"upgrading release {wanted.release}")
    recorded, lost = _recorded(history, ports, reaches_back=request.reuses_values)
    user, started_from = _starting_values(request, recorded, lost)
    operation = operation_of(history)
    wanted = replace(wanted, user=user, revision=history.next_number, operation=operation)
    composition = compose(wanted, ports.cluster)
    _report(composition, ports)
    draft = _draft(request, composition, history, ports.clock.now())
    fallback = _fallback(history, ports) if request.rollback_s else None
    draft = replace(draft, recorded=recorded, fallback=fallback, started_from=started_from)
    return of_open_rollout(draft, history, ports) or draft


def _report(composition: Composition, ports: Ports) -> None:
    """Say what deserves a look, and learn what must not be printed."""
    order = composition.order
    for notice in composition.values.user.notices:
        ports.report(Notice(notice))
    for warning in (*composition.values.warnings, *composition.notices):
        ports.report(Warned(warning))
    ports.redactor.publish(order.release, order.bundle.metadata.name, *public_identifiers(composition.manifests))
    ports.redactor.learn(*composition.sensitive)


def _fallback(history: History, ports: Ports) -> Revision | None:
    """Read what an automatic rollback would restore: later its record may say something other than it does now."""
    try:
        return ports.store.load(history.deployed, with_sensitive=True) if history.deployed else None
    except (ForbiddenError, RecordDamagedError):
        return None


def _recorded(history: History, ports: Ports, *, reaches_back: bool) -> tuple[Revision | None, tuple[str, ...]]:
    """Return the revision whose values an upgrade starts from, and what is wrong with newer ones, a line each.

    Its secrets are learned so that no diff shows them.

    Args:
        history: of the release.
        ports: the cluster and everything else outside.
        reaches_back: whether the values from before an uninstall count too.
    """
    revisions = history.summaries if reaches_back else history.current
    lost = [damage.line for damage in history.damaged]
    first = history.deployed or (revisions[-1] if revisions else None)
    older = [one for one in reversed(revisions) if first is not None and one.revision < first.revision]
    learn_live_secrets(history, ports)
    for summary in (first, *older) if first is not None else ():
        try:
            return load_whole(summary, ports.store), tuple(lost)
        except RecordDamagedError as error:  # its sensitive part alone
            line = f"the values of revision {summary.revision} are lost: {'; '.join(error.context)}"
            ports.report(Warned(line))
            lost.append(line)
    return None, tuple(lost)


def _starting_values(
    request: InstallRequest, recorded: Revision | None, lost: tuple[str, ...]
) -> tuple[UserLayers, str]:
    is_fresh = request.resets_values or (request.names_files and not request.reuses_values)
    if recorded is None and lost and not is_fresh:
        raise ValuesError(
            f"looking for the values that release {request.order.release} was given",
            context=lost,
            hint="give all values with -f, or start from the bundle's defaults with --reset-values: "
            "no record of them can be read",
        )
    if recorded is None or is_fresh:
        start = "the files named" if request.names_files else "the bundle's defaults"
        return request.order.user, f"{start}{_silent_files(request.order.user)}"
    layer = recorded_layer(recorded.user_values, revision=recorded.summary.revision)
    user = replace(request.order.user, layers=(layer, *request.order.user.layers))
    return user, f"what revision {recorded.summary.revision} recorded"


def _silent_files(user: UserLayers) -> str:
    """Name files without any value: a step before that failed leaves such a one, and the bundle's defaults count."""
    files = [layer.origin.source for layer in user.layers if layer.origin.kind is LayerKind.FILE and not layer.data]
    return f"; {', '.join(files)} {'sets' if len(files) == 1 else 'set'} nothing" if files else ""


def _draft(request: InstallRequest, composition: Composition, history: History, now: datetime) -> Draft:
    return Draft(
        revision=_revision(request, composition, history, now),
        generated=composition.rendering.generated,
        reach=composition.rendering.reach,
        readiness=composition.readiness,
        upgrades_from=request.order.bundle.upgrade.from_versions,
        recreates=tuple(recreate_rules(request.order.bundle)),
        composition=composition,
    )


def _revision(request: InstallRequest, composition: Composition, history: History, now: datetime) -> Revision:
    bundle, order = request.order.bundle, composition.order
    return Revision(
        summary=_summary(request, history, now),
        authorship=request.authorship,
        inventory=_inventory(composition),
        user_values=composition.values.user.data,
        computed_values=whole_data(composition.values, is_masked=False),
        immutable=tuple(immutable_places(bundle, composition.values)),
        needs=composition.rendering.needs,
        notes=_notes(request.order, composition, order.revision, order.operation),
        sensitive=composition.sensitive,
        no_rollback_below=bundle.upgrade.no_rollback_below,
        reach=recorded_reach(composition.rendering.reach),
        readiness=tuple(map(recorded_readiness, composition.readiness)),
        backups=tuple(one for one in composition.manifests if one.is_backup),
        conflict_rules=tuple(map(recorded_rule, _conflict_rules(bundle))),
        gates=tuple(map(recorded_gate, composition.gates)),
    )


def _summary(request: InstallRequest, history: History, now: datetime) -> RevisionSummary:
    bundle = request.order.bundle
    return RevisionSummary(
        release=request.order.release,
        namespace=request.order.namespace,
        revision=0,
        status=ReleaseStatus.PENDING_UPGRADE if history.current else ReleaseStatus.PENDING_INSTALL,
        bundle=BundleReference(
            name=bundle.metadata.name,
            version=bundle.metadata.version,
            app_version=bundle.metadata.app_version,
            digest=bundle.digest,
            origin=bundle.origin,
        ),
        updated=now,
        created=now,
        user=request.authorship.user,
        inputs=request.inputs,
    )


def _conflict_rules(bundle: Bundle) -> Iterator[ConflictRule]:
    """Yield the rules of a bundle for fields that others set, then those of its components."""
    yield from bundle.conflicts
    for component in bundle.component_bundles.values():
        yield from _conflict_rules(component)


def _notes(order: RenderRequest, composition: Composition, revision: int, operation: str) -> str:
    if not order.bundle.notes:
        return ""

    def render() -> str:
        return render_notes(
            order.bundle, composition.values, composition.context, revision=revision, operation=operation
        )

    return order.confinement.run(render, doing=f"rendering the notes of {order.bundle.metadata.name}")


def _inventory(composition: Composition) -> tuple[InventoryEntry, ...]:
    rendered = (rendered_entry(one) for one in composition.manifests if not one.is_backup)
    generated = map(generated_entry, composition.rendering.generated)
    return (*rendered, *generated)


def diff(request: InstallRequest, ports: Ports) -> Proposal:
    """Plan what ``install`` or ``upgrade`` would do; nothing is written.

    Raises:
        BundlerError: whatever would stop them.
    """
    terms = terms_of(request)
    require_cluster(terms, ports.cluster)
    draft = prepare(request, ports)
    return propose_checked(draft, replace(terms, continues_rollout=draft.is_continued), ports)


def install(
    request: InstallRequest, ports: Ports, options: RunOptions, approve: Callable[[Proposal], bool]
) -> ChangeResult:
    """Bring a release to what the bundle and the values say.

    Args:
        request: bundle, values and release.
        ports: the cluster, records, clock and reporter of the run.
        options: how to carry the change out.
        approve: asked with the proposal before anything is written; False declines.

    Raises:
        BundlerError: what ended the run; the record says the same.
    """
    terms = terms_of(request)
    require_cluster(terms, ports.cluster)
    draft = prepare(request, ports)
    terms = replace(terms, continues_rollout=draft.is_continued)
    if is_paused(draft):
        return ChangeResult(proposal=_checked(draft, terms, ports), revision=draft.revision, is_paused=True)
    _look_ahead(request, draft, ports, options)

    def recover(error: BundlerError, proposal: Proposal, held: HeldLock) -> BundlerError:
        if refused := lost_way_back(error, proposal):
            return refused
        if not request.accepted.downgrade and (refused := barred(error, proposal)):
            return refused
        return roll_back_after(error, proposal, ports, options, held, budget_s=request.rollback_s)

    after = Afterwards(
        recover=recover if request.rollback_s else None,
        abort=partial(abort_after, ports=ports, options=options),
        redraft=lambda: prepare(request, ports),
    )
    return change_release(draft, terms, ports, options, approve, after)


def _checked(draft: Draft, terms: Terms, ports: Ports) -> Proposal:
    proposal = propose(draft, terms, ports)
    pass_gates(proposal)
    return proposal


def terms_of(request: InstallRequest) -> Terms:
    """Return what an install or upgrade is checked against."""
    return Terms(
        site=request.order.place,
        evidence=request.order.evidence,
        accepted=request.accepted,
        adopts=request.adopts,
        recreates=request.recreates,
        on_conflict=request.on_conflict,
        skips_hooks=request.skips_hooks,
        rollout=request.steps,
    )


def _look_ahead(request: InstallRequest, draft: Draft, ports: Ports, options: RunOptions) -> None:
    """Make the checks of preflight, or ask the site's registry for every digest at least, before the first write."""
    composition = draft.composition
    if composition is None:
        return
    if not request.looks_ahead:
        _check_images(composition, ports)
    if not (request.looks_ahead or request.checks_basics):
        return

    ahead = preflight.run.PreflightRequest(
        order=composition.order,
        registry=ports.registry,
        registry_of=request.registry_of,
        may_create_namespace=options.may_create_namespace,
    )
    if not request.looks_ahead:
        preflight.run.require_basics(ahead, composition, ports.cluster)
        return
    preflight.run.require_ready(ahead, composition, ports.cluster, ports.report)


def _check_images(composition: Composition, ports: Ports) -> None:
    order = composition.order
    place = order.place.registry if order.place else None
    if order.carried is None or place is None or ports.registry is None:
        return

    count = preflight.required_images.refuse_absent(composition.rendering, order, place, ports.registry)
    held = "the only image" if count == 1 else f"all {count} images"
    ports.report(Notice(f"{place} holds {held} of this release"))
