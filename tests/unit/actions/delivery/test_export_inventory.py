"""Indexes as they are published: with attestations that are gone, with other indexes, with several Windows versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bundler.actions.delivery.export_inventory import Gathered, gather_images
from bundler.actions.delivery.image_presence import holds_whole
from bundler.delivery.check import references
from bundler.errors.delivery import ExportError, RegistryForbiddenError
from bundler.model.image import FoundImage, ImageRef
from bundler.model.oci import OCI_INDEX, OCI_MANIFEST, OciManifest, Repository, normal_platform
from tests.lib.delivered import MemoryRegistry
from tests.lib.images import TestImage, make_image, push_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.model.digest import Digest
    from bundler.model.oci import Descriptor

PLACE = Repository("registry.site", "shop/web")
GONE = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "0" * 64, "size": 7}
UNKNOWN = {**GONE, "platform": {"os": "unknown", "architecture": "unknown"}}


def entry(image: TestImage, number: int, **platform: str) -> dict[str, object]:
    return {**image.manifests[number].descriptor.to_json(), "platform": platform}


def index_of(*entries: dict[str, object]) -> OciManifest:
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}
    return OciManifest.of(json.dumps(body).encode(), OCI_INDEX)


def held(registry: MemoryRegistry, image: TestImage, *indexes: OciManifest) -> None:
    """Put an image into a registry, and indexes over it, the last one under its tag."""
    push_image(registry, PLACE, image, tag="parts")
    for index in indexes:
        registry.manifests[str(PLACE), index.digest] = index
    registry.manifests[str(PLACE), "1.0"] = indexes[-1]


def gathered(registry: MemoryRegistry, *platforms: str) -> Gathered:
    found = FoundImage(ref=ImageRef.parse("registry.site/shop/web:1.0"), uses=())
    return gather_images([found], registry, platforms=platforms)[0]


@pytest.mark.parametrize("extra", [UNKNOWN, {**UNKNOWN, "annotations": {"vnd.docker.reference.digest": "sha256:1"}}])
@pytest.mark.parametrize("platforms", [(), ("linux/amd64",), ("linux/amd64", "linux/arm64")])
def test_what_an_index_lists_for_no_platform_may_be_gone(extra: dict[str, object], platforms: tuple[str, ...]) -> None:
    registry, image = MemoryRegistry(), make_image("web")
    amd, arm = entry(image, 0, os="linux", architecture="amd64"), entry(image, 1, os="linux", architecture="arm64")
    index = index_of(amd, arm, extra)
    held(registry, image, index)
    found = gathered(registry, *platforms)
    is_whole = len(platforms) != 1
    assert (found.image.root == index.digest) == is_whole
    assert any("passed over" in notice for notice in found.notices) == is_whole
    assert [digest for digest, _ in references(index.content)] == [one.digest for one in image.manifests]
    assert holds_whole(registry, PLACE, index.digest)


def test_a_platform_that_is_gone_is_an_error() -> None:
    registry, image = MemoryRegistry(), make_image("web")
    amd = entry(image, 0, os="linux", architecture="amd64")
    index = index_of(amd, {**GONE, "platform": {"os": "linux", "architecture": "arm64"}})
    held(registry, image, index)
    with pytest.raises(ExportError):
        gathered(registry)
    assert not holds_whole(registry, PLACE, index.digest)


def test_indexes_in_an_index_are_followed() -> None:
    registry, image = MemoryRegistry(), make_image("web")
    inner = index_of(entry(image, 1, os="linux", architecture="arm64"))
    outer = index_of(entry(image, 0, os="linux", architecture="amd64"), dict(inner.descriptor.to_json()))
    held(registry, image, inner, outer)
    assert gathered(registry, "linux/arm64").image.root == image.manifests[1].digest
    whole = gathered(registry)
    assert whole.image.locked.platforms == ("linux/amd64", "linux/arm64")
    assert {one.digest for one in whole.manifests} == {outer.digest, inner.digest, *(m.digest for m in image.manifests)}
    assert holds_whole(registry, PLACE, outer.digest)
    del registry.manifests[str(PLACE), image.manifests[1].digest]
    assert not holds_whole(registry, PLACE, outer.digest)


def test_indexes_that_are_nested_without_end_are_refused_with_a_hint() -> None:
    registry, image = MemoryRegistry(), make_image("web")
    indexes = [index_of(entry(image, 0, os="linux", architecture="amd64"))]
    for _ in range(6):
        indexes.append(index_of(dict(indexes[-1].descriptor.to_json())))
    held(registry, image, *indexes)
    with pytest.raises(ExportError, match="looking at") as caught:
        gathered(registry)
    assert "deep" in caught.value.context[0]


def test_several_versions_of_windows_are_named() -> None:
    registry, image = MemoryRegistry(), make_image("web")
    versions = {"os.version": "10.0.17763.6414"}, {"os.version": "10.0.20348.2700"}
    entries = [entry(image, number, os="windows", architecture="amd64", **more) for number, more in enumerate(versions)]
    held(registry, image, index_of(*entries))
    found = gathered(registry, "windows/amd64")
    assert "of versions 10.0.17763.6414, 10.0.20348.2700; 10.0.17763.6414 is carried" in found.notices[0]


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("linux/aarch64", "linux/arm64"),
        ("linux/aarch64/v8", "linux/arm64/v8"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/i386", "linux/386"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("windows/amd64", "windows/amd64"),
    ],
)
def test_second_names_of_platforms_mean_the_usual_ones(name: str, usual: str) -> None:
    assert normal_platform(name) == usual


def test_an_image_for_aarch64_is_one_for_arm64() -> None:
    registry, image = MemoryRegistry(), make_image("web")
    held(registry, image, index_of(entry(image, 1, os="linux", architecture="aarch64")))
    assert gathered(registry, "linux/arm64").image.locked.platforms == ("linux/arm64",)


class Reserved(MemoryRegistry):
    """Lets no one ask what refers to what."""

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        del repository, artifact_type
        raise RegistryForbiddenError(f"reading what refers to {digest}", context=["it answers 403"], hint="ask")


def test_referrers_are_an_extra() -> None:
    registry, image = Reserved(), make_image("web")
    push_image(registry, PLACE, image, tag="1.0")
    assert "is carried without what may be attached to it: it answers 403" in gathered(registry).notices[0]
