"""Open a delivery as far as it is trusted: signature, policy, index, bundle; in this order. Layer: actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler.actions.acquire.version_policy import refuse_older
from bundler.archive.reader import check_packed
from bundler.delivery.check import check_size
from bundler.delivery.reader import Delivery
from bundler.errors.delivery import DeliveryDamagedError
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.loader.load import load_packed
from bundler.model.lean import dataclass
from bundler.model.trust import INDEX_PAYLOAD, Evidence, TrustPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.bundle import Bundle
    from bundler.model.delivery import DeliveryIndex
    from bundler.model.image import LockedImage
    from bundler.ports import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """An open delivery whose signature and index were checked; blobs are checked as they are read."""

    delivery: Delivery
    evidence: Evidence
    index: DeliveryIndex

    @property
    def carried(self) -> tuple[LockedImage, ...]:
        """The images that it brings, or that its base brought."""
        return tuple(image.locked for image in self.index.images)


def open_trusted(paths: Sequence[Path], verify: Verifier, policy: TrustPolicy) -> Trusted:
    """Open a delivery: its signature is judged before anything of its index is parsed.

    Args:
        paths: the file, or its parts.
        verify: judges signatures.
        policy: what the site asks of versions.

    Raises:
        DeliveryError: when it cannot be read, is damaged or not whole.
        SignatureError: when it is not signed as the policy asks.
        DeliveryPolicyError: when the site asks for a newer version.
    """
    delivery = Delivery.open(*paths)
    try:
        evidence = verify(INDEX_PAYLOAD, delivery.raw_index, delivery.envelopes)
        index = delivery.index
        refuse_older(index.bundle.name, index.bundle.version, policy)
    except BaseException:
        delivery.close()
        raise
    return Trusted(delivery=delivery, evidence=evidence, index=index)


def load_delivered(trusted: Trusted, *, limits: LoadLimits = DEFAULT_LOAD_LIMITS) -> Bundle:
    """Load the bundle of a delivery from its archive; ``limits`` say how large it may be.

    Raises:
        DeliveryDamagedError: when the archive is not what the index says.
        BundleError: when the bundle cannot be used.
    """
    delivery, carried = trusted.delivery, trusted.index.bundle
    check_size(delivery)
    blob = trusted.index.blob(carried.archive)
    check_packed(blob.size if blob else 0, f"reading the bundle of {delivery.name}", limits.archive)
    content = delivery.read(carried.archive, max_bytes=limits.max_total_bytes)
    bundle = load_packed(content, origin=delivery.name, limits=limits)
    said = (carried.name, carried.version, carried.digest)
    if (bundle.metadata.name, bundle.metadata.version, bundle.digest) != said:
        found = f"{delivery.name} holds another bundle than its index says: {bundle.metadata.name} {bundle.digest}"
        raise DeliveryDamagedError(
            f"loading the bundle of {delivery.name}", context=[found], hint="make the delivery again"
        )
    return bundle
