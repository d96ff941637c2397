"""Read blobs: from their start to their end, whatever is cut in between. Layer: adapter."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bundler.errors.delivery import OfflineError, RegistryNotFoundError, RegistryRejectedError
from bundler.http.exchange import BrokenError
from bundler.http.retry import failure_of_error
from bundler.http.wire import WireError
from bundler.oci.errors import mismatch
from bundler.oci.requests import PULL, OciRequest, blob_path, bounded, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.http.wire import Head
    from bundler.model.oci import Descriptor, Repository
    from bundler.oci.session import Session


def read_blob(session: Session, repository: Repository, blob: Descriptor) -> Iterator[bytes]:
    """Yield a blob; see bundler.ports.Registry.blob.

    Raises:
        RegistryError: see there.
    """
    doing = f"reading blob {blob.digest} of {repository}"
    retry_budget = session.home.retry_budget(doing)
    hashed, offset = hashlib.sha256(), 0
    while True:
        request, is_part = _part(session, repository, blob, offset, doing=doing)
        try:
            with session.stream(request) as (head, pieces):
                for piece in _from(offset, head, pieces):
                    offset += len(piece)
                    if 0 <= blob.size < offset:
                        raise mismatch(doing, f"it is larger than the {blob.size} bytes it should have")
                    hashed.update(piece)
                    retry_budget.progressed()
                    yield piece
            if not is_part or offset == blob.size:
                break
        except BrokenError as broken:
            retry_budget.pause(broken.failure, broken)
        except (OSError, WireError) as error:
            if offset == blob.size:
                break
            retry_budget.pause(failure_of_error(error, may_have_arrived=True), error)
    if blob.size >= 0 and offset != blob.size:
        raise mismatch(doing, f"it has {offset} bytes instead of {blob.size}")
    found = f"sha256:{hashed.hexdigest()}"
    if found != blob.digest:
        raise mismatch(doing, f"what came has the digest {found}")


def _part(
    session: Session, repository: Repository, blob: Descriptor, offset: int, *, doing: str
) -> tuple[OciRequest, bool]:
    """Ask for what is left of a blob, or for a part of that: where connections are cut, for what gets through."""
    limit = session.home.connection_budget.ceiling if blob.size > 0 else 0
    is_part = 0 < limit < blob.size - offset
    last = str(offset + limit - 1) if is_part else ""
    request = OciRequest(
        method="GET",
        target=blob_path(repository, blob.digest),
        doing=doing,
        scopes=(scope_of(repository, PULL),),
        headers={"Range": f"bytes={offset}-{last}"} if offset or is_part else {},
        is_fresh=limit > 0,
    )
    return request, is_part


def can_be_read(session: Session, repository: Repository, blob: Descriptor, *, scope: str) -> bool:
    """Fetch one byte of a blob: whether it is there, with its size, and not only in the registry's books.

    Args:
        session: talks to the registry.
        repository: host and name.
        blob: digest and size.
        scope: permission to ask for.

    Raises:
        RegistryError: when the registry cannot be asked, or refuses.
    """
    doing = f"reading blob {blob.digest} of {repository}"
    retry_budget = session.home.retry_budget(doing)
    request = OciRequest(
        method="GET",
        target=blob_path(repository, blob.digest),
        doing=doing,
        scopes=(scope,),
        headers={"Range": "bytes=0-0"} if blob.size > 0 else {},
    )
    while True:
        try:
            with session.stream(request) as (head, pieces):
                return _fits(head, pieces, blob.size)
        except (RegistryNotFoundError, RegistryRejectedError):
            return False
        except OfflineError:
            # It is at another host, which may not be asked; that the registry sends us there has to do.
            return True
        except BrokenError as broken:
            retry_budget.pause(broken.failure, broken)
        except (OSError, WireError) as error:
            retry_budget.pause(failure_of_error(error, may_have_arrived=True), error)


def _fits(head: Head, pieces: Iterator[bytes], size: int) -> bool:
    """Return whether an answer is the first byte, or the beginning, of a blob of that size."""
    if head.status == 206:
        total = head.headers.get("content-range", "").rpartition("/")[2]
        return sum(len(piece) for piece in bounded(pieces)) == 1 and total in {str(size), "*", ""}
    return head.headers.get("content-length", str(size)) == str(size)


def _from(offset: int, head: Head, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what comes after ``offset``: a server that knows no ranges begins again.

    Raises:
        WireError: when it sends an empty part: asking for the same again would never end.
    """
    skipped, got = 0 if head.status == 206 else offset, 0
    for piece in pieces:
        got += len(piece)
        if skipped >= len(piece):
            skipped -= len(piece)
            continue
        yield piece[skipped:] if skipped else piece
        skipped = 0
    if head.status == 206 and not got:
        raise WireError("it sends an empty part")
