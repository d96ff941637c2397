"""Whether images are where pods will look for them, with the credentials that pods will use. Layer: actions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from bundler.actions.compose.site_overlay import needed_images
from bundler.actions.preflight.check_runner import Look, first_line, make_checks
from bundler.actions.preflight.required_images import absent_lines, find_absent, import_hint
from bundler.errors.delivery import RegistryError, RegistryForbiddenError, RegistryLoginError, RegistryUnavailableError
from bundler.images.image_paths import pod_specs
from bundler.images.rewrite import site_repository
from bundler.images.tree import image_tree
from bundler.model.check import Check, CheckState, failed, passed, skipped, warned
from bundler.model.json import Body, is_mapping, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef
from bundler.model.secret_leaves import decoded_leaf
from bundler.model.size import shown_bytes

if TYPE_CHECKING:
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.actions.compose.compose import Composition
    from bundler.actions.preflight.run import PreflightRequest
    from bundler.model.image import LockedImage
    from bundler.model.manifest import Manifest
    from bundler.model.site import Site, SiteRegistry
    from bundler.ports import ClusterClient, Registry

DOCKER_CONFIG = ".dockerconfigjson"
OLD_DOCKER_CONFIG = ".dockercfg"


def image_looks(
    request: PreflightRequest, composition: Composition | None, *, cluster: ClusterClient | None
) -> list[Look]:
    """Return the checks of images; without a cluster, those of the registry alone.

    Args:
        request: bundle, release and site.
        composition: None without a cluster.
        cluster: the API to ask.
    """
    manifests = composition.manifests if composition else ()
    site = request.order.place
    place = site.registry if site else None
    carried = request.order.carried
    if carried is None or place is None or request.registry is None:
        why = "the bundle was not taken from a delivery" if carried is None else "no registry of the site is named"
        return [Look(name="images", make=lambda: [skipped("images", why)])]
    needed = needed_images(manifests, carried) if manifests else carried
    looks = [Look(name="images", make=partial(_images, request, needed, place, request.registry, composition))]
    if request.delivery is not None:
        looks.append(Look(name="import", make=partial(_import, request.delivery, place, request.registry)))
    if cluster is not None and site is not None:
        looks += [
            Look(name=f"pull secret in {name}", make=_Pull(request, needed, site, place, name, cluster, manifests))
            for name in _namespaces(request, manifests)
        ]
    return [Look(name="registry", make=partial(_registry, place, request.registry, looks))]


def _namespaces(request: PreflightRequest, manifests: Sequence[Manifest]) -> list[str]:
    found = {one.ref.namespace for one in manifests if one.ref.namespace and pod_specs(one) is not None}
    return sorted(found or {request.order.namespace})


def _registry(place: SiteRegistry, registry: Registry, looks: Sequence[Look]) -> list[Check]:
    """Make the checks that need the registry; a registry that does not answer is reported once."""
    try:
        registry.ping(place.host)
        found = passed("registry", f"{place.host} answers and accepts the login")
    except RegistryUnavailableError as error:
        why = "unknown without the registry"
        return [failed("registry", first_line(error), error.hint), *(skipped(look.name, why) for look in looks)]
    except RegistryError as error:
        found = failed("registry", first_line(error), error.hint)
    return [found, *make_checks(looks)]


def _images(
    request: PreflightRequest,
    needed: Sequence[LockedImage],
    place: SiteRegistry,
    registry: Registry,
    composition: Composition | None,
) -> list[Check]:
    absent = find_absent(needed, place, registry)
    if not absent:
        return [passed("images", f"{place} holds all {len(needed)} by their digests")]
    found = f"{len(absent)} of {len(needed)} are missing"
    lines = absent_lines(absent, composition.rendering, request.order, place) if composition else ()
    # an image that only the declarations of the bundle name has no place in any object
    lines = lines or tuple(f"{site_repository(one.ref, place)}@{one.digest}" for one in absent)
    return [failed("images", found, import_hint(place, request.order.place), lines)]


def _import(delivery: Trusted, place: SiteRegistry, registry: Registry) -> list[Check]:
    """Say what an import would bring, and whether the registry can be written; without leaving anything there."""
    absent = find_absent(delivery.carried, place, registry)
    if not absent:
        return [passed("import", "nothing is left to import")]
    held = {blob.digest for blob in delivery.index.blobs}
    trees = [image_tree(one.digest, one.media_type, delivery.delivery.read, held) for one in absent]
    sizes = {blob.digest: blob.size for tree in trees for blob in tree.blobs}
    registry.check_push(site_repository(absent[0].ref, place))
    total = shown_bytes(sum(sizes.values()))
    return [passed("import", f"would bring at most {total} to {place}, which can be written; needs no disk here")]


@dataclass(frozen=True, slots=True)
class _Pull:
    """Pulls one manifest as the pods of a namespace will."""

    request: PreflightRequest
    needed: Sequence[LockedImage]
    site: Site
    place: SiteRegistry
    namespace: str
    cluster: ClusterClient
    manifests: Sequence[Manifest]

    def __call__(self) -> list[Check]:
        name, secret = self._name, self.site.pull_secret
        if not secret:
            return [self._pulled({}, "without a login")]
        found = self._secret()
        if found is None:
            return [self._without_secret()]
        config = config_of(found)
        if not config:
            hint = "make it with kubectl create secret docker-registry"
            return [failed(name, f"Secret/{secret} holds no {DOCKER_CONFIG}", hint)]
        try:
            return [self._pulled(config, f"with Secret/{secret}")]
        except (RegistryLoginError, RegistryForbiddenError) as error:
            return [self._refused(error)]

    @property
    def _name(self) -> str:
        return f"pull secret in {self.namespace}"

    def _secret(self) -> Body | None:
        """Return the pull secret: the one that comes with the release, else the one in the cluster."""
        rendered = self._rendered()
        return rendered if rendered is not None else self.cluster.get(self._ref)

    @property
    def _ref(self) -> ObjectRef:
        return ObjectRef("", "Secret", self.namespace, self.site.pull_secret)

    def _rendered(self) -> Body | None:
        return next((one.body for one in self.manifests if one.ref == self._ref), None)

    def _pulled(self, config: Body, as_whom: str) -> Check:
        if self.request.registry_of is None or not self.needed:
            return skipped(self._name, "there is no image to pull")
        registry, image = self.request.registry_of(config), self.needed[0]
        repository = site_repository(image.ref, self.place)
        if registry.manifest(repository, image.digest) is None:
            found = f"{repository}@{image.digest} does not exist, {as_whom}"
            return failed(self._name, found, import_hint(self.place, self.site))
        return passed(self._name, f"pods pull {image.ref} {as_whom}")

    def _without_secret(self) -> Check:
        """A kubelet passes over a pull secret that does not exist: what counts is whether the registry asks for one."""
        found, hint = f"Secret/{self.site.pull_secret} does not exist", self._how_to_make()
        try:
            pulled = self._pulled({}, "without a login")
        except (RegistryLoginError, RegistryForbiddenError):
            return failed(self._name, found, hint)
        if pulled.state is not CheckState.PASSED:
            return failed(self._name, found, hint)
        return warned(self._name, f"{found}, but {self.place.host} gives images without a login", hint)

    def _refused(self, error: RegistryError) -> Check:
        """What the registry refuses to pods is fixed in the Secret: the login of the one who asks is another one."""
        said = f"Secret/{self.site.pull_secret}"
        if isinstance(error, RegistryForbiddenError):
            found = f"the user of {said} may not pull from {self.place}: {first_line(error)}"
        else:
            found = f"the login in {said} is not accepted by {self.place.host}: {first_line(error)}"
        if self._rendered() is not None:
            return failed(self._name, found, f"{said} comes with the release: correct the values that it is made of")
        command = f"{self._making} --dry-run=client -o yaml | kubectl apply -f -"
        return failed(self._name, found, f"put a login that may pull there into it: {command}")

    def _how_to_make(self) -> str:
        place = ObjectRef("", "Namespace", "", self.namespace)
        first = "" if self.cluster.get(place) else f"kubectl create namespace {self.namespace} && "
        return f"make it: {first}{self._making}"

    @property
    def _making(self) -> str:
        return (
            f"kubectl create secret docker-registry {self.site.pull_secret} -n {self.namespace} "
            f"--docker-server={self.place.host} --docker-username=… --docker-password=…"
        )


def config_of(secret: Body) -> Body:
    """Return the logins of a pull secret, ``{"auths": …}``; an empty mapping where it holds none.

    Source: kubelet, pkg/credentialprovider/secrets: ``.dockercfg`` is the mapping below ``auths`` alone.
    """
    config = _parsed(secret, DOCKER_CONFIG)
    if not config and (old := _parsed(secret, OLD_DOCKER_CONFIG)):
        config = {"auths": old}
    return config if mapping_at(config, "auths") else {}


def _parsed(secret: Body, key: str) -> Body:
    """Return an entry of a Secret, from the cluster or as a template writes it."""
    try:
        config = json.loads(text_at(secret, "stringData", key) or decoded_leaf(text_at(secret, "data", key)) or "{}")
    except (ValueError, RecursionError):
        return {}
    return config if is_mapping(config) else {}
