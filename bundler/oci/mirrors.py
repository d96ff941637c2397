"""Other registries that hold the same: asked first where they are named, passed over where they fail.

Layer: adapter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bundler.errors.delivery import OfflineError, RegistryError, RegistryUnavailableError
from bundler.http.exchange import BrokenError
from bundler.model.events import Notice
from bundler.model.oci import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bundler.ports import Reporter

T = TypeVar("T")


class Mirror(Repository):
    """A repository that holds what another one does; it is asked once, for there is the other one."""

    __slots__ = ()


def mirrored(repository: Repository, mirrors: Sequence[str]) -> list[Mirror]:
    """Return where a repository is mirrored.

    Args:
        repository: by its own name.
        mirrors: of its host: ``mirror.site:5000/hub``.
    """
    found = []
    for mirror in mirrors:
        host, _, prefix = mirror.partition("/")
        found.append(Mirror(host, f"{prefix}/{repository.name}" if prefix else repository.name))
    return found


def ask_each(places: Sequence[Repository], ask: Callable[[Repository], T], report: Reporter) -> T:
    """Return the first answer that holds something; the last place, the registry itself, has the last word.

    Args:
        places: to try, the registry itself last.
        ask: asks one place.
        report: receives progress and warnings.

    Raises:
        RegistryError: what the registry itself answers.
        RegistryUnavailableError: when it cannot be reached; whether a mirror answered is a field of it.
    """
    *mirrors, own = places
    has_answer = False
    for mirror in mirrors:
        try:
            found = ask(mirror)
        except (RegistryError, OfflineError, BrokenError) as error:
            report(Notice(_passed_over(mirror, error)))
            continue
        if found:
            return found
        has_answer = True
    try:
        return ask(own)
    except RegistryUnavailableError as error:
        raise error.mirrored() if has_answer else error from error


def read_each(
    places: Sequence[Repository], read: Callable[[Repository], Iterator[bytes]], report: Reporter
) -> Iterator[bytes]:
    """Yield a blob from the first place that begins to give it out.

    Args:
        places: to try, the registry itself last.
        read: starts to read from one place.
        report: receives progress and warnings.

    Raises:
        RegistryError: what the registry itself answers, or what breaks in the middle.
    """
    *mirrors, own = places
    for mirror in mirrors:
        pieces = read(mirror)
        try:
            first = next(pieces, b"")
        except (RegistryError, OfflineError, BrokenError) as error:
            report(Notice(_passed_over(mirror, error)))
            continue
        yield first
        yield from pieces
        return
    yield from read(own)


def _passed_over(mirror: Repository, error: RegistryError | OfflineError | BrokenError) -> str:
    said = f"{mirror.host}: {error}" if isinstance(error, BrokenError) or not error.context else error.context[0]
    return f"the mirror {mirror.host} is passed over: {said}"
