"""Store all objects of a custom kind in the version that its definition stores now. Layer: actions.

An object is stored in the version in which its kind was stored when it was last written. Each is written again as it
is; then ``status.storedVersions`` names one version alone, and the others can be dropped.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from bundler.actions.change.rewrite import rewrite
from bundler.actions.release.proposal import moment_for, require_cluster, warn_of_refusal
from bundler.actions.release.terms import Terms
from bundler.concurrency import map_parallel
from bundler.errors.change import PlanError
from bundler.errors.cluster import ConflictError, ForbiddenError, ObjectNotFoundError, RejectedError
from bundler.model.cluster import ListQuery, Payload
from bundler.model.definition import DEFINITION, kind_of, storage_of
from bundler.model.json import Body, canonical_json, mapping_at, strings_at, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.refs import ObjectRef, ref_of
from bundler.model.results import MigratedStorage
from bundler.model.size import first_of
from bundler.planning.problem import refuse
from bundler.planning.windows import closed_windows

if TYPE_CHECKING:
    from bundler.model.site import Site
    from bundler.ports import ClusterClient, Ports

_SHOWN: Final = 10
_HINT: Final = "wait until then, or pass --outside-window REASON"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageRequest:
    """Which kind is stored in its new version."""

    definition: str
    """Name of the CustomResourceDefinition: ``widgets.example.com``."""
    site: Site | None = None
    """The site file whose policy holds."""
    outside_window: str = ""
    """Why it is done although the site's deployment windows are closed; no record holds it, the result says it."""
    is_dry_run: bool = False
    """Let the server check every write, and write nothing."""


def migrate_storage(request: StorageRequest, ports: Ports) -> MigratedStorage:
    """Write each object of a kind again as it is, and say in its definition that no older version is stored.

    Raises:
        WrongClusterError: when the site file names another cluster.
        ClosedWindowError: with when the next window opens, where something has to be written.
        ObjectNotFoundError: when there is no such definition.
        PlanError: when the server refuses an object as it is, or the definition changed meanwhile.
    """
    terms, cluster, name = Terms(site=request.site), ports.cluster, request.definition
    require_cluster(terms, cluster)
    crd = _definition(name, cluster)
    storage, stored = storage_of(crd), strings_at(crd, "status", "storedVersions")
    if stored == (storage,):
        return MigratedStorage(definition=name, storage=storage, before=stored)
    closed = [replace(one, hint=_HINT) for one in closed_windows(request.site, moment_for(terms, ports.clock))]
    reason = request.outside_window.strip()
    if request.is_dry_run:
        warn_of_refusal(closed, ports.report)
    elif not reason:
        refuse(closed)
    group, kind = kind_of(crd)
    objects = cluster.list(ListQuery(group=group, kind=kind, namespace="")).items
    refused = [line for line in map_parallel(partial(_stored_again, request, cluster), objects) if line]
    if refused:
        raise PlanError(
            f"storing the objects of {name} as {storage}",
            context=first_of(refused, _SHOWN),
            hint="correct these objects, then run the command again; the others are stored",
        )
    if not request.is_dry_run:
        _say_so(crd, storage, cluster)
    outside = reason if closed and not request.is_dry_run else ""
    return MigratedStorage(
        definition=name, storage=storage, before=stored, objects=len(objects), outside_window=outside
    )


def _definition(name: str, cluster: ClusterClient) -> Body:
    crd = cluster.get(ObjectRef(*DEFINITION, "", name))
    if crd is None:
        raise ObjectNotFoundError(
            f"looking for CustomResourceDefinition {name}",
            context=["the cluster has none of that name"],
            hint="give the whole name, PLURAL.GROUP, as `kubectl get crds` shows it",
        )
    return crd


def _stored_again(request: StorageRequest, cluster: ClusterClient, body: Body) -> str:
    """Write an object as it is; return what the server says against it."""
    ref = ref_of(body)
    payload = Payload(ref=ref, api_version=text_at(body, "apiVersion"), content=canonical_json(body))
    try:
        cluster.replace(payload, is_dry_run=request.is_dry_run)
    except (ConflictError, ObjectNotFoundError):
        return ""  # another client has written it since, which stores it, or has deleted it
    except (RejectedError, ForbiddenError) as error:
        return f"{ref.seen_from('')}: {'; '.join(error.context) or error}"
    return ""


def _say_so(crd: Body, storage: str, cluster: ClusterClient) -> None:
    """Say in the definition that one version alone is stored; its controllers may write its status meanwhile."""
    ref = ref_of(crd)

    def edit(live: Body | None) -> Body:
        if live is None or _storage_seen(live) != _storage_seen(crd):
            raise PlanError(
                f"recording in {ref.short} that {storage} alone is stored",
                context=["the definition changed while its objects were written"],
                hint="run the command again",
            )
        return {**live, "status": {**mapping_at(live, "status"), "storedVersions": [storage]}}

    rewrite(ref, edit, cluster, subresource="status")


def _storage_seen(crd: Body) -> tuple[str, str, tuple[str, ...]]:
    return text_at(crd, "metadata", "uid"), storage_of(crd), strings_at(crd, "status", "storedVersions")
