"""What other releases record: whether one still exists, and which definitions it uses. Layer: actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.release.history import History, since_uninstall
from bundler.errors.change import ReleaseError
from bundler.errors.cluster import ForbiddenError
from bundler.model.definition import is_definition
from bundler.model.json import Body, text_at
from bundler.model.labels import INSTANCE, RELEASE_UID
from bundler.model.names import release_uid
from bundler.model.release import ReleaseStatus

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.model.refs import ObjectRef
    from bundler.ports import ReleaseStore


class OtherReleases:
    """Looks up the release of an object by the uid that its label carries."""

    def __init__(self, store: ReleaseStore, namespace: str) -> None:
        """Look in the records of ``store``, first in the namespace of the release available."""
        self._store, self._namespace = store, namespace
        self._uids: frozenset[str] | None = None

    def is_recorded(self, live: Body) -> bool | None:
        """Return whether any record of an object's release is left; None where that cannot be seen."""
        uid, name = (text_at(live, "metadata", "labels", key) for key in (RELEASE_UID, INSTANCE))
        for namespace in {text_at(live, "metadata", "namespace"), self._namespace} - {""}:
            if release_uid(namespace, name) == uid:
                return self._store.has_remains(namespace, name) and not self._is_uninstalled(namespace, name)
        try:
            return uid in self._everywhere()
        except ForbiddenError:
            return None

    def _is_uninstalled(self, namespace: str, name: str) -> bool:
        """Return whether a history is all that is left; one that cannot be read whole may hold more."""
        unreadable: list[BundlerError] = []
        found = self._store.summaries(namespace=namespace, release=name, on_unreadable=unreadable.append)
        return bool(found) and not unreadable and not since_uninstall(found)

    def _everywhere(self) -> frozenset[str]:
        if self._uids is None:
            self._uids = frozenset(release_uid(*place) for place in _installed(self._store))
        return self._uids


def used_elsewhere(history: History, store: ReleaseStore) -> Mapping[ObjectRef, str]:
    """Return the definitions of a release that other releases use too, by their records, and who uses each.

    A release whose records cannot be read may use all of them.

    Args:
        history: of the release.
        store: where the records are.
    """
    definitions = [ref for ref in history.owned if is_definition(ref)]
    if not definitions:
        return {}
    try:
        others = _installed(store) - {(history.namespace, history.release)}
    except (ForbiddenError, ReleaseError) as error:
        return dict.fromkeys(definitions, f"another release may use it: {error}")
    found: dict[ObjectRef, str] = {}
    for namespace, release in sorted(others, reverse=True):
        found |= _used_by(namespace, release, definitions, store)
    return found


def _used_by(
    namespace: str, release: str, definitions: Sequence[ObjectRef], store: ReleaseStore
) -> Mapping[ObjectRef, str]:
    who = f"release {release} in namespace {namespace}"
    try:
        revisions = store.inventories(namespace, release, on_unreadable=_stop).revisions
    except (ForbiddenError, ReleaseError) as error:
        return dict.fromkeys(definitions, f"{who} may use it: {error}")
    current = since_uninstall(tuple(one.summary for one in revisions))
    recorded = {entry.ref for one in revisions if one.summary in current for entry in one.entries}
    return {ref: f"{who} uses it too" for ref in definitions if ref in recorded}


def _installed(store: ReleaseStore) -> frozenset[tuple[str, str]]:
    """Return namespace and name of every release that was not uninstalled since.

    Raises:
        ForbiddenError, ReleaseError: when not all records can be read.
    """
    found = store.summaries(namespace="", on_unreadable=_stop)
    newest = {(one.namespace, one.release): one.status for one in found}
    return frozenset(place for place, status in newest.items() if status is not ReleaseStatus.UNINSTALLED)


def _stop(error: BundlerError) -> None:
    """A record that cannot be read may be the one that is looked for."""
    raise error
