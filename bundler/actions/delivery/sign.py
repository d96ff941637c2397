"""Sign a delivery in its place, or an archive beside it. Layer: actions; local files only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler.actions.acquire.catalogues import read_catalogue
from bundler.actions.acquire.trust import document_of, load_archive, read_signatures, signature_path
from bundler.delivery.check import check_whole
from bundler.delivery.envelopes import encode_envelopes
from bundler.delivery.reader import Delivery
from bundler.delivery.signature_region import replace_signatures
from bundler.errors.delivery import DeliveryError
from bundler.errors.disk import hint_to_write
from bundler.files.plan_bytes import content_of
from bundler.files.whole_file import write_whole
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.model.digest import Digest, digest_of
from bundler.model.trust import BUNDLE_PAYLOAD, CATALOGUE_PAYLOAD, INDEX_PAYLOAD, PLAN_PAYLOAD, Envelope
from bundler.wire.plan_file import decode_plan

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.ports import Signer


def sign_delivery(paths: Sequence[Path], signer: Signer) -> Digest:
    """Sign a delivery in its place, after checking that it is whole; returns its build id.

    Signatures of others stay; one by the same key is replaced.

    Raises:
        DeliveryError: when it is damaged, or cannot be written to.
    """
    with Delivery.open(*paths) as delivery:
        check_whole(delivery)
        envelope = signer.sign(INDEX_PAYLOAD, delivery.raw_index)
        envelopes = [*_of_others(delivery.envelopes, signer), envelope]
        build_id = delivery.build_id
    replace_signatures(paths, envelopes)
    return build_id


def sign_archive(path: Path, signer: Signer, *, limits: LoadLimits = DEFAULT_LOAD_LIMITS) -> Digest:
    """Sign a bundle's archive in a file beside it, within ``limits``; returns the bundle's digest.

    Args:
        path: of the .tgz.
        signer: holds the private key.
        limits: largest archive to accept.

    Raises:
        BundleError: when it is not a bundle's archive, or the signature cannot be written.
    """
    bundle, _ = load_archive(path, limits=limits)
    _write_beside(path, signer, signer.sign(BUNDLE_PAYLOAD, document_of(bundle)))
    return bundle.digest


def sign_catalogue(path: Path, signer: Signer) -> Digest:
    """Sign the document of a catalogue in a file beside it; returns the document's digest.

    Raises:
        CatalogueInvalidError: when it is not a catalogue.
        DeliveryError: when the signature cannot be written.
    """
    content = read_catalogue(path)
    _write_beside(path, signer, signer.sign(CATALOGUE_PAYLOAD, content))
    return digest_of(content)


def sign_plan(path: Path, signer: Signer) -> Digest:
    """Sign a saved plan in a file beside it, after checking that it is one; returns the digest of its file.

    Raises:
        PlanFileError: when it is none.
        DeliveryError: when the signature cannot be written.
    """
    content = content_of(path)
    decode_plan(content, name=str(path))
    _write_beside(path, signer, signer.sign(PLAN_PAYLOAD, content))
    return digest_of(content)


def _write_beside(path: Path, signer: Signer, envelope: Envelope) -> None:
    """Write a signature beside what it is of; those that others made of the same content stay."""
    target = signature_path(path)
    # What others signed before the file was made again would only make it look tampered with.
    still_good = [one for one in read_signatures(path) if one.payload_sha256 == envelope.payload_sha256]
    content = encode_envelopes([*_of_others(still_good, signer), envelope]) + b"\n"
    try:
        write_whole(target, content)
    except OSError as error:
        found = f"{target}: {error.strerror or error}"
        raise DeliveryError(
            f"writing {target}", context=[found], hint=hint_to_write(error, "sign a copy that you can write to")
        ) from error


def _of_others(envelopes: Sequence[Envelope], signer: Signer) -> list[Envelope]:
    own = signer.key.key_id
    return [one for one in envelopes if all(signature.key_id != own for signature in one.signatures)]
