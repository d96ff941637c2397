"""Plans that are kept: made, and carried out exactly or refused. Layer: library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bundler import library
from bundler.actions.compose.user_values import UserInput
from bundler.actions.release import saved_plan
from bundler.actions.release.gates import find_problems, hurries
from bundler.actions.release.history import load_history
from bundler.actions.release.proposal import REFUSED_NOW, Proposal
from bundler.actions.release.rollback import RollbackRequest
from bundler.actions.release.terms import Accepted
from bundler.actions.release.uninstall import UninstallRequest
from bundler.errors.bundle import BundleNotFoundError
from bundler.errors.change import FieldConflictError, PlanFileError, PlanValueError, ReleaseError, StalePlanError
from bundler.errors.cluster import ForbiddenError
from bundler.errors.delivery import RegistryError
from bundler.library.name_rules import check_name, check_namespace
from bundler.library.requests import PlanInputs, ReleaseRequest
from bundler.model.conflicts import OnConflict
from bundler.model.digest import digest_of
from bundler.model.json import Body, JSONValue, at_pointer
from bundler.model.lean import replace
from bundler.model.salted import salted_digest
from bundler.model.saved_plan import PlannedVerb, SavedPlan, SavedRequest
from bundler.model.values import LayerKind, UserLayers
from bundler.planning.problem import refuse
from bundler.syntax.written_path import format_path
from bundler.values.hidden_leaves import filled_in, left_out
from bundler.values.merge import make_layer
from bundler.values.paths import parse_path, pointer_as_path

if TYPE_CHECKING:
    from bundler.actions.release.lifecycle import ChangeResult, RunOptions
    from bundler.library.releases import Approve
    from bundler.library.scope import Scope
    from bundler.model.site import Site

    AnyRequest = ReleaseRequest | RollbackRequest | UninstallRequest

_MAX_SITE_BYTES: Final = 10 * 1024 * 1024
FLAGS: Final = (
    "losses",
    "wider_reach",
    "downgrade",
    "other_bundle",
    "crd_risk",
    "crd_deletion",
    "orphans_orders",
    "no_backup",
    "fewer_steps",
)
"""Fields of `Accepted` that a plan keeps."""


def save(scope: Scope, request: AnyRequest, *, expires_s: float) -> SavedPlan:
    """Plan a change, and return the plan as it can be kept; nothing is written.

    Args:
        scope: of the session.
        request: what is asked for.
        expires_s: seconds that it may be carried out for; 0: without end.

    Raises:
        BundlerError: whatever would stop the change.
    """
    if isinstance(request, RollbackRequest) and request.fixes_drift:  # a plan keeps what that means
        request = replace(request, fixes_drift=False, on_conflict=OnConflict.TAKE)
    asked = _saved_request(request)
    read = library.releases.read(scope, request) if isinstance(request, ReleaseRequest) else request
    proposal = library.releases.plan(scope, read)
    problems = find_problems(proposal)
    refuse(problem for problem in problems if problem.error is FieldConflictError)
    if not any(hurries(proposal)):
        asked = replace(asked, accepts=tuple(name for name in asked.accepts if name != "fewer_steps"))
    draft = proposal.draft
    release, namespace = proposal.history.release, proposal.history.namespace
    who = library.releases.authorship_of(scope, reason="")
    saved = saved_plan.saved_from(
        proposal,
        replace(asked, release=draft.release if draft else release, namespace=namespace),
        scope.ports(),
        who,
        expires_s=expires_s,
    )
    refused = [
        f"{saved_plan.REFUSED_THEN}{line}"
        for problem in problems
        if problem.error in REFUSED_NOW
        for line in problem.lines
    ]
    return replace(saved, warnings=(*saved.warnings, *refused))


def _saved_request(request: AnyRequest) -> SavedRequest:
    accepts = tuple(name for name in FLAGS if getattr(request.accepted, name))
    match request:
        case ReleaseRequest():
            named = request.bundle if isinstance(request.bundle, str) else request.bundle.bundle.origin
            site = _site_path(request)
            return SavedRequest(
                verb=PlannedVerb.INSTALL,
                release=request.release,
                namespace="",
                bundle=named,
                kube_version=request.kube_version,
                accepts=accepts,
                adopts=request.adopts,
                recreates=request.recreates,
                on_conflict=request.on_conflict,
                skips_hooks=request.skips_hooks,
                rollback_s=request.rollback_s,
                skips_preflight=request.skips_preflight,
                reason=request.reason,
                site=site,
                site_digest=_file_digest(Path(site)) if site else "",
                rollout=replace(request.steps, is_attended=False) if request.steps else None,
            )
        case RollbackRequest():
            asked = _returning(PlannedVerb.ROLLBACK, request, accepts, reason=request.reason)
            return replace(asked, adopts=request.adopts, recreates=request.recreates, on_conflict=request.on_conflict)
        case UninstallRequest():
            asked = _returning(PlannedVerb.UNINSTALL, request, accepts, reason=request.reason)
            return replace(asked, keeps_history=request.keeps_history)


def _returning(
    verb: PlannedVerb, request: RollbackRequest | UninstallRequest, accepts: tuple[str, ...], *, reason: str
) -> SavedRequest:
    site = request.site.source if request.site else ""
    return SavedRequest(
        verb=verb,
        release=request.release,
        namespace="",
        accepts=accepts,
        skips_hooks=request.skips_hooks,
        reason=reason,
        site=site,
        site_digest=_file_digest(Path(site)) if site else "",
    )


def _site_path(request: ReleaseRequest) -> str:
    values = request.values
    if isinstance(values, UserInput):
        return values.named_site.source if values.named_site else ""
    return str(values.site) if values.site else ""


def _file_digest(path: Path) -> str:
    """Return the digest of a site file; a plan may name any path, so that nothing but a small file is read."""
    try:
        is_small = path.is_file() and path.stat().st_size <= _MAX_SITE_BYTES
        found = "" if is_small else "it is not a site file" if path.exists() else "it does not exist"
        digest = digest_of(path.read_bytes()) if is_small else ""
    except OSError as error:
        found, digest = error.strerror or str(error), ""
    if digest:
        return digest
    hint = "name it with --site where it is now"
    raise PlanFileError(f"reading site file {path}", context=[f"{path}: {found}"], hint=hint)


def carry_out(
    scope: Scope, saved: SavedPlan, inputs: PlanInputs, options: RunOptions | None, approve: Approve
) -> ChangeResult:
    """Carry out a saved plan, exactly as it is, or refuse.

    Args:
        scope: of the session.
        saved: the plan.
        inputs: what it does not hold.
        options: how it is carried out.
        approve: asked before anything is written; False declines.

    Raises:
        StalePlanError: with everything that moved since.
        BundlerError: what ended the run.
    """
    request = _request_of(scope, saved, inputs)
    if isinstance(request, UninstallRequest) and options is not None:
        request = replace(request, lock_timeout_s=options.lock_timeout_s)
    answer = library.releases.answer_of(approve)

    def approve_as_shown(proposal: Proposal) -> bool:
        saved_plan.refuse_unlike(saved, proposal, scope.ports().redactor.redact)
        return answer(proposal)

    return library.releases.carry_out(scope, request, options, approve_as_shown)


def check(scope: Scope, saved: SavedPlan, inputs: PlanInputs) -> Proposal:
    """Plan again what a saved plan does, or refuse as `carry_out` would; nothing is written, and no window is asked.

    Args:
        scope: of the session.
        saved: the plan.
        inputs: what it does not hold.

    Raises:
        StalePlanError: with everything that moved since.
        BundlerError: whatever would stop it.
    """
    proposal = library.releases.plan(scope, _request_of(scope, saved, inputs))
    saved_plan.refuse_unlike(saved, proposal, scope.ports().redactor.redact)
    return proposal


def _request_of(scope: Scope, saved: SavedPlan, inputs: PlanInputs) -> AnyRequest:
    """Return what a saved plan asks for: that plan, and no other.

    Raises:
        StalePlanError: when it cannot hold any more.
    """
    request, ports = saved.request, scope.ports()
    check_name(request.release)
    check_namespace(request.namespace)
    history = load_history(ports, request.namespace, request.release)
    saved_plan.refuse_stale(saved, history, ports.cluster.identity(), ports.clock.now())
    site, reason = _site_of(scope, saved, inputs), _reason(saved, inputs)
    consents: dict[str, Any] = {name: name in request.accepts for name in FLAGS}
    said = Accepted(plan=saved, outside_window=inputs.outside_window, suspends_order=inputs.suspends_order)
    accepted = replace(said, **consents)
    accepted = replace(accepted, losses=accepted.losses or inputs.accepts_losses)
    match request.verb:
        case PlannedVerb.INSTALL:
            return replace(_install_of(scope, saved, inputs, site, accepted), reason=reason)
        case PlannedVerb.ROLLBACK:
            return RollbackRequest(
                release=request.release,
                namespace=request.namespace,
                revision=request.revision,
                reason=reason,
                site=site,
                accepted=accepted,
                adopts=request.adopts,
                recreates=request.recreates,
                skips_hooks=request.skips_hooks,
                on_conflict=request.on_conflict,
            )
        case PlannedVerb.UNINSTALL:
            return UninstallRequest(
                release=request.release,
                namespace=request.namespace,
                site=site,
                accepted=replace(accepted, removal=True),
                keeps_history=request.keeps_history,
                skips_hooks=request.skips_hooks,
                reason=reason,
            )


def _reason(saved: SavedPlan, inputs: PlanInputs) -> str:
    signed = f"plan signed by {', '.join(inputs.signers)}" if inputs.signers else ""
    return "; ".join(part for part in (saved.request.reason, signed) if part)


def _install_of(
    scope: Scope, saved: SavedPlan, inputs: PlanInputs, site: Site | None, accepted: Accepted
) -> ReleaseRequest:
    request, bundle = saved.request, saved.facts.bundle
    try:
        taken = library.bundles.acquire(scope, inputs.bundle or request.bundle, site)
    except (BundleNotFoundError, RegistryError) as error:
        raise error.with_context(hint=f"{error.hint}; or name the bundle where it is now with --bundle") from error
    if taken.bundle.digest != bundle.digest:
        found = taken.bundle.metadata
        raise StalePlanError(
            f"looking for bundle {bundle.name} {bundle.version}, which the plan was made with",
            context=[
                f"the plan needs   {bundle.digest}",
                f"{inputs.bundle or request.bundle} is {taken.bundle.digest} ({found.name} {found.version})",
            ],
            hint="name the bundle that was planned with --bundle, or make a new plan with `bundler plan`",
        )
    given = library.bundles.read_values(scope, replace(inputs.values, site=None), taken.bundle)
    layer = make_layer(_values_of(scope, saved, given, site), LayerKind.RECORDED, "as planned")
    user = UserLayers(layers=(layer, *given.user.layers), assignments=given.user.assignments)
    return ReleaseRequest(
        bundle=taken,
        release=request.release,
        namespace=request.namespace,
        values=UserInput(user=user, named_site=site, names_files=True),
        resets_values=True,
        accepted=accepted,
        adopts=request.adopts,
        recreates=request.recreates,
        on_conflict=request.on_conflict,
        skips_hooks=request.skips_hooks,
        kube_version=request.kube_version,
        rollback_s=request.rollback_s,
        skips_preflight=request.skips_preflight,
        steps=request.rollout,
    )


def _site_of(scope: Scope, saved: SavedPlan, inputs: PlanInputs) -> Site | None:
    """Return the site file that the plan was made with; what it says is read only where it is that file."""
    request = saved.request
    path = inputs.values.site or (Path(request.site) if request.site else None)
    if path is None:
        return None
    if _file_digest(path) != request.site_digest:
        said = (
            "the plan was made without a site file"
            if not request.site
            else f"{path} is not the one that the plan was made with"
        )
        raise StalePlanError(
            "looking for the site file that the plan was made with",
            context=[said],
            hint="name that file with --site, or make a new plan with `bundler plan`"
            if request.site
            else "leave --site out, or make a new plan with `bundler plan --site`",
        )
    return library.bundles.load_site(scope, path)


def _values_of(scope: Scope, saved: SavedPlan, given: UserInput, site: Site | None) -> Body:
    """Return the values of the plan with what is sensitive filled in, as far as a record or the site file holds it.

    Raises:
        PlanValueError: when something sensitive is neither there nor given.
    """
    values = saved.values
    sources: list[Body] = [site.values.data] if site else []
    sources += _recorded_values(scope, saved) if values.sensitive else []
    found = {pointer: value for pointer in values.sensitive for value in _fitting(saved, pointer, sources)}
    missing = [pointer for pointer in values.sensitive if pointer not in found]
    absent = [pointer_as_path(pointer) for pointer in missing if not _is_given(given, pointer)]
    if absent:
        raise PlanValueError(
            "reading the sensitive values that the plan was made with",
            context=[f"{path}: it is in no file of the plan, and was not given" for path in absent],
            hint=f"give each as the plan was given it: --set-file {absent[0]}=FILE, say",
        )
    return left_out(filled_in(values.new, found), missing)


def _recorded_values(scope: Scope, saved: SavedPlan) -> list[Body]:
    """Return the user's values of the revision that the plan was made on, secrets included, where they can be read."""
    base, request = saved.facts.base, saved.request
    if not base.revision:
        return []
    try:
        revision = library.inspecting.revision(
            scope, request.release, base.revision, request.namespace, shows_secrets=True
        )
    except (ReleaseError, ForbiddenError):
        return []
    return [revision.user_values]


def _fitting(saved: SavedPlan, pointer: str, sources: Sequence[Body]) -> Iterator[JSONValue]:
    for source in sources:
        value, is_there = at_pointer(source, pointer)
        if is_there and salted_digest(value, saved.values.salt) == saved.values.sensitive[pointer]:
            yield value


def _is_given(given: UserInput, pointer: str) -> bool:
    """Return whether a value, or what it is in, is given by a file or an assignment."""
    if any(at_pointer(layer.data, pointer)[1] for layer in given.user.layers):
        return True
    path = pointer_as_path(pointer)
    assigned = (format_path(parse_path(one.path)) for one in given.user.assignments)
    return any(_is_within(path, one) or _is_within(one, path) for one in assigned)


def _is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def unrecorded(saved: SavedPlan) -> list[str]:
    """Return pointers of the sensitive values that no record holds: they are given again."""
    if saved.request.verb is not PlannedVerb.INSTALL:
        return []
    before = saved.values.recorded or {}
    return [pointer for pointer in saved.values.sensitive if not at_pointer(before, pointer)[1]]
