"""Fetch a bundle from a registry into a file. Layer: actions; writes that file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle_artifacts import fetch_signatures
from bundler.actions.acquire.fetch import parse_address
from bundler.actions.acquire.trust import signature_path
from bundler.archive.writer import archive_name
from bundler.delivery.envelopes import encode_envelopes
from bundler.errors.bundle import ArchiveError
from bundler.isolation.whole_file import write_whole
from bundler.loader.load import load_bundle
from bundler.loader.locate import BundleLocation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bundler.actions.acquire.fetch import BundleFetcher
    from bundler.model.bundle import Bundle
    from bundler.model.oci import OciAddress
    from bundler.model.trust import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """What was fetched."""

    path: Path
    address: OciAddress
    """With the digest of its manifest."""
    digest: str
    """The bundle's own."""
    signatures: int


def pull(
    fetcher: BundleFetcher,
    address: str,
    out: Path,
    *,
    accepts: str = "",
    judge: Callable[[Bundle, Sequence[Envelope]], object],
) -> PullResult:
    """Write a bundle's archive, and the signatures that were pushed with it, to ``out``.

    Args:
        fetcher: brings it.
        address: ``oci://``, as typed.
        out: a file, or a folder that gets ``NAME-VERSION.tgz``.
        accepts: a range, where the address names no version.
        judge: refuses what is not signed as it should be, before anything is written.

    Raises:
        BundleError: when the address cannot be read, or what is there is broken.
        RegistryError: when it cannot be had.
        ArchiveError: when it cannot be written.
        SignatureError: what ``judge`` raises.
    """
    published, kept = fetcher.bundle(parse_address(address, doing=f"pulling {address}"), accepts=accepts)
    bundle = load_bundle(
        BundleLocation(path=kept, origin=address, found=address, is_archive=True), limits=fetcher.limits
    )
    path = out / archive_name(bundle) if out.is_dir() else out
    signatures = fetch_signatures(fetcher.registry(), published)
    judge(bundle, signatures)
    try:
        write_whole(path, kept.read_bytes())
        if signatures:
            write_whole(signature_path(path), encode_envelopes(signatures) + b"\n")
        else:
            # One that lies there is of what was at this path before.
            signature_path(path).unlink(missing_ok=True)
    except OSError as error:
        hint = "name a folder that exists and that you may write to"
        raise ArchiveError(f"writing {path}", context=[error.strerror or str(error)], hint=hint) from error
    return PullResult(path=path, address=published.address, digest=bundle.digest, signatures=len(signatures))
