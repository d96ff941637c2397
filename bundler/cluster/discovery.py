"""What a server serves: reading discovery documents, and keeping them on disk. Layer: adapter.

Source: kubernetes.io/docs/concepts/overview/kubernetes-api, "Aggregated discovery".
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from bundler.cluster.errors import api_unavailable
from bundler.cluster.files import read_bounded
from bundler.fields.kinds import kind_info
from bundler.files.whole_file import write_whole
from bundler.model.json import items_at, strings_at, text_at, value_at
from bundler.model.orders import GROUP
from bundler.model.refs import ResourceType, group_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from bundler.model.json import Body

_AGGREGATED = "g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
ACCEPT = (
    ",".join(f"application/json;{_AGGREGATED.format(version)}" for version in ("v2", "v2beta1")) + ",application/json"
)
MAX_AGE_S = 600.0
MAX_FILE_BYTES = 16 * 1024 * 1024
_FORMAT = 1


class Catalogue:
    """All kinds that a server serves, the preferred version of each first."""

    def __init__(self, types: Iterable[ResourceType], *, unavailable: Iterable[str] = ()) -> None:
        self.types = tuple(types)
        self.unavailable = tuple(unavailable)
        """``group/version`` of the APIs whose own server does not answer."""
        self._by_kind: dict[tuple[str, str], list[ResourceType]] = {}
        for kind in self.types:
            self._by_kind.setdefault((kind.group, kind.kind), []).append(kind)

    def find(self, group: str, kind: str, version: str) -> ResourceType | None:
        """Return how a kind is served; the preferred version where none is given.

        Args:
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
            version: of the API; empty for the preferred one.

        Raises:
            ApiUnavailableError: when the server that would know does not answer.
        """
        served = [one for one in self._by_kind.get((group, kind), ()) if not version or one.version == version]
        answering = next((one for one in served if one.api_version not in self.unavailable), None)
        if answering is None and (silent := self._silent(group, version)):
            raise api_unavailable(silent, doing=f"asking for {kind} in {silent}")
        return answering

    def _silent(self, group: str, version: str) -> str:
        """Return the API of this group that does not answer; empty where all do."""
        silent = (one for one in self.unavailable if group_of(one) == group)
        return next((one for one in silent if version in {"", one.rpartition("/")[2]}), "")


def is_aggregated(document: Body) -> bool:
    """Return whether the server understood what we asked for."""
    return text_at(document, "kind") == "APIGroupDiscoveryList"


def unavailable_in(document: Body) -> list[str]:
    """Return ``group/version`` of what one aggregated document knows from earlier alone: its own server is silent."""
    return [
        f"{text_at(group, 'metadata', 'name')}/{text_at(version, 'version')}"
        for group in items_at(document, "items")
        for version in items_at(group, "versions")
        if text_at(version, "freshness") == "Stale"
    ]


def read_aggregated(document: Body) -> list[ResourceType]:
    """Read the kinds of one aggregated document; an API that does not answer may come without them."""
    types = []
    for group in items_at(document, "items"):
        name = text_at(group, "metadata", "name")
        for version in items_at(group, "versions"):
            types += [
                _aggregated_type(name, text_at(version, "version"), row) for row in items_at(version, "resources")
            ]
    return [one for one in types if one.kind and one.plural]


def _aggregated_type(group: str, version: str, row: Body) -> ResourceType:
    return ResourceType(
        group=group,
        version=version,
        kind=text_at(row, "responseKind", "kind"),
        plural=text_at(row, "resource"),
        is_namespaced=text_at(row, "scope") == "Namespaced",
        verbs=frozenset(strings_at(row, "verbs")),
        short_names=strings_at(row, "shortNames"),
    )


def group_versions(groups: Body) -> list[str]:
    """Return ``group/version`` of an APIGroupList, the preferred version of each group first."""
    ordered = []
    for group in items_at(groups, "groups"):
        preferred = text_at(group, "preferredVersion", "groupVersion")
        versions = [text_at(version, "groupVersion") for version in items_at(group, "versions")]
        ordered += [preferred, *(version for version in versions if version != preferred)]
    return [version for version in ordered if version]


def read_resource_list(document: Body) -> list[ResourceType]:
    """Read the kinds of one version from an APIResourceList, the form before aggregated discovery."""
    group, _, version = text_at(document, "groupVersion").rpartition("/")
    return [
        ResourceType(
            group=group,
            version=version,
            kind=text_at(row, "kind"),
            plural=text_at(row, "name"),
            is_namespaced=value_at(row, "namespaced") is True,
            verbs=frozenset(strings_at(row, "verbs")),
            short_names=strings_at(row, "shortNames"),
        )
        for row in items_at(document, "resources")
        if "/" not in text_at(row, "name")
    ]


def _never_falls_silent(group: str, kind: str) -> bool:
    return group == GROUP or kind_info(group, kind) is not None


class DiscoveryFile:
    """One server's catalogue on disk; anything wrong with the file counts as no file."""

    def __init__(self, folder: Path, *, server: str, user: str) -> None:
        digest = hashlib.sha256(f"{server}\n{user}".encode()).hexdigest()
        self._path = folder / f"discovery-{digest[:32]}.json"

    def read(self, now: datetime) -> Catalogue | None:
        """Return what was kept, None where it is too old, absent or damaged."""
        try:
            age_s = now.timestamp() - self._path.stat().st_mtime
            if not 0 <= age_s <= MAX_AGE_S:
                return None
            kept = json.loads(read_bounded(self._path, max_bytes=MAX_FILE_BYTES, timeout_s=1))
            if kept["format"] != _FORMAT:
                return None
            return Catalogue(_from_row(row) for row in kept["types"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def write(self, catalogue: Catalogue, now: datetime) -> None:
        """Keep a catalogue; a cache that cannot be written is not a failure of the command."""
        text = json.dumps({"format": _FORMAT, "types": [_to_row(one) for one in catalogue.types]})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._path, text.encode(), mode=0o600)
            os.utime(self._path, (now.timestamp(), now.timestamp()))
        except OSError:
            return

    def remove(self) -> None:
        """Forget what was kept."""
        with suppress(OSError):  # a read-only cache: the next reader asks the server when it misses a kind
            self._path.unlink(missing_ok=True)


def _to_row(one: ResourceType) -> list[object]:
    verbs = " ".join(sorted(one.verbs))
    return [one.group, one.version, one.kind, one.plural, one.is_namespaced, verbs, " ".join(one.short_names)]


def _from_row(row: Sequence[object]) -> ResourceType:
    group, version, kind, plural, is_namespaced, verbs, short_names = row
    return ResourceType(
        group=str(group),
        version=str(version),
        kind=str(kind),
        plural=str(plural),
        is_namespaced=is_namespaced is True,
        verbs=frozenset(str(verbs).split()),
        short_names=tuple(str(short_names).split()),
    )


class Discovery:
    """The catalogue of one server: from memory, else from disk, else asked for once. Threads may share it."""

    def __init__(
        self, fetch: Callable[[], Catalogue], *, file: DiscoveryFile | None, now: Callable[[], datetime]
    ) -> None:
        self._fetch, self._file, self._now = fetch, file, now
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._is_fresh = False

    def find(self, group: str, kind: str, version: str) -> ResourceType | None:
        """Return how a kind is served.

        A kind that an old catalogue does not know is asked for again, and so is one of an API that may have fallen
        silent since: only Kubernetes' own always answer, and ours, which are served by definitions.

        Args:
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
            version: of the API; empty for the preferred one.

        Raises:
            ApiUnavailableError: when the server that would know does not answer.
            ClusterError: what the server answers when asked.
        """
        with self._lock:
            known = self._known() if self._is_fresh or _never_falls_silent(group, kind) else self._ask()
            found = known.find(group, kind, version)
            if found is None and not self._is_fresh:
                found = self._ask().find(group, kind, version)
            return found

    def types(self) -> tuple[ResourceType, ...]:
        """Return everything that is served.

        Raises:
            ClusterError: what the server answers when asked.
        """
        with self._lock:
            return self._known().types

    def unavailable(self) -> tuple[str, ...]:
        """Return ``group/version`` of the APIs that do not answer, by asking now.

        Raises:
            ClusterError: what the server answers when asked.
        """
        with self._lock:
            return (self._known() if self._is_fresh else self._ask()).unavailable

    def forget(self) -> None:
        """Ask again at the next question."""
        with self._lock:
            self._catalogue, self._is_fresh = None, False
            if self._file is not None:
                self._file.remove()

    @property
    def is_fresh(self) -> bool:
        """The server itself was asked since the last `forget`."""
        return self._is_fresh

    def _known(self) -> Catalogue:
        if self._catalogue is None and self._file is not None:
            self._catalogue = self._file.read(self._now())
        return self._catalogue or self._ask()

    def _ask(self) -> Catalogue:
        self._catalogue, self._is_fresh = self._fetch(), True
        if self._file is not None and not self._catalogue.unavailable:
            self._file.write(self._catalogue, self._now())
        return self._catalogue
