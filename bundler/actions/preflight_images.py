"""Whether images are where pods will look for them, with the credentials that pods will use. Layer: actions."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import TYPE_CHECKING

from bundler.actions.adapt import needed_images
from bundler.actions.looking import Look
from bundler.actions.site_images import find_absent
from bundler.images.places import pod_specs
from bundler.images.rewrite import site_repository
from bundler.images.tree import image_tree
from bundler.model.check import Check, failed, passed, skipped
from bundler.model.json import is_mapping, mapping_at, text_at
from bundler.model.refs import ObjectRef
from bundler.model.size import shown_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.actions.preflight import PreflightRequest
    from bundler.model.image import LockedImage
    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.model.site import Site, SiteRegistry
    from bundler.ports import ClusterClient, Registry

DOCKER_CONFIG = ".dockerconfigjson"
_MAX_NAMED = 4


def image_looks(
    request: PreflightRequest, manifests: Sequence[Manifest], *, cluster: ClusterClient | None
) -> list[Look]:
    """Return the checks of images; without a cluster, those of the registry alone."""
    site = request.order.place
    place = site.registry if site else None
    carried = request.order.carried
    if carried is None or place is None or request.registry is None:
        why = "the bundle was not taken from a delivery" if carried is None else "no registry of the site is named"
        return [Look(name="images", make=lambda: [skipped("images", why)])]
    needed = needed_images(manifests, carried) if manifests else carried
    looks = [
        Look(name="registry", make=partial(_registry, place, request.registry)),
        Look(name="images", make=partial(_images, needed, place, request.registry)),
        Look(name="import", make=partial(_import, request, place, request.registry)),
    ]
    if cluster is not None and site is not None:
        looks += [
            Look(name=f"pull secret in {name}", make=partial(_pull, request, needed, site, place, name, cluster))
            for name in _namespaces(request, manifests)
        ]
    return looks


def _namespaces(request: PreflightRequest, manifests: Sequence[Manifest]) -> list[str]:
    found = {one.ref.namespace for one in manifests if one.ref.namespace and pod_specs(one) is not None}
    return sorted(found or {request.order.namespace})


def _registry(place: SiteRegistry, registry: Registry) -> list[Check]:
    registry.ping(place.host)
    return [passed("registry", f"{place.host} answers and knows us")]


def _images(needed: Sequence[LockedImage], place: SiteRegistry, registry: Registry) -> list[Check]:
    absent = find_absent(needed, place, registry)
    if not absent:
        return [passed("images", f"{place} holds all {len(needed)} by their digests")]
    names = [f"{site_repository(one.ref, place)}@{one.digest}" for one in absent]
    more = f"; and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    found = f"{len(absent)} of {len(needed)} are not there: {'; '.join(names[:_MAX_NAMED])}{more}"
    return [failed("images", found, f"import the delivery: bundler import FILE --registry {place}")]


def _import(request: PreflightRequest, place: SiteRegistry, registry: Registry) -> list[Check]:
    """Say what an import would bring, and whether the registry can be written; without leaving anything there."""
    delivery = request.delivery
    if delivery is None or request.order.carried is None:
        return [skipped("import", "no delivery is at hand")]
    absent = find_absent(request.order.carried, place, registry)
    if not absent:
        return [passed("import", "nothing is left to import")]
    held = {blob.digest for blob in delivery.index.blobs}
    trees = [image_tree(one.digest, one.media_type, delivery.delivery.read, held) for one in absent]
    sizes = {blob.digest: blob.size for tree in trees for blob in tree.blobs}
    registry.check_push(site_repository(absent[0].ref, place))
    total = shown_bytes(sum(sizes.values()))
    return [passed("import", f"would bring at most {total} to {place}, which can be written; needs no disk here")]


def _pull(
    request: PreflightRequest,
    needed: Sequence[LockedImage],
    site: Site,
    place: SiteRegistry,
    namespace: str,
    cluster: ClusterClient,
) -> list[Check]:
    """Pull one manifest as the pods of a namespace will."""
    name = f"pull secret in {namespace}"
    config: Body = {}
    if site.pull_secret:
        found = cluster.get(ObjectRef("", "Secret", namespace, site.pull_secret))
        if found is None:
            return [failed(name, f"Secret/{site.pull_secret} is not there", _how_to_make(site, place, namespace))]
        config = config_of(found)
        if not config:
            hint = "make it with kubectl create secret docker-registry"
            return [failed(name, f"Secret/{site.pull_secret} holds no {DOCKER_CONFIG}", hint)]
    if request.registry_of is None or not needed:
        return [skipped(name, "there is no image to pull")]
    registry, image = request.registry_of(config), needed[0]
    manifest = registry.manifest(site_repository(image.ref, place), image.digest)
    as_whom = f"with Secret/{site.pull_secret}" if site.pull_secret else "without a login"
    if manifest is None:
        found_text = f"{site_repository(image.ref, place)}@{image.digest} is not there, {as_whom}"
        return [failed(name, found_text, f"import the delivery: bundler import FILE --registry {place}")]
    return [passed(name, f"pods pull {image.ref} {as_whom}")]


def config_of(secret: Body) -> Body:
    """Return the logins of a pull secret, ``{"auths": …}``; an empty mapping where it holds none."""
    text = text_at(secret, "data", DOCKER_CONFIG)
    try:
        config = json.loads(base64.b64decode(text, validate=True)) if text else {}
    except ValueError:
        return {}
    return config if is_mapping(config) and mapping_at(config, "auths") else {}


def _how_to_make(site: Site, place: SiteRegistry, namespace: str) -> str:
    return (
        f"make it: kubectl create secret docker-registry {site.pull_secret} -n {namespace} "
        f"--docker-server={place.host} --docker-username=… --docker-password=…"
    )
