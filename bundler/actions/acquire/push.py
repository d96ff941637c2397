"""Publish a bundle in a registry. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle_artifacts import (
    ANNOTATION_DESCRIPTION,
    ANNOTATION_DIGEST,
    ANNOTATION_TITLE,
    ANNOTATION_VERSION,
    config_json,
)
from bundler.actions.acquire.signature_push import attach_signature, check_signature, is_attached
from bundler.actions.acquire.trust import document_of
from bundler.errors import UsageError
from bundler.errors.delivery import VersionPublishedError
from bundler.model.digest import digest_of
from bundler.model.oci import (
    BUNDLE_ARCHIVE,
    BUNDLE_ARTIFACT,
    BUNDLE_CONFIG,
    BUNDLE_SIGNATURE,
    Descriptor,
    OciAddress,
    OciManifest,
    artifact_manifest,
    bytes_source,
    tag_version,
    version_tag,
)
from bundler.model.results import PushResult
from bundler.syntax.reader import read_document

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.oci import Repository
    from bundler.ports import Registry


def push(
    registry: Registry, bundle: Bundle, archive: bytes, address: OciAddress, *, signature: bytes | None = None
) -> PushResult:
    """Publish a bundle under its version; a version that is there with other content stays as it is.

    Args:
        registry: to write to.
        bundle: as loaded.
        archive: its .tgz.
        address: where to; a tag in it must be the bundle's version.
        signature: what ``NAME-VERSION.tgz.sig`` holds; it is attached to the bundle.

    Raises:
        UsageError: when the address names another version, or a digest.
        VersionPublishedError: when that version is published with other content.
        WrongSignatureError: when the signature is that of something else; nothing was sent.
        RegistryError: what the registry answers.
    """
    tag = version_tag(bundle.metadata.version)
    if address.digest or address.tag not in {"", tag}:
        raise UsageError(
            f"pushing {bundle.metadata.name} {bundle.metadata.version} to {address}",
            context=[f"the address names {tag_version(address.reference)}, the bundle is {bundle.metadata.version}"],
            hint="leave the version out of the address: it is taken from bundle.yaml",
        )
    if signature is not None:
        doing = f"pushing {bundle.metadata.name} {bundle.metadata.version}"
        check_signature(signature, document_of(bundle), doing, what="archive")
    place, sent = address.repository, 0
    config, manifest = _artifact(bundle, archive)
    there = _published(registry, bundle, place, tag)
    if there is not None:
        manifest = there
    else:
        for blob, content in ((config, _config(bundle)), (manifest.layers[0], archive)):
            sent += registry.put_blob(place, blob, bytes_source(content))
        registry.put_manifest(place, manifest, tag=tag)
    at = OciAddress(repository=place, tag=tag, digest=manifest.digest)
    if signature is not None and (there is None or not is_attached(registry, at, there, signature, BUNDLE_SIGNATURE)):
        sent += attach_signature(registry, at, manifest, signature, BUNDLE_SIGNATURE)
    return PushResult(address=at, is_new=there is None, sent_bytes=sent, signatures=int(signature is not None))


def _published(registry: Registry, bundle: Bundle, place: Repository, tag: str) -> OciManifest | None:
    """Return what is published under that version, which is the same bundle; None where nothing is."""
    there = registry.manifest(place, tag)
    if there is None:
        return None
    digest = next((layer.annotations.get(ANNOTATION_DIGEST, "") for layer in there.layers), "")
    if digest == bundle.digest:
        return there
    found = f"published: {digest or there.digest}"
    raise VersionPublishedError(
        f"pushing {bundle.metadata.name} {bundle.metadata.version} to {place}",
        context=[f"{place}:{tag} is published with other content", found, f"yours:     {bundle.digest}"],
        hint="raise metadata.version in bundle.yaml: a published version never changes",
    )


def _config(bundle: Bundle) -> bytes:
    return config_json(read_document(bundle.files["bundle.yaml"].content.decode("utf-8-sig")).value)


def _artifact(bundle: Bundle, archive: bytes) -> tuple[Descriptor, OciManifest]:
    metadata = bundle.metadata
    content = _config(bundle)
    config = Descriptor(digest=digest_of(content), size=len(content), media_type=BUNDLE_CONFIG)
    title = f"{metadata.name}-{metadata.version}"
    said = {
        ANNOTATION_TITLE: title,
        ANNOTATION_VERSION: metadata.version,
        ANNOTATION_DIGEST: bundle.digest,
        ANNOTATION_DESCRIPTION: metadata.description,
    }
    annotations = {key: text for key, text in said.items() if text}
    layer = Descriptor(
        digest=digest_of(archive),
        size=len(archive),
        media_type=BUNDLE_ARCHIVE,
        annotations={**annotations, ANNOTATION_TITLE: f"{title}.tgz"},
    )
    return config, artifact_manifest(BUNDLE_ARTIFACT, layer, config=config, annotations=annotations)
