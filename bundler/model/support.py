"""What a support bundle is made of. Layer: model, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRequest:
    """Whose state is gathered, and how much of its logs."""

    release: str
    namespace: str
    tail_lines: int = 500
    """Of each container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportPart:
    """One part of a support bundle.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from bundler import ReleaseRequest, Session
        >>> with TemporaryDirectory() as folder, Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     written = session.support_bundle("shop", Path(folder, "shop.tgz"))
        >>> [part.name for part in written.parts if part.error]
        []
    """

    name: str
    """``status``, ``history``, ``drift`` and so on."""
    files: tuple[str, ...] = ()
    """Where it is in the archive."""
    error: str = ""
    """Why it, or some of it, could not be read; empty where it was."""
    note: str = ""
    """What was left out of it, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportArchive:
    """A support bundle that was written.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from bundler import ReleaseRequest, Session
        >>> with TemporaryDirectory() as folder, Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     written = session.support_bundle("shop", Path(folder, "shop.tgz"))
        ...     written.path.stat().st_size == written.size_bytes
        True
    """

    path: Path
    """The file."""
    size_bytes: int
    """Its size."""
    sha256: str
    """Hex digest of the file."""
    parts: tuple[SupportPart, ...]
    """What is in it, and what could not be read."""
