"""Whether the release that an object belongs to still exists. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.history import since_uninstall
from bundler.errors.cluster import ForbiddenError
from bundler.model.json import text_at
from bundler.model.labels import INSTANCE, RELEASE_UID
from bundler.model.names import release_uid
from bundler.model.release import ReleaseStatus

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.model.json import Body
    from bundler.ports import ReleaseStore


class OtherReleases:
    """Looks up the release of an object by the uid that its label carries."""

    def __init__(self, store: ReleaseStore, namespace: str) -> None:
        """Look in the records of ``store``, first in the namespace of the release at hand."""
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
            found = self._store.summaries(namespace="", on_unreadable=_stop)
            newest = {(one.namespace, one.release): one.status for one in found}
            left = (place for place, status in newest.items() if status is not ReleaseStatus.UNINSTALLED)
            self._uids = frozenset(release_uid(*place) for place in left)
        return self._uids


def _stop(error: BundlerError) -> None:
    """A record that cannot be read may be that of the release that is looked for."""
    raise error
