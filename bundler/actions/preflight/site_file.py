"""Write a site file from what a cluster says, and check one against its cluster. Layer: actions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bundler.actions.preflight.check_runner import Look, first_line, list_all, make_checks
from bundler.actions.preflight.images import config_of
from bundler.actions.preflight.nodes import node_platforms
from bundler.actions.preflight.storage import default_classes
from bundler.errors import BundlerError, UsageError
from bundler.errors.cluster import ForbiddenError
from bundler.files.whole_file import write_output
from bundler.model.check import Check, failed, passed, skipped, warned
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef
from bundler.planning.site_policy import other_cluster

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from bundler.model.site import Site, SiteRegistry
    from bundler.model.trust import TrustedKey
    from bundler.ports import ClusterClient, Registry

_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"
_SOON_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWish:
    """What is wanted in a new site file."""

    name: str
    registry: SiteRegistry | None = None
    pull_secret: str = ""
    namespace: str = ""
    domain: str = ""
    keys: tuple[TrustedKey, ...] = ()
    """Whose signatures are trusted; where there are any, no delivery is taken without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a cluster says about itself."""

    uid: str
    version: str
    server: str
    storage_classes: tuple[str, ...] = ()
    default_storage: str = ""
    ingress_classes: tuple[str, ...] = ()
    default_ingress: str = ""
    platforms: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What cannot be read."""


def survey(cluster: ClusterClient) -> Surroundings:
    """Ask a cluster for what a site file says; what cannot be read stays empty.

    Raises:
        ClusterError: when the cluster cannot be asked at all.
    """
    identity = cluster.identity()
    unknown: list[str] = []

    def listed(group: str, kind: str) -> tuple[Body, ...]:
        try:
            return list_all(cluster, group, kind)
        except ForbiddenError:
            unknown.append(kind)
            return ()

    storage = listed("storage.k8s.io", "StorageClass")
    ingress = listed("networking.k8s.io", "IngressClass")
    nodes = listed("", "Node")
    return Surroundings(
        uid=identity.uid,
        version=identity.version,
        server=identity.server,
        storage_classes=_names(storage),
        default_storage=next(iter(default_classes(storage)), ""),
        ingress_classes=_names(ingress),
        default_ingress=_default_ingress(ingress),
        platforms=node_platforms(nodes),
        unknown=tuple(unknown),
    )


def _names(bodies: Sequence[Body]) -> tuple[str, ...]:
    return tuple(sorted(text_at(one, "metadata", "name") for one in bodies))


def _default_ingress(classes: Sequence[Body]) -> str:
    names = default_classes(classes, _DEFAULT_INGRESS)
    if not names and len(classes) == 1:
        return text_at(classes[0], "metadata", "name")
    return names[0] if names else ""


def init_site(wish: SiteWish, cluster: ClusterClient, out: Path, *, is_forced: bool) -> str:
    """Ask a cluster about itself, and write a site file.

    Args:
        wish: what is wanted in it.
        cluster: to ask.
        out: the file to write.
        is_forced: replace a file that exists.

    Returns:
        What was written.

    Raises:
        UsageError: when the file exists.
        OutputError: when it cannot be written; what was there before stays.
        ClusterError: when the cluster cannot be asked.
    """
    doing = "writing the site file"
    if out.exists() and not is_forced:
        raise UsageError(doing, context=[f"{out} exists already"], hint="pass --force, or --out FILE")
    text = site_text(wish, survey(cluster))
    write_output(out, text.encode())
    return text


def site_text(wish: SiteWish, around: Surroundings) -> str:
    """Return a site file as text, with a comment on each line that needs a look."""
    lines = [
        f"# The site {wish.name}: {around.server or 'the embedded cluster'}, Kubernetes {around.version}",
        *([f"# nodes: {', '.join(around.platforms)}"] if around.platforms else []),
        *([f"# could not be checked: {', '.join(around.unknown)}"] if around.unknown else []),
        "apiVersion: bundler.dev/v1",
        "kind: Site",
        f"metadata: {{name: {_quoted(wish.name)}}}",
        "spec:",
        *_registry_lines(wish),
        *_setting("namespace", wish.namespace, "where releases go"),
        *_setting("clusterUid", around.uid, "this cluster and no other"),
        *_setting("storageClass", around.default_storage, _among(around.storage_classes)),
        *_setting("ingressClass", around.default_ingress, _among(around.ingress_classes)),
        *_setting("domain", wish.domain, "the parent domain of host names"),
        "  # exposure: ingress",
        '  # tls: {secret: "", issuer: ""}',
        '  # proxy: {http: "", https: "", noProxy: ""}',
        "  # nodeSelector: {}",
        "  # tolerations: []",
        "  # values: {}            # of the top bundle, below -f files",
        "  # patches:              # changes of your own to rendered objects",
        "  #   - target: {kind: Deployment, name: shop-web}",
        "  #     patch: {spec: {template: {metadata: {annotations: {team: web}}}}}",
        *_key_lines(wish),
    ]
    return "\n".join(lines) + "\n"


def _key_lines(wish: SiteWish) -> list[str]:
    said = "# whose signatures are trusted: the lines of their .pub files"
    if wish.keys:
        keys = [f"  keys:   {said}", *(f"    - {{key: {_quoted(key.line)}}}" for key in wish.keys)]
    else:
        keys = [f"  # keys:                 {said}"]
        keys.append('  #   - {key: "bundler-ed25519 … release 2026", notAfter: "2027-12-31"}')
    return [*keys, f"  policy: {{requireSignature: {'true' if wish.keys else 'false'}, forbid: []}}"]


def _registry_lines(wish: SiteWish) -> list[str]:
    place = wish.registry
    if place is None:
        registry = ["  # registry: {host: registry.site:5000, prefix: acme}   # where images are imported to"]
    else:
        extra = ", insecureHTTP: true" if place.is_insecure_http else ""
        extra += f", ca: {_quoted(place.ca)}" if place.ca else ""
        registry = [f"  registry: {{host: {_quoted(place.host)}, prefix: {_quoted(place.prefix)}{extra}}}"]
    return [*registry, *_setting("pullSecret", wish.pull_secret, "a Secret by which pods pull")]


def _setting(key: str, text: str, comment: str) -> list[str]:
    if not text:
        return [f"  # {key}:   # {comment}"]
    return [f"  {key}: {_quoted(text)}   # {comment}"]


def _among(names: Sequence[str]) -> str:
    return f"of: {', '.join(names)}" if names else "there is none"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def check_site(
    site: Site,
    cluster: ClusterClient,
    *,
    now: datetime,
    registry: Registry | None = None,
    read_catalogue: Callable[[str], str] | None = None,
) -> tuple[Check, ...]:
    """Check a site file against its cluster and its registry; every failure at once.

    Args:
        site: as read from its file.
        cluster: the API to ask.
        now: the current time, in UTC.
        registry: of the site; None where the file names none.
        read_catalogue: reads a catalogue by its address and says what is in it; None: they are not read.
    """
    file = passed("file", f"{site.source} is a site file: {site.name}")
    checks = [file, *_key_checks(site, now)]
    looks = [
        Look(name="registry", make=partial(_registry, site, registry)),
        *(Look(name="catalogue", make=partial(_catalogue, address, read_catalogue)) for address in site.catalogues),
    ]
    try:
        identity = cluster.identity()
    except BundlerError as error:
        return (*checks, failed("cluster", first_line(error), error.hint), *make_checks(looks))
    checks.append(passed("cluster", f"{identity.server or identity.context} answers, {identity.version}"))
    wrong = [failed("cluster uid", "; ".join(found.lines), found.hint) for found in other_cluster(identity, site)]
    found = "it is the one that the file names" if site.cluster_uid else "the file names none; any cluster is taken"
    checks += wrong or [passed("cluster uid", found)]
    looks += [
        Look(name="storage class", make=partial(_class, cluster, site, "storageClass", "StorageClass")),
        Look(name="ingress class", make=partial(_class, cluster, site, "ingressClass", "IngressClass")),
        Look(name="namespace", make=partial(_namespace, cluster, site)),
        Look(name="pull secret", make=partial(_pull_secret, cluster, site)),
    ]
    return (*checks, *make_checks(looks))


def _key_checks(site: Site, now: datetime) -> list[Check]:
    trust = site.trust
    valid, checks = 0, []
    for key in trust.keys:
        is_revoked = {key.key_id, key.key_id[:16]} & trust.revoked
        is_over = key.not_after is not None and now > key.not_after
        if is_revoked or is_over:
            found = "is revoked" if is_revoked else f"was trusted until {key.not_after:%Y-%m-%d}"
            checks.append(warned("key", f"{key.shown} {found}", "remove it, or ask for the new key"))
            continue
        valid += 1
        if key.not_after is not None and (key.not_after - now).days < _SOON_DAYS:
            checks.append(
                warned("key", f"{key.shown} is trusted only until {key.not_after:%Y-%m-%d}", "ask for the new key")
            )
    if trust.asks_for_signature:
        enough = valid >= trust.threshold
        said = f"{valid} of {len(trust.keys)} keys count, {trust.threshold} must have signed"
        hint = "add keys, or lower policy.threshold"
        checks.append(passed("keys", said) if enough else failed("keys", said, hint))
    else:
        checks.append(warned("keys", "no key is trusted, so deliveries are taken unsigned", "add spec.keys"))
    return checks


def _catalogue(address: str, read: Callable[[str], str] | None) -> list[Check]:
    if read is None:
        return [skipped("catalogue", f"{address} is not read offline; --no-offline reads it")]
    return [passed("catalogue", read(address))]


def _registry(site: Site, registry: Registry | None) -> list[Check]:
    if site.registry is None or registry is None:
        return [skipped("registry", "the file names none")]
    registry.ping(site.registry.host)
    return [passed("registry", f"{site.registry.host} answers and accepts the login")]


def _class(cluster: ClusterClient, site: Site, fact: str, kind: str) -> list[Check]:
    name = "storage class" if kind == "StorageClass" else "ingress class"
    wanted = text_at(site.facts, fact)
    if not wanted:
        return [skipped(name, "the file names none")]
    group = "storage.k8s.io" if kind == "StorageClass" else "networking.k8s.io"
    there = _names(list_all(cluster, group, kind))
    if wanted in there:
        return [passed(name, wanted)]
    return [failed(name, f"there is no {wanted}; {_among(there)}", f"correct {fact} in {site.source}")]


def _namespace(cluster: ClusterClient, site: Site) -> list[Check]:
    if not site.namespace:
        return [skipped("namespace", "the file names none")]
    found = cluster.get(ObjectRef("", "Namespace", "", site.namespace))
    return [passed("namespace", f"{site.namespace} is {'there' if found else 'not there yet; install creates it'}")]


def _pull_secret(cluster: ClusterClient, site: Site) -> list[Check]:
    if not site.pull_secret:
        return [skipped("pull secret", "the file names none")]
    if not site.namespace:
        return [skipped("pull secret", f"{site.pull_secret} is looked for by preflight, in the release's namespace")]
    found = cluster.get(ObjectRef("", "Secret", site.namespace, site.pull_secret))
    where = f"Secret/{site.pull_secret} in {site.namespace}"
    if found is None:
        hint = f"make it: kubectl create secret docker-registry {site.pull_secret} -n {site.namespace} …"
        return [failed("pull secret", f"{where} does not exist", hint)]
    hosts = sorted(mapping_at(config_of(found), "auths"))
    if site.registry is not None and not any(site.registry.host in host for host in hosts):
        hint = f"make it with --docker-server={site.registry.host}"
        return [failed("pull secret", f"{where} is for {', '.join(hosts) or 'no registry'}", hint)]
    return [passed("pull secret", f"{where} is for {', '.join(hosts)}")]
