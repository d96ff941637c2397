"""What references become at a site: the one function behind import, template, diff, install and verify.

Layer: images, pure.

``docker.io/library/nginx:1.27`` becomes ``HOST/PREFIX/library/nginx@sha256:…``; images of any other registry keep its
host as the first step of their path: ``quay.io/a/b`` becomes ``HOST/PREFIX/quay.io/a/b``. Nothing is guessed: a
reference is one of the delivery's, written as the bundle writes it or as it is at the site, or it is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from bundler.errors.delivery import ImageMissingError
from bundler.images.image_paths import ImageRule, Place, places_of, pod_specs, replaced_at
from bundler.images.inventory import Where, broken_line, refuse_broken, where_of
from bundler.model.image import DEFAULT_REGISTRY, ImageRef, LockedImage
from bundler.model.json import Body, JSONValue, canonical_json, is_mapping, list_at, mapping_at, text_at
from bundler.model.labels import IMAGES
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.oci import Repository

if TYPE_CHECKING:
    from bundler.model.site import SiteRegistry

_MISSING_HINT = (
    "export the bundle again with the values used here, or declare the image in spec.images of bundle.yaml; "
    "`bundler images` shows what each setting needs"
)


def site_repository(ref: ImageRef, registry: SiteRegistry) -> Repository:
    """Return where an image is in a site's registry."""
    origin = "" if ref.registry == DEFAULT_REGISTRY else f"{_path_of(ref.registry)}/"
    prefix = f"{registry.prefix}/" if registry.prefix else ""
    return Repository(registry.host, f"{prefix}{origin}{ref.repository}")


def _path_of(host: str) -> str:
    """Return the name of a registry as a step of a path, where no colon and no bracket can stand."""
    if not host.startswith("["):
        return host.replace(":", "-").lower()
    from ipaddress import IPv6Address  # noqa: PLC0415 - few registries are known by such an address

    address, _, port = host[1:].partition("]")
    groups = (f"{int(group, 16):x}" for group in IPv6Address(address).exploded.split(":"))
    return "-".join(("ipv6", *groups, *filter(None, [port.removeprefix(":")])))


def pinned(image: LockedImage, registry: SiteRegistry | None) -> str:
    """Return what pods are given: the image by digest, at the site; at its origin where there is no site registry."""
    return f"{_target(image, registry)}@{image.digest}"


def places_at_site(
    refs: Iterable[ImageRef], carried: Iterable[LockedImage], registry: SiteRegistry
) -> dict[ImageRef, str]:
    """Return what references become at a site: by digest where a delivery carries them, else as they are written.

    Args:
        refs: of images.
        carried: the images of a delivery.
        registry: of the site.
    """
    known = {image.ref: pinned(image, registry) for image in carried}
    return {ref: known.get(ref) or _unpinned(ref, registry) for ref in refs}


def _unpinned(ref: ImageRef, registry: SiteRegistry) -> str:
    return f"{site_repository(ref, registry)}{f'@{ref.digest}' if ref.digest else f':{ref.tag}'}"


def _target(image: LockedImage, registry: SiteRegistry | None) -> Repository:
    if registry is None:
        return Repository(image.ref.registry, image.ref.repository)
    return site_repository(image.ref, registry)


class Rewriter:
    """Turns references into those of a site.

    Args:
        images: what the delivery carries.
        registry: of the site; None pins images by digest where they come from.
        rules: declared places of images.
        pull_secret: name of a Secret that every pod gets; empty: none.
    """

    def __init__(
        self,
        images: Iterable[LockedImage],
        *,
        registry: SiteRegistry | None,
        rules: Collection[ImageRule],
        pull_secret: str = "",
    ) -> None:
        self._registry = registry
        self._rules = rules
        self._pull_secret = pull_secret
        self._locked: dict[ImageRef, LockedImage] = {}
        for image in images:
            self._locked[image.ref] = image
            target = _target(image, registry)
            for tag, digest in ((image.ref.tag, image.ref.digest), ("", image.digest), (image.ref.tag, image.digest)):
                self._locked[ImageRef(target.host, target.name, tag, digest)] = image

    def locked(self, text: str) -> LockedImage | None:
        """Return what the delivery carries for a reference; None where it carries nothing."""
        ref = ImageRef.of(text)
        return None if ref is None else self._locked.get(ref)

    def rewrite(self, manifests: Iterable[Manifest], where: Where = where_of) -> tuple[Manifest, ...]:
        """Return the objects with every image pinned, what they were called in an annotation, and the pull secret.

        Args:
            manifests: rendered objects.
            where: says where an image is.

        Raises:
            ImageReferenceError: with every declared place that holds no image that could be read and written.
            ImageMissingError: with every image that the delivery does not carry, by template line.
        """
        lacking: list[tuple[Manifest, Place]] = []
        result = tuple(self._rewritten(manifest, lacking) for manifest in manifests)
        refuse_broken([broken_line(*one, where) for one in lacking if one[1].problem])
        if lacking:
            lines = {f"{where(*one)}: {one[1].text} is not in it" for one in lacking}
            raise ImageMissingError(
                "looking up the images of the release in the delivery", context=sorted(lines), hint=_MISSING_HINT
            )
        return result

    def _rewritten(self, manifest: Manifest, lacking: list[tuple[Manifest, Place]]) -> Manifest:
        changes: dict[tuple[str | int, ...], JSONValue] = {}
        names: dict[str, str] = {}
        for place in places_of(manifest, self._rules):
            image = None if place.problem else self.locked(place.text)
            if image is None:
                lacking.append((manifest, place))
                continue
            changes |= self._pinned(place, image)
            names[".".join(map(str, place.steps)) if place.label in names else place.label] = str(image.ref)
        body = replaced_at(manifest.body, changes) if changes else manifest.body
        body = _annotated(body if is_mapping(body) else manifest.body, names)
        return with_pull_secret(replace(manifest, body=body), self._pull_secret)

    def _pinned(self, place: Place, image: LockedImage) -> dict[tuple[str | int, ...], JSONValue]:
        target, written = _target(image, self._registry), ImageRef.of(place.text)
        return place.pinned(target.host, target.name, written.tag if written else "", image.digest)


def with_pull_secret(manifest: Manifest, name: str) -> Manifest:
    """Add a pull secret to the pods of an object: merged by name, sorted."""
    path = pod_specs(manifest)
    if not name or path is None:
        return manifest
    pod = mapping_at(manifest.body, *path)
    names = {text_at(one, "name") for one in list_at(pod, "imagePullSecrets")} - {""}
    secrets: list[JSONValue] = [{"name": one} for one in sorted({*names, name})]
    body = replaced_at(manifest.body, {path: {**pod, "imagePullSecrets": secrets}})
    return replace(manifest, body=body) if is_mapping(body) else manifest


def _annotated(body: Body, names: Mapping[str, str]) -> Body:
    if not names:
        return body
    metadata = mapping_at(body, "metadata")
    annotations = {**mapping_at(metadata, "annotations"), IMAGES: canonical_json(dict(names)).decode()}
    return {**body, "metadata": {**metadata, "annotations": annotations}}
