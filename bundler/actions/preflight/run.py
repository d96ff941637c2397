"""Check whether everything that an installation needs is there; nothing is written. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.actions.compose.compose import Composition, compose
from bundler.actions.preflight.check_runner import first_line, make_checks
from bundler.actions.preflight.cluster import class_looks, cluster_looks
from bundler.actions.preflight.images import image_looks
from bundler.actions.preflight.permissions import rights_looks
from bundler.errors import BundlerError
from bundler.errors.bundle import KubeVersionError
from bundler.errors.change import PreflightError
from bundler.model.check import Check, CheckState, failed, passed, skipped
from bundler.model.events import Notice, Warned
from bundler.model.lean import dataclass
from bundler.model.size import counted, sentence
from bundler.planning.site_policy import other_cluster

if TYPE_CHECKING:
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.json import Body
    from bundler.ports import ClusterClient, Registry, Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightRequest:
    """What would be installed, and where."""

    order: RenderRequest
    delivery: Trusted | None = None
    registry: Registry | None = None
    """The site's, with our own credentials."""
    registry_of: Callable[[Body], Registry] | None = None
    """Opens the site's registry with the credentials of a pull secret (``.dockerconfigjson``)."""
    may_create_namespace: bool = True
    next_version: str = ""
    """A Kubernetes that the cluster will be upgraded to, whose APIs are checked too; empty: none."""


def preflight(request: PreflightRequest, cluster: ClusterClient) -> tuple[Check, ...]:
    """Return what was checked, every failure at once."""
    order = request.order
    try:
        version = cluster.identity().version
    except BundlerError as error:
        unreachable = failed("cluster", first_line(error), error.hint)
        rest = make_checks(image_looks(request, None, cluster=None))
        return (unreachable, skipped("objects", "without the cluster they cannot be checked"), *rest)
    checks = [*_cluster_checks(request, cluster, version)]
    composition, composed = _composed(order, cluster, version)
    return (*checks, *composed, *_looks(request, composition, cluster))


def require_ready(
    request: PreflightRequest, composition: Composition, cluster: ClusterClient, report: Reporter
) -> None:
    """Make the checks that the way to a plan does not make anyway.

    Cluster, version, bundle and rendering are behind us when a composition is available, and are not asked for again.

    Args:
        request: bundle, release and site.
        composition: the rendered bundle with its values.
        cluster: the API to ask.
        report: receives progress and warnings.

    Raises:
        PreflightError: with everything that failed.
    """
    checks = _looks(request, composition, cluster)
    _refuse_failed(request, checks)
    for check in checks:
        if check.state is CheckState.WARNED:
            report(Warned(f"{check.name}: {check.found}; {check.hint}"))
    passing = sum(check.state is CheckState.PASSED for check in checks)
    report(Notice(f"preflight: {passing} of {len(checks)} checks passed, none failed"))


def require_basics(request: PreflightRequest, composition: Composition, cluster: ClusterClient) -> None:
    """Make the checks that cost next to nothing: classes of storage and Ingresses, and all rights at once.

    Args:
        request: bundle, release and site.
        composition: the rendered bundle with its values.
        cluster: the API to ask.

    Raises:
        PreflightError: with everything that failed.
    """
    manifests = composition.manifests
    generated = [one.ref for one in composition.rendering.generated]
    looks = [*class_looks(manifests, cluster), *rights_looks(request, manifests, cluster, generated=generated)]
    _refuse_failed(request, make_checks(look for look in looks if look.name != "kinds"))


def _refuse_failed(request: PreflightRequest, checks: Sequence[Check]) -> None:
    bad = [check for check in checks if check.state is CheckState.FAILED]
    if not bad:
        return
    raise PreflightError(
        f"checking the cluster before {request.order.release} is installed: {len(bad)} of {len(checks)} checks failed",
        context=[line for check in bad for line in _error_lines(check)],
        hint="fix what is named; `bundler preflight` shows all checks, --no-preflight leaves them out",
    )


def _error_lines(check: Check) -> Iterator[str]:
    yield f"{check.name}: {check.found}"
    yield from (f"  {detail}" for detail in check.details)
    yield f"  hint: {sentence(check.hint)}"


def _looks(request: PreflightRequest, composition: Composition | None, cluster: ClusterClient) -> tuple[Check, ...]:
    manifests = composition.manifests if composition else ()
    declared = composition.rendering.reach.namespaces if composition else ()
    generated = [one.ref for one in composition.rendering.generated] if composition else []
    looks = [
        *cluster_looks(request, manifests, cluster, declared=declared),
        *rights_looks(request, manifests, cluster, generated=generated),
        *image_looks(request, composition, cluster=cluster),
    ]
    return make_checks(looks)


def _composed(
    order: RenderRequest, cluster: ClusterClient, version: str
) -> tuple[Composition | None, tuple[Check, Check]]:
    runs = passed("version", f"{version} fits")
    try:
        composition = compose(order, cluster)
    except KubeVersionError as error:
        unread = skipped("bundle", "it is not rendered for a Kubernetes that it does not run on")
        return None, (failed("version", "; ".join(error.context), error.hint), unread)
    except BundlerError as error:
        return None, (runs, failed("bundle", first_line(error), error.hint))
    number = counted(len(composition.manifests), "object")
    return composition, (runs, passed("bundle", f"{number} rendered with these values"))


def _cluster_checks(request: PreflightRequest, cluster: ClusterClient, version: str) -> Iterator[Check]:
    identity = cluster.identity()
    yield passed("cluster", f"{identity.server or identity.context} answers, {version}, as {identity.who}")
    site = request.order.place
    if site is not None and site.cluster_uid:
        wrong = [failed("site", "; ".join(found.lines), found.hint) for found in other_cluster(identity, site)]
        yield from wrong or [passed("site", f"this is the cluster of {site.name}")]
