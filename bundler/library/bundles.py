"""Where a session takes bundles, sites and values from. Layer: library."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import bundler.actions.acquire
import bundler.values
from bundler import expressions, library, loader, signing
from bundler.actions import compose
from bundler.actions.acquire.bundle import AcquiredBundle, Sources, acquire as acquire_from, is_delivery, open_by_policy
from bundler.actions.compose.user_values import UserInput, Values, read_inputs
from bundler.library.name_rules import check_name, check_namespace
from bundler.model.events import Acquired
from bundler.model.lean import replace
from bundler.ports import UNCONFINED

if TYPE_CHECKING:
    from bundler.actions.acquire.fetch import BundleFetcher
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.expressions.compiled import CompiledCodes
    from bundler.library.requests import ReleaseRequest
    from bundler.library.scope import Scope
    from bundler.loader.lockfile import LockEntry
    from bundler.model.bundle import Bundle, ComponentSpec
    from bundler.model.site import Site
    from bundler.model.trust import TrustPolicy

Result = TypeVar("Result")


def acquire(
    scope: Scope, name: str, site: Site | Path | None = None, *, called: str = "", digest: str = ""
) -> AcquiredBundle:
    """Load the bundle that ``name`` means; a delivery that it came in is closed with the session.

    Args:
        scope: of the session.
        name: a path, a bundle's name (with ``@VERSION``), a delivery file, an ``oci://`` address, or the address of a
            catalogue with ``#NAME``.
        site: the site file whose policy holds, or its path.
        called: where a folder or an archive was taken from, for messages and records; empty: its path, or its name.
        digest: which version is taken of an address that names none; empty: the highest.

    Raises:
        BundleError: when there is none, or it is broken.
        RegistryError: when it cannot be had.
        DeliveryError, SignatureError: when it is not to be trusted.
    """
    policy_of = read_site(scope, site)
    if is_delivery(name):
        scope.network.stay_offline(default=True)
    taken = acquire_from(name, policy_of, sources_of(scope), called=called, digest=digest)
    if taken.delivery is not None:
        scope.host.closing.callback(taken.delivery.delivery.close)
    return taken


def acquired(scope: Scope, request: ReleaseRequest) -> AcquiredBundle:
    """Return the bundle of a request, by the policy of its site.

    Raises:
        BundlerError: when it cannot be had, or is not to be trusted.
    """
    if isinstance(request.bundle, AcquiredBundle):
        return request.bundle
    values = request.values
    site = values.named_site if isinstance(values, UserInput) else values.site
    return acquire(scope, request.bundle, site)


def newest_version(scope: Scope, source: str, within: str, running: str, site: Site | Path | None) -> str:
    """Return the newest version of a bundle in a registry that is within a range, and not older than what runs.

    Args:
        scope: of the session.
        source: its ``oci://`` address, without a version.
        within: the range.
        running: the version that is there; empty: none.
        site: the site file, or its path: its registry may be reached.

    Raises:
        RegistryError: when the registry does not answer, or has no such version.
        BundleError: when address or range cannot be read.
    """
    read_site(scope, site)
    address = bundler.actions.acquire.fetch.parse_address(source, doing=f"looking for versions of {source}")
    registry = fetcher_of(scope).registry()
    return bundler.actions.acquire.bundle_artifacts.newest_published(registry, address, within, running=running)


def open_delivery(scope: Scope, paths: tuple[Path, ...], policy: TrustPolicy) -> Trusted:
    """Open a delivery, verified by a policy; it is closed with the session.

    Args:
        scope: the session's cluster, files and limits.
        paths: its file, or all its parts.
        policy: that it must meet.

    Raises:
        DeliveryError, SignatureError: when it is not to be trusted.
    """
    scope.network.stay_offline(default=True)
    trusted = open_by_policy(paths, policy, sources_of(scope))
    scope.host.closing.callback(trusted.delivery.close)
    return trusted


def read_site(scope: Scope, site: Site | Path | None) -> Site | None:
    """Return a site file, loaded; its registry may be reached from now on.

    Raises:
        ValuesFileError: with every problem.
    """
    if isinstance(site, Path):
        return load_site(scope, site)
    if site is not None:
        scope.note_site(site)
    return site


def load_site(scope: Scope, path: Path) -> Site:
    """Load a site file; its registry may be reached from now on.

    Raises:
        ValuesFileError: with every problem.
    """
    site = loader.site_file.load_site(path)
    read_site(scope, site)
    return site


def sources_of(scope: Scope) -> Sources:
    """Return where a session takes bundles from, and how it judges them."""
    return Sources(
        search_path=scope.options.search_path,
        limits=scope.limits,
        fetcher=partial(fetcher_of, scope),
        verifier=lambda policy: signing.verify.PolicyVerifier(policy, scope.host.clock),
        say=lambda line: scope.report(Acquired(line)),
        catalogues=scope.options.catalogues,
        is_offline=scope.network.rules.is_offline(default=False),
    )


def fetcher_of(scope: Scope, *, is_fresh: bool = False) -> BundleFetcher:
    """Return what fetches bundles; the registry is opened when it is first asked.

    Args:
        scope: of the session.
        is_fresh: take the highest version in a range, whatever is locked.
    """
    return bundler.actions.acquire.fetch.BundleFetcher(
        registry=scope.registry,
        folder=scope.cache_folder() / "bundles",
        report=scope.report,
        limits=scope.limits,
        is_fresh=is_fresh,
    )


def fetch_component(scope: Scope, component: ComponentSpec, locked: LockEntry | None) -> Path:
    """Return the archive of a component that is in a registry.

    Args:
        scope: the session's cluster, files and limits.
        component: as bundle.yaml declares it.
        locked: what bundle.lock pins; None without a lock.

    Raises:
        BundleError, RegistryError: when it cannot be had.
    """
    return fetcher_of(scope).component(component, locked)


def read_values(scope: Scope, given: Values | UserInput, bundle: Bundle | None = None) -> UserInput:
    """Read the files and assignments that are given; what is sensitive in them is masked from now on.

    Args:
        scope: of the session.
        given: as the user gives them, or read already.
        bundle: whose schemas say what is sensitive.

    Raises:
        ValuesError: when they cannot be read.
    """
    if isinstance(given, UserInput):
        return given
    host = scope.host
    inputs = read_inputs(given, variables=scope.options.environment, read_stdin=host.read_stdin)
    read_site(scope, inputs.named_site)
    if bundle is not None and (inputs.user.layers or inputs.user.assignments):
        secrets = host.confinement.run(
            lambda: tuple(bundler.values.given_secrets.sensitive_texts(bundle, inputs.user)),
            doing="looking for secrets in the values given",
        )
        host.redactor.learn(*secrets)
    return inputs


def render_request(
    scope: Scope,
    taken: AcquiredBundle,
    given: Values | UserInput,
    *,
    release: str = "",
    namespace: str = "",
    kube_version: str = "",
) -> RenderRequest:
    """Return what is rendered of a bundle; no cluster is asked.

    Args:
        scope: of the session.
        taken: the bundle, and the delivery that it came in.
        given: the values.
        release: its name; empty: the bundle's.
        namespace: of the release; empty: that of the session, else of the site, else ``default``.
        kube_version: what templates see; empty: what the cluster says, else the newest one known.

    Raises:
        UsageError: for an impossible name.
        ValuesError: when the values cannot be read.
    """
    bundle = taken.bundle
    inputs = read_values(scope, given, bundle)
    site = inputs.named_site
    return compose.render_request.RenderRequest(
        bundle=bundle,
        release=check_name(release or bundle.metadata.name),
        namespace=namespace or namespace_without_cluster(scope, site),
        user=inputs.user,
        site=inputs.facts,
        kube_version=kube_version,
        place=site,
        carried=taken.carried,
        evidence=taken.evidence,
        codes=compiled_codes(scope, bundle),
        confinement=scope.host.confinement,
    )


def request_of(scope: Scope, request: ReleaseRequest) -> RenderRequest:
    """Return what is rendered for a release; no cluster is asked.

    Raises:
        BundlerError: when the bundle or the values cannot be read.
    """
    return render_request(
        scope,
        acquired(scope, request),
        request.values,
        release=request.release,
        namespace=request.namespace,
        kube_version=request.kube_version,
    )


def confined(
    scope: Scope, request: ReleaseRequest, work: Callable[[RenderRequest], Result], *, doing: str = "rendering"
) -> Result:
    """Return what is made of a bundle, by work that may be made to run for ever or to take all memory.

    What the work needs is loaded before: a copied process pays for each page that it writes to, and loading a module
    writes to hundreds that it would only have read.

    Args:
        scope: of the session.
        request: bundle, names and values; no cluster is asked.
        work: takes what is rendered; it is confined already.
        doing: what an error says was being done with the bundle.

    Raises:
        BundlerError: what the work raises.
    """
    order = request_of(scope, request)
    alone = replace(order, confinement=UNCONFINED)
    named = f"{doing} {order.bundle.metadata.name} {order.bundle.metadata.version}"
    return scope.host.confinement.run(lambda: work(alone), doing=named)


def namespace_without_cluster(scope: Scope, site: Site | None) -> str:
    """Return the namespace of a release where no cluster says one: the session's, the site's, or ``default``.

    Raises:
        UsageError: for an impossible name.
    """
    return check_namespace(scope.options.namespace or (site.namespace if site else "") or "default")


def compiled_codes(scope: Scope, bundle: Bundle) -> CompiledCodes:
    """Return what earlier runs compiled of a bundle; it is read when something is asked for."""
    if scope.options.cache_dir is None:
        return expressions.compiled.CompiledCodes()

    return expressions.compiled.CompiledCodes(
        library.template_cache.CompiledFile(scope.options.cache_dir / "templates", bundle.digest)
    )
