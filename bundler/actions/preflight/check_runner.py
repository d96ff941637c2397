"""Make checks side by side, and turn what goes wrong in one into its answer. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from bundler.concurrency import map_parallel
from bundler.errors import BundlerError
from bundler.errors.cluster import ForbiddenError, UnknownKindError
from bundler.model.check import Check, failed, skipped
from bundler.model.cluster import ListQuery
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.ports import ClusterClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A check to make: a name for the case that it cannot be made, and how."""

    name: str
    make: Callable[[], Sequence[Check]]


def make_checks(looks: Iterable[Look]) -> tuple[Check, ...]:
    """Make checks side by side; the answers stay in order."""
    return tuple(check for checks in map_parallel(_made, looks) for check in checks)


def _made(look: Look) -> Sequence[Check]:
    try:
        return look.make()
    except ForbiddenError as error:
        return [skipped(look.name, f"cannot be read: {first_line(error)}")]
    except BundlerError as error:
        return [failed(look.name, first_line(error), error.hint)]


def first_line(error: BundlerError) -> str:
    """Return an error in one line."""
    lines = list(error.context)
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return f"{error}: {lines[0].strip()}{more}" if lines else str(error)


def list_all(cluster: ClusterClient, group: str, kind: str, *, namespace: str = "") -> tuple[Body, ...]:
    """Return all objects of a kind; none where it is not served.

    Args:
        cluster: the API to ask.
        group: API group; empty for the core group.
        kind: of the object, such as ``Deployment``.
        namespace: empty for all.

    Raises:
        ForbiddenError: when they may not be listed.
    """
    try:
        return cluster.list(ListQuery(group=group, kind=kind, namespace=namespace)).items
    except UnknownKindError:
        return ()
