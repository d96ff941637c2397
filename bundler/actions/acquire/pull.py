"""Fetch a bundle from a registry into a file. Layer: actions; writes that file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle_artifacts import PublishedBundle, fetch_signatures
from bundler.actions.acquire.trust import is_signed, read_signatures, signature_path
from bundler.archive.writer import archive_name
from bundler.delivery.envelopes import encode_envelopes
from bundler.errors.bundle import ArchiveError
from bundler.errors.delivery import RegistryForbiddenError, RegistryLoginError, RegistryRejectedError
from bundler.errors.disk import hint_to_write
from bundler.files.whole_file import write_whole
from bundler.loader.load import load_bundle
from bundler.loader.locate import BundleLocation
from bundler.model.events import Notice
from bundler.model.results import PullResult

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.acquire.fetch import BundleFetcher
    from bundler.model.bundle import Bundle
    from bundler.model.oci import OciAddress
    from bundler.model.trust import Envelope


def pull(
    fetcher: BundleFetcher,
    address: OciAddress,
    out: Path,
    *,
    accepts: str = "",
    judge: Callable[[Bundle, Callable[[], Sequence[Envelope]]], object],
) -> PullResult:
    """Write a bundle's archive, and the signatures that were pushed with it, to ``out``.

    Args:
        fetcher: brings it.
        address: where it is published.
        out: a file, or a folder that gets ``NAME-VERSION.tgz``.
        accepts: a range, where the address names no version.
        judge: refuses what is not the bundle that is meant, or not signed as it should be, before anything is written;
            it asks for the signatures where someone is trusted.

    Raises:
        BundleError: when what is there is broken.
        RegistryError: when it cannot be had.
        ArchiveError: when it cannot be written.
        SignatureError: what ``judge`` raises.
    """
    published, kept = fetcher.bundle(address, accepts=accepts)
    location = BundleLocation(path=kept, origin=str(address), found=str(address), is_archive=True)
    bundle = load_bundle(location, limits=fetcher.limits)
    path = out / archive_name(bundle) if out.is_dir() else out
    judge(bundle, lambda: fetch_signatures(fetcher.registry(), published))
    signatures = _signatures(fetcher, published)
    try:
        write_whole(path, kept.read_bytes())
        # Where the registry did not say, a signature that is beside the file stays, whatever it is of.
        if signatures is not None:
            _write_signatures(path, bundle, signatures)
    except OSError as error:
        hint = hint_to_write(error, "choose an existing folder that you can write to")
        raise ArchiveError(f"writing {path}", context=[error.strerror or str(error)], hint=hint) from error
    return PullResult(path=path, address=published.address, digest=bundle.digest, signatures=len(signatures or ()))


def _signatures(fetcher: BundleFetcher, published: PublishedBundle) -> Sequence[Envelope] | None:
    """Return the signatures of a bundle; None where the registry does not let us ask."""
    try:
        return fetch_signatures(fetcher.registry(), published)
    except (RegistryLoginError, RegistryForbiddenError, RegistryRejectedError) as error:
        said = error.context[0] if error.context else str(error)
        fetcher.report(Notice(f"could not ask whether {published.address} is signed: {said}"))
        return None


def _write_signatures(path: Path, bundle: Bundle, signatures: Sequence[Envelope]) -> None:
    """Write what was fetched next to what is there of this very bundle; what is there of another one goes."""
    own = read_signatures(path) if is_signed(bundle, path) else ()
    every = tuple(dict.fromkeys((*signatures, *own)))
    if every:
        write_whole(signature_path(path), encode_envelopes(every) + b"\n")
    else:
        signature_path(path).unlink(missing_ok=True)
