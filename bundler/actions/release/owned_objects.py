"""Find what a release owns where its records do not tell: by its label. Layer: actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.concurrency import map_parallel
from bundler.errors.cluster import ClusterError, ForbiddenError
from bundler.model.cluster import FIELD_MANAGER, ListQuery
from bundler.model.json import Body, items_at, mapping_at, text_at
from bundler.model.kept import kept_because
from bundler.model.labels import BACKUP, COMPONENT, RELEASE_UID
from bundler.model.lean import dataclass
from bundler.model.manifest import GeneratedSecret
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef, ResourceType, ref_of
from bundler.model.secret_leaves import is_secret, leaf_texts
from bundler.planning.inventory import found_entry

if TYPE_CHECKING:
    from bundler.model.release import InventoryEntry
    from bundler.ports import ClusterClient, Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What carries the label of a release and was written by bundler."""

    entries: Mapping[ObjectRef, InventoryEntry]
    unsearched: tuple[str, ...] = ()
    """Kinds that could not be searched."""

    @property
    def changed_by_runs(self) -> frozenset[ObjectRef]:
        """Those that only a recorded revision leaves behind: an uninstalled release leaves what is always kept."""
        return frozenset(ref for ref, entry in self.entries.items() if not kept_because(ref, entry))


def find_labelled(namespace: str, release: str, ports: Ports) -> Labelled:
    """Search every kind that the server serves for objects of a release.

    Args:
        namespace: of the release.
        release: its name or uid.
        ports: the cluster, records, clock and reporter of the run.

    Raises:
        ClusterError
    """
    kinds = _kinds(ports.cluster)
    uid = release_uid(namespace, release)
    lists = map_parallel(lambda kind: _search(kind, uid, namespace, ports.cluster), kinds)
    bodies = [body for found in lists for body in found or ()]
    # What a damaged record hid cannot be learned from it; the live Secrets tell most of it.
    ports.redactor.learn(*(text for body in bodies if is_secret(body) for text in leaf_texts(body)))
    found = {ref_of(body): _entry(body) for body in bodies if not _was_made_first(body)}
    unsearched = [kind.kind for kind, items in zip(kinds, lists, strict=True) if items is None]
    return Labelled(entries=found, unsearched=(*unsearched, *ports.cluster.unavailable_apis()))


def _kinds(cluster: ClusterClient) -> list[ResourceType]:
    """Return what can be listed and deleted, each kind once."""
    kinds = {(kind.group, kind.kind): kind for kind in cluster.resource_types() if {"list", "delete"} <= kind.verbs}
    return [kinds[key] for key in sorted(kinds)]


def _search(kind: ResourceType, uid: str, namespace: str, cluster: ClusterClient) -> list[Body] | None:
    """Return what carries the uid: everywhere, or in the release's namespace where more is not allowed.

    None: not even there.
    """
    for place in ("", namespace) if kind.is_namespaced else ("",):
        query = ListQuery(group=kind.group, kind=kind.kind, namespace=place, label_selector=f"{RELEASE_UID}={uid}")
        try:
            return [body for body in cluster.list(query).items if _managers(body) and not _is_backup(body)]
        except ForbiddenError:
            continue
        except ClusterError:
            return None
    return None


def _is_backup(body: Body) -> bool:
    """Backups outlive what they are of."""
    return BACKUP in mapping_at(body, "metadata", "labels")


def _managers(body: Body) -> set[str]:
    """Return how we wrote an object, nothing where we did not: an Endpoints has our label from its Service."""
    entries = items_at(body, "metadata", "managedFields")
    return {text_at(entry, "operation") for entry in entries if entry.get("manager") == FIELD_MANAGER}


def _entry(body: Body) -> InventoryEntry:
    ref = ref_of(body)
    return found_entry(
        ref,
        api_version=text_at(body, "apiVersion"),
        component=text_at(body, "metadata", "labels", COMPONENT).replace(".", "/"),
        generated=_generated(ref, body),
    )


def _was_made_first(body: Body) -> bool:
    """Tell a namespace that was made for the release from one that its bundle renders: it was never applied."""
    return text_at(body, "kind") == "Namespace" and "Apply" not in _managers(body)


def _generated(ref: ObjectRef, body: Body) -> GeneratedSecret | None:
    """Tell a generated secret by how it was written: with POST, and never applied."""
    if (ref.group, ref.kind) != ("", "Secret") or "Apply" in _managers(body):
        return None
    return GeneratedSecret(name=ref.name, ref=ref, key="", kind="password", length=0)
