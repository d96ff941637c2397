"""Store all objects of a custom kind in the version that its definition stores now. Layer: actions.

An object is stored in the version in which its kind was stored when it was last written. Each is written again as it
is; then ``status.storedVersions`` names one version alone, and the others can be dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.actions.change.rewrite import rewrite
from bundler.concurrency import map_parallel
from bundler.errors.change import PlanError
from bundler.errors.cluster import ConflictError, ForbiddenError, ObjectNotFoundError, RejectedError
from bundler.model.cluster import ListQuery, Payload
from bundler.model.definition import DEFINITION, kind_of, storage_of
from bundler.model.json import Body, canonical_json, mapping_at, strings_at, text_at
from bundler.model.refs import ObjectRef, ref_of
from bundler.model.results import MigratedStorage
from bundler.model.size import first_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.ports import ClusterClient

_SHOWN: Final = 10


def migrate_storage(
    name: str, cluster: ClusterClient, *, is_dry_run: bool = False, permit: Callable[[], None] = lambda: None
) -> MigratedStorage:
    """Write each object of a kind again as it is, and say in its definition that no older version is stored.

    Args:
        name: of the definition: ``widgets.example.com``.
        cluster: where.
        is_dry_run: let the server check every write, and write nothing.
        permit: raises where nothing may be written; called once it is known that something has to be.

    Raises:
        ObjectNotFoundError: when there is no such definition.
        PlanError: when the server refuses an object as it is, or the definition changed meanwhile.
    """
    crd = _definition(name, cluster)
    storage, stored = storage_of(crd), strings_at(crd, "status", "storedVersions")
    if stored == (storage,):
        return MigratedStorage(definition=name, storage=storage, before=stored)
    permit()
    group, kind = kind_of(crd)
    objects = cluster.list(ListQuery(group=group, kind=kind, namespace="")).items
    refused = [line for line in map_parallel(lambda body: _stored_again(body, cluster, is_dry_run), objects) if line]
    if refused:
        raise PlanError(
            f"storing the objects of {name} as {storage}",
            context=first_of(refused, _SHOWN),
            hint="correct these objects, then run the command again; the others are stored",
        )
    if not is_dry_run:
        _say_so(crd, storage, cluster)
    return MigratedStorage(definition=name, storage=storage, before=stored, objects=len(objects))


def _definition(name: str, cluster: ClusterClient) -> Body:
    crd = cluster.get(ObjectRef(*DEFINITION, "", name))
    if crd is None:
        raise ObjectNotFoundError(
            f"looking for CustomResourceDefinition {name}",
            context=["the cluster has none of that name"],
            hint="give the whole name, PLURAL.GROUP, as `kubectl get crds` shows it",
        )
    return crd


def _stored_again(body: Body, cluster: ClusterClient, is_dry_run: bool) -> str:  # noqa: FBT001 - called for each object
    """Write an object as it is; return what the server says against it."""
    ref = ref_of(body)
    payload = Payload(ref=ref, api_version=text_at(body, "apiVersion"), content=canonical_json(body))
    try:
        cluster.replace(payload, is_dry_run=is_dry_run)
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
