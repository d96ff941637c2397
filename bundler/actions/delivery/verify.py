"""Check a delivery or an archive: whole, signed by whom it should, complete. Layer: actions; local files only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import bundler.actions.delivery
from bundler.actions.acquire.open_delivery import Trusted, load_delivered
from bundler.actions.acquire.trust import check_bundle, load_archive, read_signatures
from bundler.actions.delivery.delta_base import base_not_at_hand, file_of
from bundler.delivery.check import check_blobs, check_whole
from bundler.errors.bundle import RenderError, ValuesError
from bundler.errors.delivery import BaseMissingError, DeliveryIncompleteError
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.model.events import BytesMoved, Warned
from bundler.model.results import Verified

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.compose.render_request import RenderRequest
    from bundler.delivery.reader import Delivery
    from bundler.model.bundle import Bundle
    from bundler.model.trust import TrustPolicy
    from bundler.ports import Reporter, Verifier


def verify_delivery(
    trusted: Trusted,
    *,
    bases: Sequence[Delivery] = (),
    report: Reporter,
    make_order: Callable[[Trusted, Bundle], RenderRequest] | None = None,
    limits: LoadLimits = DEFAULT_LOAD_LIMITS,
) -> Verified:
    """Check a delivery whose signature was judged to its last byte: everything that its index says, then its images.

    Args:
        trusted: the delivery, opened by ``open_trusted``; it is closed here.
        bases: where blobs of a delta's base lie.
        report: hears how far it is.
        make_order: returns with which values the bundle is rendered, to compare its images with the index; None: not.
        limits: how large its bundle may be.

    Raises:
        DeliveryError: when it is damaged, not whole, its base is missing, or it lacks an image.
        BundleError: when its bundle cannot be used.
        ValuesError, RenderError: when it cannot be rendered with the values that were given.
    """
    with trusted.delivery as delivery:
        check_whole(delivery, _Counter(report, sum(blob.size for blob in trusted.index.stored)))
        bundle = load_delivered(trusted, limits=limits)
        _check_bases(delivery, bases)
        images = _check_images(make_order(trusted, bundle), delivery.name, report) if make_order else None
        return Verified(
            name=bundle.metadata.name,
            version=bundle.metadata.version,
            digest=delivery.build_id,
            blobs=len(trusted.index.stored),
            size=delivery.pieces.size,
            evidence=trusted.evidence,
            images=images,
        )


def _check_images(order: RenderRequest, name: str, report: Reporter) -> int | None:
    """Render the bundle and look up each image in the index; neither layers nor any network are asked."""
    metadata = order.bundle.metadata
    try:
        inventory = bundler.actions.delivery.image_inventory.take_order(order)
    except (ValuesError, RenderError) as error:
        if order.user.layers or order.user.assignments:
            raise
        first = next(iter(error.context), "").strip()
        report(Warned(f"images were not checked: {error}: {first}; give the values with -f, --set or --site"))
        return None
    if lines := bundler.actions.delivery.image_inventory.lacking_lines(inventory, order):
        raise DeliveryIncompleteError(
            f"comparing the images of {metadata.name} {metadata.version} with {name}",
            context=lines,
            hint="give the values that it was exported with (-f, --set, --site), or export it again with these",
        )
    return len(inventory.images)


def verify_archive(
    path: Path, verify: Verifier, policy: TrustPolicy, *, limits: LoadLimits = DEFAULT_LOAD_LIMITS
) -> Verified:
    """Check a bundle's archive against the signature beside it (``NAME-VERSION.tgz.sig``).

    Args:
        path: of the .tgz.
        verify: checks a signature.
        policy: of the site: trusted keys and minimum versions.
        limits: the largest sizes and counts to accept.

    Raises:
        BundleError: when the archive cannot be used.
        SignatureError: when it is not signed as the policy asks.
    """
    bundle, size = load_archive(path, limits=limits)
    evidence = check_bundle(bundle, read_signatures(path), verify, policy)
    return Verified(
        name=bundle.metadata.name,
        version=bundle.metadata.version,
        digest=bundle.digest,
        blobs=0,
        size=size,
        evidence=evidence,
    )


def _check_bases(delivery: Delivery, bases: Sequence[Delivery]) -> None:
    """Check that the blobs a delta leaves out are in the files that are named, and whole there."""
    left = [blob.digest for blob in delivery.index.blobs if blob.in_base]
    missing = [digest for digest in left if not any(base.has(digest) for base in bases)]
    said = base_not_at_hand(delivery.index, bases)
    if missing and said is not None:
        found = [
            f"it builds on {said.name} {said.version} ({said.index})",
            *(f"{digest} is missing" for digest in missing),
        ]
        too = " too" if bases else ""
        hint = f"name its base{too}: --base {file_of(said)}"
        raise BaseMissingError(f"looking for the base of {delivery.name}", context=found, hint=hint)
    for base in bases:
        check_blobs(base, [digest for digest in left if base.has(digest)])


class _Counter:
    """Adds up what several threads move."""

    def __init__(self, report: Reporter, total: int) -> None:
        self._report, self._total = report, total
        self._done, self._lock = 0, threading.Lock()

    def __call__(self, count: int) -> None:
        """Take a number of bytes."""
        with self._lock:
            self._done += count
            done = self._done
        self._report(BytesMoved("verifying", done, self._total))
