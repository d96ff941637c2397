"""Publish a bundle in a registry. Layer: actions."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle_artifacts import (
    ANNOTATION_DESCRIPTION,
    ANNOTATION_DIGEST,
    ANNOTATION_TITLE,
    ANNOTATION_VERSION,
    config_json,
    fetch_signatures,
    read_artifact,
)
from bundler.actions.acquire.trust import document_of
from bundler.delivery.envelopes import decode_envelopes
from bundler.errors import UsageError
from bundler.errors.delivery import DeliveryDamagedError, RegistryError, VersionPublishedError, WrongSignatureError
from bundler.model.digest import digest_of
from bundler.model.json import canonical_json, mapping_at
from bundler.model.oci import (
    BUNDLE_ARCHIVE,
    BUNDLE_ARTIFACT,
    BUNDLE_CONFIG,
    BUNDLE_SIGNATURE,
    EMPTY_BLOB,
    EMPTY_CONTENT,
    OCI_MANIFEST,
    Descriptor,
    OciAddress,
    OciManifest,
    attached_manifest,
    bytes_source,
    tag_version,
    version_tag,
)
from bundler.model.results import PushResult
from bundler.syntax.reader import read_document

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.json import JSONValue
    from bundler.model.oci import Repository
    from bundler.ports import Registry

_HINT_SIGN = "sign it again with `bundler sign`, or remove the .sig file to publish it unsigned"


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
        _check_signature(bundle, signature)
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
    if signature is not None and not (there is not None and _is_attached(registry, at, there, signature)):
        sent += attach_signature(registry, place, manifest, signature, BUNDLE_SIGNATURE)
    return PushResult(address=at, is_new=there is None, sent_bytes=sent, signatures=int(signature is not None))


def _check_signature(bundle: Bundle, signature: bytes) -> None:
    """Check a signature against the bundle: packed again after it was signed, it would be published in vain."""
    doing = f"pushing {bundle.metadata.name} {bundle.metadata.version}"
    try:
        envelopes = decode_envelopes(signature.rstrip(b"\n"))
    except ValueError as error:
        found = f"the signature beside the archive cannot be read: {error}"
        raise WrongSignatureError(doing, context=[found], hint=_HINT_SIGN) from error
    signed = sha256(document_of(bundle)).hexdigest()
    if any(one.payload_sha256 != signed for one in envelopes):
        found = "the signature beside the archive is that of another bundle, or of another version of its files"
        raise WrongSignatureError(doing, context=[found], hint=_HINT_SIGN)


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
    body: dict[str, JSONValue] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": BUNDLE_ARTIFACT,
        "config": config.to_json(),
        "layers": [layer.to_json()],
        "annotations": dict(annotations),
    }
    return config, OciManifest.of(canonical_json(body), OCI_MANIFEST)


def _is_attached(registry: Registry, at: OciAddress, there: OciManifest, signature: bytes) -> bool:
    """Return whether a published bundle has this signature; pushing it again would change a fixed list."""
    try:
        known = fetch_signatures(registry, read_artifact(at, there))
    except (RegistryError, DeliveryDamagedError):
        return False
    return set(decode_envelopes(signature.rstrip(b"\n"))) <= set(known)


def attach_signature(
    registry: Registry, place: Repository, subject: OciManifest, signature: bytes, artifact_type: str
) -> int:
    """Store a signature that refers to a manifest; returns how many bytes were sent.

    Args:
        registry: to write to.
        place: the repository of what is signed.
        subject: its manifest.
        signature: as it is in a ``.sig`` file.
        artifact_type: of the signature.

    Raises:
        RegistryError: what the registry answers.
    """
    layer = Descriptor(digest=digest_of(signature), size=len(signature), media_type=artifact_type)
    attached = attached_manifest(subject, layer, artifact_type, mapping_at(subject.body, "annotations"))
    sent = registry.put_blob(place, EMPTY_BLOB, bytes_source(EMPTY_CONTENT))
    sent += registry.put_blob(place, layer, bytes_source(signature))
    registry.put_manifest(place, attached)
    return sent
