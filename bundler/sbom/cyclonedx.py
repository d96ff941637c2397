"""The SBOM of a delivery, as CycloneDX 1.6 JSON. Layer: sbom, pure; the same content gives the same bytes.

Source: cyclonedx.org/docs/1.6/json; purl-spec, types ``oci``, ``deb``, ``apk``, ``rpm``, ``generic``.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from bundler._version import __version__
from bundler.model.json import JSONValue, canonical_json

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.sbom.image import ImageContent
    from bundler.sbom.packages import Package

_LICENSE_LABEL = "org.opencontainers.image.licenses"


def make_sbom(bundle: Bundle, images: Sequence[ImageContent]) -> bytes:
    """Return the SBOM of a bundle, its components and the images it carries."""
    ordered = sorted(images, key=lambda image: (str(image.ref), image.platform, image.digest))
    components: dict[str, JSONValue] = {}
    depends: dict[str, list[str]] = {}
    inner = list(bundle.tree())[1:]
    for one in inner:
        components[_bundle_purl(one)] = _bundle_json(one)
    for image in ordered:
        packages = {_package_purl(one, image.distribution): one for one in image.packages}
        components[_image_purl(image)] = _image_json(image)
        components.update({purl: _package_json(one, purl) for purl, one in packages.items()})
        depends[_image_purl(image)] = sorted(packages)
    top = _bundle_purl(bundle)
    depends[top] = sorted({*(_image_purl(image) for image in ordered), *map(_bundle_purl, inner)})
    return _document(_bundle_json(bundle), components, depends)


def make_image_sbom(top: ImageContent, images: Sequence[ImageContent], files: Mapping[str, str]) -> bytes:
    """Return the SBOM of an image that was built.

    Args:
        top: the image of one platform, or what stands for several of them.
        images: of each platform; ``top`` alone where there is one.
        files: that were added: sha256 by path in the image.
    """
    components: dict[str, JSONValue] = {_file_ref(path): _file_json(path, files[path]) for path in files}
    depends: dict[str, list[str]] = {}
    for image in images:
        packages = {_package_purl(one, image.distribution): one for one in image.packages}
        components.update({purl: _package_json(one, purl) for purl, one in packages.items()})
        depends[_image_purl(image)] = sorted([*packages, *map(_file_ref, files)])
    others = {_image_purl(image): _image_json(image) for image in images if image != top}
    if others:
        depends[_image_purl(top)] = sorted(others)
    return _document(_image_json(top), {**components, **others}, depends)


def _document(top: JSONValue, components: Mapping[str, JSONValue], depends: Mapping[str, Sequence[str]]) -> bytes:
    tool = {"type": "application", "name": "bundler", "version": __version__}
    body: dict[str, JSONValue] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": top, "tools": {"components": [tool]}},
        "components": [components[purl] for purl in sorted(components)],
        "dependencies": [{"ref": purl, "dependsOn": list(needed)} for purl, needed in sorted(depends.items())],
    }
    # A serial number must be unique to the content and the same for the same content.
    body["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(canonical_json(body)).digest()[:16], version=4)}"
    return canonical_json(body)


def _bundle_json(bundle: Bundle) -> JSONValue:
    purl = _bundle_purl(bundle)
    return {
        "type": "application",
        "bom-ref": purl,
        "name": bundle.metadata.name,
        "version": bundle.metadata.version,
        **({"description": bundle.metadata.description} if bundle.metadata.description else {}),
        "purl": purl,
        "properties": [{"name": "bundler:digest", "value": bundle.digest}],
    }


def _image_json(image: ImageContent) -> JSONValue:
    purl = _image_purl(image)
    said = [("bundler:ref", str(image.ref)), ("bundler:platform", image.platform)]
    said += [("bundler:distribution", image.distribution)] if image.distribution else []
    said += [("bundler:packages", str(len(image.packages)))]
    said += [("bundler:unread", problem) for problem in image.problems]
    return {
        "type": "container",
        "bom-ref": purl,
        "name": image.ref.name,
        "version": image.digest,
        "hashes": [{"alg": "SHA-256", "content": image.digest.removeprefix("sha256:")}],
        **_licenses(image.labels.get(_LICENSE_LABEL, "")),
        "purl": purl,
        "properties": [{"name": name, "value": value} for name, value in said],
    }


def _file_ref(path: str) -> str:
    return f"file:/{path}"


def _file_json(path: str, sha256: str) -> JSONValue:
    return {
        "type": "file",
        "bom-ref": _file_ref(path),
        "name": f"/{path}",
        "hashes": [{"alg": "SHA-256", "content": sha256}],
    }


def _package_json(package: Package, purl: str) -> JSONValue:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        **_licenses(package.license),
        "purl": purl,
    }


def _licenses(text: str) -> dict[str, JSONValue]:
    """Return licences as they were said: a name, because no one has checked that it is an SPDX expression."""
    return {"licenses": [{"license": {"name": text}}]} if text else {}


def _bundle_purl(bundle: Bundle) -> str:
    return f"pkg:generic/{_quoted(bundle.metadata.name)}@{_quoted(bundle.metadata.version)}"


def _image_purl(image: ImageContent) -> str:
    name = image.ref.repository.rpartition("/")[2]
    said = [
        ("arch", image.platform.partition("/")[2]),
        ("repository_url", image.ref.name if image.ref.registry else ""),
        ("tag", image.ref.tag),
    ]
    qualifiers = "&".join(f"{key}={_quoted(value)}" for key, value in said if value)
    return f"pkg:oci/{name}@{_quoted(image.digest)}{f'?{qualifiers}' if qualifiers else ''}"


def _package_purl(package: Package, distribution: str) -> str:
    vendor = distribution.partition("-")[0]
    namespace = f"{_quoted(vendor)}/" if vendor else ""
    said = [("arch", package.arch), ("distro", distribution)]
    qualifiers = "&".join(f"{key}={_quoted(value)}" for key, value in said if value)
    name = f"pkg:{package.kind}/{namespace}{_quoted(package.name)}@{_quoted(package.version)}"
    return f"{name}?{qualifiers}" if qualifiers else name


def _quoted(text: str) -> str:
    return quote(text, safe="")
