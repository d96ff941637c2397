from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.model.digest import digest_of
from bundler.model.image import ImageRef
from bundler.sbom.cyclonedx import make_sbom
from bundler.sbom.image import ImageContent
from bundler.sbom.packages import Package
from tests.lib.bundles import load_from, make_bundle

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = ImageContent(
    ref=ImageRef.parse("nginx:1.27"),
    digest=digest_of(b"nginx"),
    platform="linux/amd64",
    labels={"org.opencontainers.image.licenses": "BSD-2-Clause"},
    packages=(Package("deb", "libc6", "2.36-9+deb12u8", "amd64"), Package("apk", "musl", "1.2", "x86_64", "MIT")),
    distribution="debian-12",
    problems=("a layer is not read: because",),
)


def test_images_packages_and_licences_are_listed(tmp_path: Path) -> None:
    body = json.loads(make_sbom(load_from(make_bundle(tmp_path)), [IMAGE]))
    by_purl = {one["purl"]: one for one in body["components"]}
    deb = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u8?arch=amd64&distro=debian-12"
    image = next(one for one in body["components"] if one["type"] == "container")
    assert (body["bomFormat"], body["specVersion"]) == ("CycloneDX", "1.6")
    assert by_purl[deb]["version"] == "2.36-9+deb12u8"
    assert "licenses" not in by_purl[deb]
    assert image["licenses"] == [{"license": {"name": "BSD-2-Clause"}}]
    assert {"name": "bundler:unread", "value": "a layer is not read: because"} in image["properties"]
    assert deb in next(one["dependsOn"] for one in body["dependencies"] if one["ref"] == image["purl"])


def test_the_same_content_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    other = ImageContent(ref=ImageRef.parse("redis:7"), digest=digest_of(b"redis"), platform="linux/arm64")
    bundle = load_from(make_bundle(tmp_path))
    assert make_sbom(bundle, [IMAGE, other]) == make_sbom(bundle, [other, IMAGE])
    assert make_sbom(bundle, [IMAGE]) != make_sbom(bundle, [other])


def test_every_reference_is_declared_once(tmp_path: Path) -> None:
    body = json.loads(make_sbom(load_from(make_bundle(tmp_path)), [IMAGE]))
    refs = [one["bom-ref"] for one in body["components"]] + [body["metadata"]["component"]["bom-ref"]]
    assert len(refs) == len(set(refs))
    assert {needed for one in body["dependencies"] for needed in one["dependsOn"]} <= set(refs)
