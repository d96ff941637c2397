"""Signatures of bundles outside of deliveries: read, checked against a policy. Layer: actions; local files only."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from bundler.actions.acquire.version_policy import refuse_older
from bundler.archive.reader import check_packed
from bundler.delivery.envelopes import REGION_BYTES, decode_envelopes
from bundler.errors.delivery import DeliveryDamagedError, DeliveryError
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.loader.load import load_packed
from bundler.model.trust import BUNDLE_PAYLOAD, Envelope, Evidence, TrustPolicy, bundle_document

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.bundle import Bundle
    from bundler.ports import Verifier

SIGNATURE_SUFFIX = ".sig"


def signed_by(evidence: Evidence) -> str:
    """Return ``signed by "acme release 2026" (key id …)``, or that no one looked."""
    signers = ", ".join(key.shown for key in evidence.signers)
    return f"signed by {signers}" if signers else "signature not asked for"


def check_bundle(bundle: Bundle, envelopes: Sequence[Envelope], verify: Verifier, policy: TrustPolicy) -> Evidence:
    """Check the signatures of a bundle outside of a delivery, and its version; return who signed.

    Args:
        bundle: loaded, with its components.
        envelopes: signatures that came with it.
        verify: checks a signature.
        policy: of the site: trusted keys and minimum versions.

    Raises:
        SignatureError: when it is not signed as the policy asks.
    """
    evidence = verify(BUNDLE_PAYLOAD, document_of(bundle), envelopes)
    refuse_older(bundle.metadata.name, bundle.metadata.version, policy)
    return evidence


def load_archive(path: Path, *, limits: LoadLimits = DEFAULT_LOAD_LIMITS) -> tuple[Bundle, int]:
    """Load the bundle of an archive, within ``limits``, and its size in bytes.

    Raises:
        BundleError: when it cannot be read or used.
    """
    try:
        with path.open("rb") as file:
            check_packed(path.stat().st_size, f"reading {path}", limits.archive)
            content = file.read(limits.max_total_bytes)
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise DeliveryError(f"reading {path}", context=[found], hint="check the path and its permissions") from error
    return load_packed(content, origin=str(path), limits=limits), len(content)


def document_of(bundle: Bundle) -> bytes:
    """Return what is signed for a bundle outside of a delivery."""
    return bundle_document(bundle.metadata.name, bundle.metadata.version, bundle.digest)


def signature_path(archive: Path) -> Path:
    """Return the path of an archive's signature, beside it."""
    return archive.with_name(archive.name + SIGNATURE_SUFFIX)


def is_signed(bundle: Bundle, archive: Path) -> bool:
    """Return whether all that is signed beside an archive is this bundle; whose signatures those are is not asked."""
    try:
        envelopes = read_signatures(archive)
    except DeliveryDamagedError:
        return False
    signed = sha256(document_of(bundle)).hexdigest()
    return all(one.payload_sha256 == signed for one in envelopes)


def read_signatures(archive: Path) -> tuple[Envelope, ...]:
    """Return the signatures beside an archive; none where there is no such file.

    Raises:
        DeliveryDamagedError: when the file is damaged.
    """
    path = signature_path(archive)
    if not path.exists():
        return ()
    try:
        with path.open("rb") as file:
            return decode_envelopes(file.read(REGION_BYTES + 1).rstrip(b"\n"))
    except (OSError, ValueError) as error:
        hint = "copy it again from where it was made"
        raise DeliveryDamagedError(f"reading {path}", context=[f"{path}: {error}"], hint=hint) from error
