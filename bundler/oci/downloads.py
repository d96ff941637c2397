"""Read blobs: from their start to their end, whatever is cut in between. Layer: adapter."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bundler.http.exchange import BrokenError
from bundler.http.retry import failure_of_error
from bundler.http.wire import WireError
from bundler.oci.errors import mismatch
from bundler.oci.requests import PULL, Ask, blob_path, scope_of

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
    patience = session.home.patience(doing)
    hashed, offset = hashlib.sha256(), 0
    while True:
        # Where connections are cut, each carries a part that gets through: what a cut leaves in the air is lost.
        limit = session.home.endurance.ceiling if blob.size > 0 else 0
        is_part = 0 < limit < blob.size - offset
        last = str(offset + limit - 1) if is_part else ""
        ask = Ask(
            method="GET",
            target=blob_path(repository, blob.digest),
            doing=doing,
            scopes=(scope_of(repository, PULL),),
            headers={"Range": f"bytes={offset}-{last}"} if offset or is_part else {},
            is_fresh=limit > 0,
        )
        try:
            with session.stream(ask) as (head, pieces):
                for piece in _from(offset, head, pieces):
                    offset += len(piece)
                    if 0 <= blob.size < offset:
                        raise mismatch(doing, f"it is larger than the {blob.size} bytes it should have")
                    hashed.update(piece)
                    patience.progressed()
                    yield piece
            if not is_part or offset == blob.size:
                break
        except BrokenError as broken:
            patience.pause(broken.failure, broken)
        except (OSError, WireError) as error:
            if offset == blob.size:
                break
            patience.pause(failure_of_error(error, may_have_arrived=True), error)
    if blob.size >= 0 and offset != blob.size:
        raise mismatch(doing, f"it has {offset} bytes instead of {blob.size}")
    found = f"sha256:{hashed.hexdigest()}"
    if found != blob.digest:
        raise mismatch(doing, f"what came has the digest {found}")


def _from(offset: int, head: Head, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what comes after ``offset``: a server that knows no ranges begins again."""
    skipped = 0 if head.status == 206 else offset
    for piece in pieces:
        if skipped >= len(piece):
            skipped -= len(piece)
            continue
        yield piece[skipped:] if skipped else piece
        skipped = 0
