"""What a site file asks of verbs that make no plan: the right cluster, and an open window. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.migrate_storage import migrate_storage
from bundler.actions.release.proposal import moment_for, require_cluster, warn_of_refusal
from bundler.actions.release.terms import Terms
from bundler.model.lean import dataclass, replace
from bundler.planning.problem import refuse
from bundler.planning.windows import closed_windows

if TYPE_CHECKING:
    from bundler.model.results import MigratedStorage
    from bundler.model.site import Site
    from bundler.ports import Ports

_HINT = "wait until then, or pass --outside-window REASON"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageRequest:
    """Which kind is stored in its new version."""

    definition: str
    """Name of the CustomResourceDefinition."""
    site: Site | None = None
    """The site file whose policy holds."""
    outside_window: str = ""
    """Why it is done although the site's deployment windows are closed; no record holds it, the result says it."""
    is_dry_run: bool = False
    """Let the server check every write, and write nothing."""


def migrate_storage_at(request: StorageRequest, ports: Ports) -> MigratedStorage:
    """Store the objects of a kind in its new version, where the site lets that be done now.

    Raises:
        WrongClusterError: when the site file names another cluster.
        ClosedWindowError: with when the next window opens.
        ObjectNotFoundError, PlanError: as ``migrate_storage``.
    """
    terms = Terms(site=request.site)
    require_cluster(terms, ports.cluster)
    closed = [replace(one, hint=_HINT) for one in closed_windows(request.site, moment_for(terms, ports.clock))]
    reason = request.outside_window.strip()

    def permit() -> None:
        if request.is_dry_run:
            warn_of_refusal(closed, ports.report)
        elif not reason:
            refuse(closed)

    done = migrate_storage(request.definition, ports.cluster, is_dry_run=request.is_dry_run, permit=permit)
    return replace(done, outside_window=reason if closed and done.is_changed and not request.is_dry_run else "")
