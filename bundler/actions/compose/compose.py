"""From a bundle and an order to normalised manifests: the same for template, diff and install. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import bundler.actions.compose
from bundler.actions.compose.job_names import with_job_names
from bundler.errors.bundle import KubeVersionError, ManifestError
from bundler.fields.kinds import all_kinds, scope_of
from bundler.model.lean import dataclass, replace
from bundler.model.names import release_uid
from bundler.model.refs import group_of
from bundler.model.secret_leaves import is_secret, leaf_texts
from bundler.planning.normalize import normalize_manifests, stamp
from bundler.planning.older_yaml import may_hold_older_yaml, read_older_yaml
from bundler.render.bundle import render_bundle, with_sources, without_sources
from bundler.render.parts import walk
from bundler.render.sensitive import sensitive_strings
from bundler.render.types import Capabilities, RenderContext, Rendering
from bundler.resolve.versions import parse_kubernetes_version, parse_range
from bundler.values.compute import compute_values

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import Bundle, ReadinessRule, StepGate
    from bundler.model.manifest import Manifest
    from bundler.model.values import MergedValues
    from bundler.ports import ClusterClient

NEWEST_KUBERNETES = "v1.36.2"
"""What templates see without a cluster: the newest Kubernetes that this bundler's tables were made from."""
_BACKUP_KINDS = frozenset({("batch", "Job"), ("snapshot.storage.k8s.io", "VolumeSnapshot")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """What an order comes to."""

    order: RenderRequest
    values: MergedValues
    context: RenderContext
    rendering: Rendering
    manifests: tuple[Manifest, ...]
    """Normalised and stamped: what is compared, shown, sent and recorded; backups among them."""
    sensitive: frozenset[str]
    """Strings that must not be printed."""
    notices: tuple[str, ...] = ()
    """What deserves a look and stops nothing."""
    gates: tuple[StepGate, ...] = ()
    """What is asked after each step of an upgrade in steps."""

    @property
    def readiness(self) -> tuple[ReadinessRule, ...]:
        """The readiness rules of the bundle and its components."""
        return self.rendering.readiness


def compose(order: RenderRequest, cluster: ClusterClient | None = None) -> Composition:
    """Compute values, render, and bring the objects into their normal form.

    Args:
        order: bundle, names and values.
        cluster: where capabilities and scopes of kinds come from; None: what this bundler knows of Kubernetes.

    Raises:
        KubeVersionError: when the bundle does not run on that Kubernetes.
        ValuesError, RenderError: everything that is wrong with values, templates or objects.
        ImageMissingError: when the delivery lacks images that these values need.
        SitePatchError: when a patch of the site file cannot be made.
    """
    context = render_context(order, cluster)
    _check_kube_version(order, {"": order.bundle}, context.capabilities.kube_version)
    doing = f"rendering {order.bundle.metadata.name} {order.bundle.metadata.version}"
    made = order.confinement.run(lambda: _composed(order, context), doing=doing)
    rendering = with_sources(made.rendering, order.bundle, made.values, context)
    return Composition(
        order=order,
        values=made.values,
        context=context,
        rendering=rendering,
        manifests=made.manifests,
        sensitive=made.sensitive,
        notices=made.notices,
        gates=made.gates,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Composed:
    """What is plain data of a composition."""

    values: MergedValues
    rendering: Rendering
    manifests: tuple[Manifest, ...]
    sensitive: frozenset[str]
    notices: tuple[str, ...]
    gates: tuple[StepGate, ...]


def _composed(order: RenderRequest, context: RenderContext) -> _Composed:
    version = context.capabilities.kube_version
    with order.codes as codes:
        values = values_of(order)
        parts = {one.component: one.bundle for one in walk(order.bundle, values, order.site) if one.component}
        _check_kube_version(order, parts, version)
        rendering, notices = _adapted(render_bundle(order.bundle, values, context), order)
        rendering, readings = _read_as_meant(rendering)
        rendering = with_job_names(rendering)
        if rendering.readiness:
            bundler.actions.compose.expressions.refuse_unreadable_rules(rendering.readiness, codes)
        gates = _gates(order.bundle, rendering, codes)
    uid = release_uid(order.namespace, order.release)
    normal = normalize_manifests(rendering.manifests, rendering.generated)
    manifests = tuple(stamp(manifest, uid=uid) for manifest in normal)
    _check_backups(manifests)
    leaves = frozenset(text for one in manifests if is_secret(one.body) for text in leaf_texts(one.body))
    return _Composed(
        values=values,
        rendering=without_sources(rendering),
        manifests=manifests,
        sensitive=sensitive_strings(rendering, values) | leaves,
        notices=(*rendering.notices, *notices, *readings),
        gates=gates,
    )


def _gates(bundle: Bundle, rendering: Rendering, codes: CompiledCodes) -> tuple[StepGate, ...]:
    if not any(one.upgrade.gates for one in bundle.tree()):
        return ()
    components = frozenset(one.component for one in rendering.bundles)
    return bundler.actions.compose.step_gates.present_gates(bundle, components, rendering.manifests, codes)


def _check_backups(manifests: Iterable[Manifest]) -> None:
    """Refuse what cannot be a backup: it would have to succeed, and only what runs or is made once does.

    Raises:
        ManifestError: with every object.
    """
    wrong = [one for one in manifests if one.is_backup and (one.ref.group, one.ref.kind) not in _BACKUP_KINDS]
    if wrong:
        raise ManifestError(
            "reading the backup that spec.upgrade.backup names",
            context=[one.source.found(f"{one.ref.short} is no Job and no VolumeSnapshot") for one in wrong],
            hint="move what the backup needs into another template; it belongs to the release",
        )


def _read_as_meant(rendering: Rendering) -> tuple[Rendering, tuple[str, ...]]:
    if not any(may_hold_older_yaml(template.text) for template in rendering.templates):
        return rendering, ()
    read = [(manifest, *read_older_yaml(manifest)) for manifest in rendering.manifests]
    notices = [f"{old.source}: {old.ref.short}: {reading}" for old, _, readings in read for reading in readings]
    return replace(rendering, manifests=tuple(new for _, new, _ in read)), tuple(notices)


def _adapted(rendering: Rendering, order: RenderRequest) -> tuple[Rendering, tuple[str, ...]]:
    if order.carried is None and (order.place is None or not order.place.patches):
        return rendering, ()

    return bundler.actions.compose.site_overlay.adapt(rendering, order)


def values_of(order: RenderRequest) -> MergedValues:
    """Return the values that a bundle comes to as it is ordered.

    Raises:
        ValuesError: with everything that is wrong with them.
    """
    return compute_values(order.bundle, order.user, names=expression_names(order), codes=order.codes)


def expression_names(order: RenderRequest) -> dict[str, object]:
    """Return what derive, when and components[].values see besides values."""
    return {
        "release": {"name": order.release, "namespace": order.namespace},
        "site": {**order.bundle.site_defaults, **order.site},
    }


def render_context(order: RenderRequest, cluster: ClusterClient | None) -> RenderContext:
    """Return what templates may know: of the cluster where there is one, of the newest Kubernetes otherwise."""
    return RenderContext(
        release_name=order.release,
        namespace=order.namespace,
        capabilities=_capabilities(order, cluster),
        site=order.site,
        scope_of=scope_of if cluster is None else _scopes_of(cluster),
        revision=order.revision,
        operation=order.operation,
        codes=order.codes,
    )


def _scopes_of(cluster: ClusterClient) -> Callable[[str, str], bool | None]:
    served = {(one.group, one.kind): one.is_namespaced for one in cluster.resource_types()}

    def scope(group: str, kind: str) -> bool | None:
        known = scope_of(group, kind)
        return served.get((group, kind)) if known is None else known

    return scope


def _capabilities(order: RenderRequest, cluster: ClusterClient | None) -> Capabilities:
    if cluster is None:
        return Capabilities(kube_version=order.kube_version or NEWEST_KUBERNETES, has_api=_is_known_api)
    return Capabilities(kube_version=order.kube_version or cluster.identity().version, has_api=_has_api_of(cluster))


def _has_api_of(cluster: ClusterClient) -> Callable[[str], bool]:
    """Return what answers ``has_api``.

    A list of what is served is kept for a while, and only Kubernetes' own APIs stay that long. For others, and for what
    is missing in the list, the server is asked; so it is for what a server would serve that does not answer.
    """

    def has_api(name: str) -> bool:
        if _is_known_api(name) and name in _apis_of(cluster):
            return True
        silent = cluster.unavailable_apis()
        served = _apis_of(cluster)
        api_version, _, kind = name.rpartition("/")
        if api_version in silent and name not in served:
            return cluster.resource_type(group_of(api_version), kind, api_version.rpartition("/")[2]) is not None
        return name in served or name in silent

    return has_api


def _apis_of(cluster: ClusterClient) -> frozenset[str]:
    served = cluster.resource_types()
    return frozenset(name for one in served for name in (one.api_version, f"{one.api_version}/{one.kind}"))


def _is_known_api(name: str) -> bool:
    """Return whether the newest Kubernetes serves what ``has_api`` asks for; its table is read when a template asks."""
    return name in _known_apis()


@cache
def _known_apis() -> frozenset[str]:
    found: set[str] = set()
    for info in all_kinds():
        for version in info.versions:
            api_version = f"{info.group}/{version}" if info.group else version
            found |= {api_version, f"{api_version}/{info.kind}"}
    return frozenset(found)


def _check_kube_version(order: RenderRequest, bundles: Mapping[str, Bundle], version: str) -> None:
    """Refuse a Kubernetes that one of ``bundles``, by the path of its component, does not run on.

    Major.minor.patch alone are compared: a vendor's suffix is not a pre-release.
    """
    found = parse_kubernetes_version(version)
    asking = {path: one.kube_version for path, one in bundles.items() if one.kube_version}
    wrong = {path: wanted for path, wanted in asking.items() if not parse_range(wanted).admits(found)}
    if wrong:
        called = {path: f"component {path}" if path else "the bundle" for path in wrong}
        found_out = [f"kubeVersion of {called[path]} is {wanted}" for path, wanted in wrong.items()]
        raise KubeVersionError(
            f"checking bundle {order.bundle.metadata.name} against the cluster",
            context=[f"{one}, the cluster runs {version}" for one in found_out],
            hint="use a version of the bundle made for this Kubernetes, or upgrade the cluster",
        )
