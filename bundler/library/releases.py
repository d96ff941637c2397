"""Changes of releases: from what a program asks for to what the actions take. Layer: library."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bundler import library, storage
from bundler._version import __version__
from bundler.actions import preflight as preflighting, release as releasing
from bundler.actions.compose.user_values import UserInput
from bundler.actions.release import (
    change_reasons,
    no_op,
    protect as protecting,
    rollback as returning,
    uninstall as removing,
)
from bundler.actions.release.gates import hurries
from bundler.actions.release.lifecycle import ChangeResult, RunOptions
from bundler.actions.release.proposal import Proposal, outline
from bundler.actions.release.rollback import RollbackRequest
from bundler.actions.release.uninstall import UninstallRequest
from bundler.actions.rollout import abort as aborting, resume as resuming
from bundler.actions.rollout.abort import AbortRequest
from bundler.actions.rollout.resume import ContinueRequest
from bundler.errors import UsageError
from bundler.library.name_rules import check_name
from bundler.library.requests import ReleaseRequest
from bundler.model.events import Warned
from bundler.model.lean import replace
from bundler.model.release import Authorship, Protection

if TYPE_CHECKING:
    from typing import TypeAlias

    from bundler.actions.acquire.bundle import AcquiredBundle
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.actions.release.install import InstallRequest
    from bundler.library.scope import Scope
    from bundler.model.bundle import Bundle
    from bundler.model.change import Plan
    from bundler.model.json import Body
    from bundler.model.results import MigratedStorage
    from bundler.model.rights import MissingRight
    from bundler.model.site import Site
    from bundler.ports import Ports, Registry

    AnyRequest: TypeAlias = ReleaseRequest | RollbackRequest | UninstallRequest | ContinueRequest | AbortRequest
    Approve: TypeAlias = "bool | Proposal | Callable[[Proposal], bool]"

_Recorded = TypeVar("_Recorded", RollbackRequest, ContinueRequest, AbortRequest, UninstallRequest)


def read(scope: Scope, request: ReleaseRequest) -> ReleaseRequest:
    """Acquire the bundle of a request and read its values; nothing is read later.

    Raises:
        UsageError: when the request contradicts itself.
        BundlerError: when the bundle or the values cannot be read.
    """
    if request.resets_values and request.reuses_values:
        raise UsageError(
            "reading the options",
            context=["--reset-values and --reuse-values say the opposite of each other"],
            hint="give one of them",
        )
    taken = library.bundles.acquired(scope, request)
    inputs = library.bundles.read_values(scope, request.values, taken.bundle)
    release = check_name(request.release or taken.bundle.metadata.name)
    return replace(request, bundle=taken, release=release, values=inputs)


def namespace_of(scope: Scope, request: AnyRequest) -> str:
    """Return the namespace that a request goes to.

    Raises:
        UsageError: for an impossible name.
        ClusterError: when there is no way to the cluster.
    """
    site = _site_of(scope, request) if isinstance(request, ReleaseRequest) else request.site
    return scope.namespace(request.namespace, of_site=site.namespace if site else "")


def _site_of(scope: Scope, request: ReleaseRequest) -> Site | None:
    values = request.values
    return values.named_site if isinstance(values, UserInput) else library.bundles.read_site(scope, values.site)


def plan(scope: Scope, request: AnyRequest) -> Proposal:
    """Plan a change; nothing is written.

    Raises:
        BundlerError: whatever would stop it.
    """
    match request:
        case ReleaseRequest():
            request = read(scope, request)
            who = authorship_of(scope, reason=request.reason)  # nothing is recorded: no schema need be read to mask it
            return releasing.install.diff(_install_request(scope, request, who), _ports_for(scope, request))
        case RollbackRequest():
            return returning.propose_rollback(_placed(scope, request), scope.ports())
        case ContinueRequest():
            return resuming.propose_continue(_placed(scope, request), scope.ports())
        case AbortRequest():
            return aborting.propose_abort(_placed(scope, request), scope.ports())
        case UninstallRequest():
            return removing.propose_uninstall(_placed(scope, request), scope.ports())


def carry_out(scope: Scope, request: AnyRequest, options: RunOptions | None, approve: Approve) -> ChangeResult:
    """Carry out a change of any kind.

    Args:
        scope: of the session.
        request: what is asked for; its kind says which change it is.
        options: how an installation or a rollback is carried out.
        approve: what answers its proposals.

    Raises:
        BundlerError: what ended the run; the record says the same.
    """
    options, answer = options or RunOptions(), answer_of(approve)
    match request:
        case ReleaseRequest():
            return _apply(scope, request, options, answer)
        case RollbackRequest():
            return _roll_back(_placed(scope, request), scope.ports(), options, answer)
        case ContinueRequest():
            return resuming.continue_rollout(_placed(scope, request), scope.ports(), options, answer)
        case AbortRequest():
            return aborting.abort_rollout(_placed(scope, request), scope.ports(), options, answer)
        case UninstallRequest():
            return removing.uninstall(_placed(scope, request), scope.ports(), answer)


def _apply(
    scope: Scope, request: ReleaseRequest, options: RunOptions, answer: Callable[[Proposal], bool]
) -> ChangeResult:
    request = read(scope, request)
    ports = _ports_for(scope, request)
    who = authorship_of(scope, reason=request.reason, bundle=library.bundles.acquired(scope, request).bundle)
    wanted = _install_request(scope, request, who)
    return releasing.install.install(wanted, ports, options, answer)


def _roll_back(
    request: RollbackRequest, ports: Ports, options: RunOptions, answer: Callable[[Proposal], bool]
) -> ChangeResult:
    """Go back to an earlier revision; while a rollout is open and none is named, abort it."""
    if (abort := aborting.meant_by_rollback(request, ports)) is not None:
        return aborting.abort_rollout(abort, ports, options, answer)
    return returning.rollback(request, ports, options, answer)


def meant(scope: Scope, request: AnyRequest) -> AnyRequest:
    """Return what a request means now: a rollback that names no revision aborts a rollout that is open.

    Args:
        scope: of the session.
        request: any.
    """
    if not isinstance(request, RollbackRequest):
        return request
    return aborting.meant_by_rollback(_placed(scope, request), scope.ports()) or request


def migrate_storage(
    scope: Scope, definition: str, site: Site | None, *, outside_window: str, is_dry_run: bool
) -> MigratedStorage:
    """Store the objects of a custom kind in the version that its definition stores now.

    Args:
        scope: the session's cluster, files and limits.
        definition: name of the CustomResourceDefinition.
        site: the site file whose policy holds.
        outside_window: why it is done although the site's deployment windows are closed.
        is_dry_run: let the server check every write, and write nothing.
    """
    request = releasing.migrate_storage.StorageRequest(
        definition=definition, site=site, outside_window=outside_window, is_dry_run=is_dry_run
    )
    return releasing.migrate_storage.migrate_storage(request, scope.ports())


def protect(
    scope: Scope, release: str, namespace: str, *, is_on: bool, reason: str, lock_timeout_s: float
) -> Protection:
    """Protect a release, or take its protection off.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        is_on: False takes the protection off.
        reason: why.
        lock_timeout_s: seconds to wait for a lock that another run holds.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        BundlerError: what ended the run.
    """
    request = protecting.ProtectRequest(
        release=release,
        namespace=scope.namespace(namespace),
        is_on=is_on,
        user=scope.cluster().identity().who,
        reason=reason,
        lock_timeout_s=lock_timeout_s,
    )
    return protecting.protect(request, scope.ports())


def missing_rights(
    scope: Scope, request: ReleaseRequest | RollbackRequest | UninstallRequest
) -> tuple[MissingRight, ...]:
    """Return what the session's user is not allowed and a change needs.

    Args:
        scope: the session's cluster, files and limits.
        request: what would be done.

    Raises:
        BundlerError: when the bundle, the values or the records cannot be read.
    """
    if isinstance(request, ReleaseRequest):
        request = read(scope, request)
        return preflighting.missing_rights.missing_for_bundle(_order_of(scope, request), scope.cluster())
    return preflighting.missing_rights.missing_for_record(
        namespace_of(scope, request),
        request.release,
        request.revision if isinstance(request, RollbackRequest) else 0,
        scope.cluster(),
        scope.ports().store,
        is_removal=isinstance(request, UninstallRequest),
    )


def _placed(scope: Scope, request: _Recorded) -> _Recorded:
    authorship = authorship_of(scope, reason=request.reason)
    return replace(request, namespace=namespace_of(scope, request), authorship=authorship)


def answer_of(approve: Approve) -> Callable[[Proposal], bool]:
    """Return what answers a proposal: an earlier one is a yes to a plan that does the same.

    Args:
        approve: as a program gives it.
    """

    def answer(proposal: Proposal) -> bool:
        if isinstance(approve, bool):
            return approve
        return approve(proposal) if callable(approve) else outline(proposal.plan) == outline(approve.plan)

    return answer


def _inputs_of(request: ReleaseRequest) -> UserInput:
    if isinstance(request.values, UserInput):
        return request.values
    msg = "the request was not read"
    raise TypeError(msg)


def _ports_for(scope: Scope, request: ReleaseRequest) -> Ports:
    """Return the ports of a change; with a delivery available also the registry that its images are looked for in."""
    taken = library.bundles.acquired(scope, request)
    return scope.ports(taken.bundle, registry=registry_of(scope, taken, _inputs_of(request).named_site))


def registry_of(scope: Scope, taken: AcquiredBundle, site: Site | None) -> Registry | None:
    """Return the registry that the images of a delivery are looked for in; None for a bundle without one.

    Args:
        scope: the session's cluster, files and limits.
        taken: the acquired bundle.
        site: names a registry of its own; None without one.

    Raises:
        RegistryError: when the settings of registries cannot be read.
    """
    if taken.delivery is None:
        return None
    if site is None or site.registry is None:
        scope.report(Warned("no site registry is named (--site): pods pull from where the images come from, by digest"))
        return None
    return library.registries.open_site_registry(scope, site.registry, site=site)


def registry_opener(scope: Scope, site: Site | None) -> Callable[[Body], Registry] | None:
    """Return what opens the site's registry with the logins of a pull secret; None where no registry is named."""
    if site is None or site.registry is None:
        return None
    return partial(library.registries.open_as_puller, scope, site)


def _order_of(scope: Scope, request: ReleaseRequest) -> RenderRequest:
    return library.bundles.render_request(
        scope,
        library.bundles.acquired(scope, request),
        _inputs_of(request),
        release=request.release,
        namespace=namespace_of(scope, request),
        kube_version=request.kube_version,
    )


def _install_request(scope: Scope, request: ReleaseRequest, authorship: Authorship) -> InstallRequest:
    taken, site = library.bundles.acquired(scope, request), _inputs_of(request).named_site
    order = _order_of(scope, request)
    return releasing.install.InstallRequest(
        order=order,
        names_files=_inputs_of(request).names_files,
        reuses_values=request.reuses_values,
        resets_values=request.resets_values,
        must_exist=request.must_exist,
        authorship=authorship,
        accepted=request.accepted,
        adopts=request.adopts,
        recreates=request.recreates,
        skips_hooks=request.skips_hooks,
        on_conflict=request.on_conflict,
        rollback_s=request.rollback_s,
        steps=request.steps,
        checks_basics=not request.skips_preflight,
        looks_ahead=not request.skips_preflight and (taken.delivery is not None or site is not None),
        registry_of=registry_opener(scope, site),
        inputs=request.inputs,
    )


def authorship_of(scope: Scope, *, reason: str, bundle: Bundle | None = None) -> Authorship:
    """Say who makes a revision or a plan, from where and why.

    Args:
        scope: of the session.
        reason: why.
        bundle: whose schemas say what of the command line is sensitive.

    Raises:
        ClusterError: when the cluster cannot be asked as whom we speak.
    """
    import socket  # noqa: PLC0415 - costs 5 ms, and only those who write need it

    identity = scope.cluster().identity()
    return Authorship(
        user=identity.who,
        account=scope.options.user or storage.holder.account(),
        host=socket.gethostname(),
        tool_version=__version__,
        command=scope.command(bundle),
        reason=reason,
        cluster_uid=identity.uid,
    )


def is_pending(proposal: Proposal) -> bool:
    """Return whether something would be written or recorded, whether or not objects are ready."""
    return no_op.is_pending(proposal)


def is_hurried(proposal: Proposal) -> bool:
    """Return whether an upgrade goes faster than its bundle requires."""
    return any(hurries(proposal))


def with_reasons(proposal: Proposal) -> Plan:
    """Return the plan of a proposal as it is shown, whose changes say why they are made."""
    return change_reasons.with_reasons(proposal.shown, proposal.draft)
