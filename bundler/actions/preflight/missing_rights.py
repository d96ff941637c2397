"""All rights that a change needs and its user does not have, at once. Layer: actions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bundler.actions.compose.compose import compose
from bundler.actions.preflight.permissions import ask_rights, plurals_of
from bundler.actions.release.history import require_history
from bundler.actions.release.restoring import deployed_of
from bundler.model.rights import MissingRight
from bundler.planning.rights import (
    RBAC,
    WRITE_VERBS,
    Right,
    claim_rights,
    defined_plurals,
    generated_rights,
    granted_rights,
    object_rights,
    record_rights,
    whole_life,
)

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.manifest import Manifest
    from bundler.ports import ClusterClient, ReleaseStore

    Missing: TypeAlias = tuple[MissingRight, ...]

_REMOVES = ("get", "list", "delete")


def missing_for_bundle(order: RenderRequest, cluster: ClusterClient) -> Missing:
    """Return what is missing to install or upgrade a release, and to keep it from then on.

    Args:
        order: bundle, names and values.
        cluster: the API to ask.

    Raises:
        BundlerError: when values, templates or objects are wrong.
    """
    made = compose(order, cluster)
    secrets = set(generated_rights(one.ref for one in made.rendering.generated))
    return _missing(made.manifests, order.namespace, WRITE_VERBS, cluster, more=secrets)


def missing_for_record(
    namespace: str, release: str, revision: int, cluster: ClusterClient, store: ReleaseStore, *, is_removal: bool
) -> Missing:
    """Return what is missing to put back what a revision wrote, or to remove it, and to keep the release.

    Args:
        namespace: of the release.
        release: its name.
        revision: its number; 0: the deployed one.
        cluster: the API to ask.
        store: the records; where they may not be read, that alone is known to be missing.
        is_removal: the release is uninstalled.

    Raises:
        ReleaseNotFoundError: when there is no such release or revision.
    """
    own = ask_rights(sorted(set(record_rights(namespace))), cluster) or ()
    if any(one.plural == "secrets" and one.verb in {"get", "list"} for one in own):
        return _told(own, set(own))
    history = require_history(store, namespace, release)
    summary = history.find(revision) if revision else history.deployed or history.newest or deployed_of(history)
    verbs = _REMOVES if is_removal else WRITE_VERBS
    return _missing(store.load(summary).manifests, namespace, verbs, cluster)


def _missing(
    manifests: Sequence[Manifest],
    namespace: str,
    verbs: Sequence[str],
    cluster: ClusterClient,
    *,
    more: Collection[Right] = (),
) -> Missing:
    plural_of = plurals_of(cluster, defined_plurals(manifests))
    needed = {
        *more,
        *record_rights(namespace),
        *object_rights(manifests, plural_of, verbs),
        *(claim_rights(manifests) if "patch" in verbs else ()),
        *(_granted(manifests, cluster) if "patch" in verbs else ()),
    }
    wanted = needed | whole_life(manifests, namespace, plural_of)
    return _told(ask_rights(sorted(wanted), cluster) or (), needed)


def _granted(manifests: Sequence[Manifest], cluster: ClusterClient) -> set[Right]:
    """Return what roles among the objects grant: to write them, one must have it, or be allowed to escalate."""
    granted = set(granted_rights(manifests))
    escalating = {
        Right(RBAC, "roles" if one.namespace else "clusterroles", one.namespace, "escalate") for one in granted
    }
    denied = {one.namespace for one in ask_rights(sorted(escalating), cluster) or ()}
    return {one for one in granted if one.namespace in denied}


def _told(denied: Iterable[Right], needed: set[Right]) -> Missing:
    """Return rights as they are reported, those that are needed now first."""
    found = (
        MissingRight(
            verb=one.verb,
            group=one.group,
            resource=one.plural,
            namespace=one.namespace,
            is_for_later=one not in needed,
        )
        for one in denied
    )
    return tuple(sorted(found, key=lambda one: (one.is_for_later, one.namespace, one.group, one.resource, one.verb)))
