"""The signature of what is published: checked before anything is sent, attached once. Layer: actions."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle_artifacts import fetch_envelopes
from bundler.delivery.envelopes import decode_envelopes
from bundler.errors.delivery import DeliveryDamagedError, RegistryError, WrongSignatureError
from bundler.model.digest import digest_of
from bundler.model.json import mapping_at
from bundler.model.oci import EMPTY_BLOB, EMPTY_CONTENT, Descriptor, artifact_manifest, bytes_source

if TYPE_CHECKING:
    from bundler.model.oci import OciAddress, OciManifest, Repository
    from bundler.ports import Registry

_HINT = "sign it again with `bundler sign`, or remove the .sig file to publish it unsigned"


def check_signature(signature: bytes, signed: bytes, doing: str, *, what: str) -> None:
    """Check a signature against what it is published with: changed after it was signed, it would be sent in vain.

    Args:
        signature: what is in the ``.sig`` file.
        signed: the bytes that it has to be of.
        doing: what is being done, for messages.
        what: it is beside: ``catalogue``.

    Raises:
        WrongSignatureError: when it is the signature of something else.
    """
    try:
        envelopes = decode_envelopes(signature.rstrip(b"\n"))
    except ValueError as error:
        found = f"the signature beside the {what} cannot be read: {error}"
        raise WrongSignatureError(doing, context=[found], hint=_HINT) from error
    digest = sha256(signed).hexdigest()
    if any(one.payload_sha256 != digest for one in envelopes):
        found = f"the signature beside the {what} is of another {what}, or of another version of it"
        raise WrongSignatureError(doing, context=[found], hint=_HINT)


def is_attached(
    registry: Registry, address: OciAddress, subject: OciManifest, signature: bytes, artifact_type: str
) -> bool:
    """Return whether a manifest has this signature; pushing it again would change a fixed list.

    Args:
        registry: to ask.
        address: of what is signed.
        subject: its manifest.
        signature: as it is in a ``.sig`` file.
        artifact_type: of the signature.
    """
    try:
        known = fetch_envelopes(registry, address, subject, artifact_type)
    except (RegistryError, DeliveryDamagedError):
        return False
    return set(decode_envelopes(signature.rstrip(b"\n"))) <= set(known)


def attach_signature(
    registry: Registry, address: OciAddress, subject: OciManifest, signature: bytes, artifact_type: str
) -> int:
    """Store a signature that refers to a manifest; returns how many bytes were sent.

    Args:
        registry: to write to.
        address: of what is signed.
        subject: its manifest.
        signature: as it is in a ``.sig`` file.
        artifact_type: of the signature.

    Raises:
        RegistryError: what the registry answers.
    """
    layer = Descriptor(digest=digest_of(signature), size=len(signature), media_type=artifact_type)
    annotations = mapping_at(subject.body, "annotations")
    manifest = artifact_manifest(artifact_type, layer, subject=subject, annotations=annotations)
    return put_artifact(registry, address.repository, manifest, layer, signature)


def put_artifact(
    registry: Registry, place: Repository, manifest: OciManifest, layer: Descriptor, content: bytes
) -> int:
    """Store an artifact of one layer, its manifest last; returns how many bytes were sent.

    Args:
        registry: to write to.
        place: where it goes.
        manifest: of the artifact.
        layer: of the manifest.
        content: of the layer.

    Raises:
        RegistryError: what the registry answers.
    """
    sent = registry.put_blob(place, EMPTY_BLOB, bytes_source(EMPTY_CONTENT))
    sent += registry.put_blob(place, layer, bytes_source(content))
    registry.put_manifest(place, manifest)
    return sent
