"""Addresses and manifests of registries."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, strategies as st

from bundler.model.digest import digest_of
from bundler.model.oci import (
    DOCKER_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    OciAddress,
    OciManifest,
    Repository,
    digest_tag,
    platform_of,
    tag_version,
    version_tag,
)

ZERO = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oci://registry.site/shop", OciAddress(repository=Repository("registry.site", "shop"))),
        ("oci://registry.site:5000/a/b:1.0", OciAddress(repository=Repository("registry.site:5000", "a/b"), tag="1.0")),
        ("oci://localhost/a:1_b@" + ZERO, OciAddress(repository=Repository("localhost", "a"), tag="1_b", digest=ZERO)),
        ("oci://[::1]:5000/a", OciAddress(repository=Repository("[::1]:5000", "a"))),
    ],
)
def test_an_address_is_read_and_written_the_same(text: str, expected: OciAddress) -> None:
    assert OciAddress.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "oci://",
        "oci://a",
        "oci://a/",
        "oci://a/B",
        "oci://a/b:",
        "oci://a/b:x y",
        "oci://a/b@",
        "https://a/b",
        "oci:///b",
        "oci://user:pass@a/b",
        "oci://a/b?c",
        "oci://a/../b",
        "oci://a b/c",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        OciAddress.parse(text)


@given(st.from_regex(r"[0-9]\.[0-9]\.[0-9](-[a-z0-9.-]{1,8})?(\+[a-z0-9.-]{1,8})?", fullmatch=True))
def test_a_version_comes_back_from_its_tag(version: str) -> None:
    assert tag_version(version_tag(version)) == version
    assert "+" not in version_tag(version)


def test_a_manifest_tells_its_blobs_each_once() -> None:
    layer = {"mediaType": "l", "digest": digest_of(b"l"), "size": 1}
    config = {"mediaType": "c", "digest": digest_of(b"c"), "size": 1}
    body = {"schemaVersion": 2, "config": config, "layers": [layer, layer]}
    manifest = OciManifest.of(json.dumps(body).encode(), OCI_MANIFEST)
    assert [blob.media_type for blob in manifest.blobs] == ["c", "l"]
    assert manifest.children == []
    assert not manifest.is_index


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_tells_its_manifests_with_their_platforms(media_type: str) -> None:
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    entries = [{"mediaType": OCI_MANIFEST, "digest": ZERO, "size": 3, "platform": platform}]
    index = OciManifest.of(json.dumps({"manifests": entries}).encode(), media_type)
    assert [child.platform for child in index.children] == ["linux/arm64/v8"]
    assert index.blobs == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000])
def test_what_is_no_manifest_holds_nothing(content: bytes) -> None:
    manifest = OciManifest.of(content, OCI_MANIFEST)
    assert (manifest.body, manifest.blobs, manifest.config) == ({}, [], None)


def test_unknown_platforms_are_none() -> None:
    assert platform_of({"os": "unknown", "architecture": "unknown"}) == ""
    assert platform_of({"os": "linux"}) == ""


def test_a_descriptor_is_read_as_far_as_it_goes() -> None:
    assert Descriptor.from_json({"digest": 7}) == Descriptor(digest="", size=-1, media_type="")
    whole = Descriptor(digest=ZERO, size=5, media_type="x", annotations={"a": "b"})
    assert Descriptor.from_json(whole.to_json()) == whole


def test_the_tag_of_what_has_none_is_a_tag_and_nobody_elses_convention() -> None:
    tag = digest_tag(digest_of(b"image"))
    assert re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", tag)
    assert not tag.startswith("sha256-")
    assert digest_tag(digest_of(b"other")) != tag
