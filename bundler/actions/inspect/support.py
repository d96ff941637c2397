"""Gather what helps to find out what is wrong with a release, far from its cluster. Layer: actions.

It only reads, and sends dry runs. Parts are independent: one that cannot be read says why, and the others are there.
The size is bounded, and everything that is known to be sensitive is masked; where that cannot be read, what others
wrote (logs, events, messages) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.diagnostics import event_time
from bundler.actions.change.list_watch import list_live
from bundler.actions.change.pod_watch import containers_of
from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.inspect.logs import pods_of_release
from bundler.actions.inspect.release_queries import in_plan_order
from bundler.actions.inspect.status import release_state
from bundler.actions.preflight.check_runner import first_line, list_all
from bundler.actions.release.history import History, require_history
from bundler.errors import BundlerError
from bundler.errors.change import ReleaseNotFoundError
from bundler.model.cluster import ListQuery, LogQuery
from bundler.model.json import Body, as_json, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.names import release_uid
from bundler.model.redaction import MASK
from bundler.model.refs import ObjectRef
from bundler.model.release import ReleaseStatus, Revision, RevisionSummary
from bundler.model.secret_leaves import leaf_texts, shareable
from bundler.model.size import counted, shown_bytes
from bundler.model.support import SupportPart, SupportRequest
from bundler.planning.shown_names import public_identifiers
from bundler.syntax.json_text import dump_json
from bundler.syntax.writer import dump_yaml
from bundler.wire.drift import drift_forms
from bundler.wire.releases import audit_forms, entry_forms, revision_form, state_form
from bundler.wire.support import event_forms, node_forms, part_forms, pod_forms

if TYPE_CHECKING:
    from bundler.ports import Ports

MAX_FILE_BYTES = 2 * 1024 * 1024
MAX_BYTES = 24 * 1024 * 1024
"""Of all files together, before they are packed."""
_MAX_EVENTS = 1000
_MAX_LOGS = 200
_MAX_NODES = 500
_LEAST_S = 3.0
"""For each part, even when the time has run out."""
_UNMASKABLE = "left out: what is sensitive could not be read, so nothing in it could be masked"
_README = """\
What bundler gathered about a release, to be read where its cluster cannot be reached.

index.json says what is here and what could not be read, and why. Values that are known to be sensitive are *** in every
file, the data of Secrets is not here at all, and logs are the last lines of each container. bundler cannot know what
else an application writes into its log: look through logs/ before you pass this on.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportFile:
    """One file of the archive."""

    path: str
    content: bytes


def gather_support(
    request: SupportRequest, ports: Ports, about: dict[str, str]
) -> tuple[tuple[SupportFile, ...], tuple[SupportPart, ...]]:
    """Return the files of a support bundle, and what its parts are.

    Args:
        request: which release, and how much of its logs.
        ports: the cluster, records, clock and reporter of the run.
        about: versions of the program and of what it runs on.

    Raises:
        ReleaseNotFoundError: when there is no such release.
    """
    gathering = _Gathering(request, ports, about)
    gathering.take_all()
    return tuple(gathering.files), tuple(gathering.parts)


class _Gathering:
    """One support bundle in the making."""

    def __init__(self, request: SupportRequest, ports: Ports, about: dict[str, str]) -> None:
        self._request, self._ports, self._about = request, ports, about
        self.files: list[SupportFile] = []
        self.parts: list[SupportPart] = []
        self._left = MAX_BYTES
        self._history: History | None = None
        self._revision: Revision | None = None
        self._pods: Sequence[Body] = ()
        self._unknown = ""
        """Why not everything sensitive is known; empty where it is."""

    def take_all(self) -> None:
        parts: tuple[tuple[str, Callable[[], str]], ...] = (
            ("versions", self._versions),
            ("record", self._record),
            ("secrets", self._learn),
            ("revision", self._recorded),
            ("history", self._trail),
            ("status", self._status),
            ("drift", self._drift),
            ("objects", self._objects),
            ("pods", self._pod_states),
            ("events", self._events),
            ("logs", self._logs),
            ("nodes", self._nodes),
        )
        ends_s = self._ports.deadline_s
        for number, (name, gather) in enumerate(parts):
            clock = self._ports.clock
            share_s = max(_LEAST_S, (ends_s - clock.monotonic()) / (len(parts) - number))
            self._ports = replace(self._ports, deadline_s=clock.monotonic() + share_s)
            self._ports.prolong(self._ports.deadline_s)
            self._take(name, gather)
        index = {
            "formatVersion": 1,
            "release": self._request.release,
            "namespace": self._request.namespace,
            "created": self._ports.clock.now().isoformat(),
            "parts": part_forms(self.parts),
        }
        self.files = [SupportFile(path="README.txt", content=_README.encode()), *self.files]
        self.files.append(SupportFile(path="index.json", content=self._json(index)))

    def _take(self, name: str, gather: Callable[[], str]) -> None:
        """Gather one part; it returns what was left out of it."""
        before, error, note = len(self.files), "", ""
        try:
            note = gather()
        except ReleaseNotFoundError as gone:
            if name == "record":
                raise
            error = self._text(first_line(gone))
        except BundlerError as failed:
            error = self._text("; ".join((str(failed), *failed.context)))
        paths = tuple(file.path for file in self.files[before:])
        self.parts.append(SupportPart(name=name, files=paths, error=error, note=note))

    # --- what is gathered ---------------------------------------------------------------------------------------

    def _versions(self) -> str:
        identity = self._ports.cluster.identity()
        cluster = {
            "context": identity.context,
            "server": identity.server,
            "uid": identity.uid,
            "version": identity.version,
            "user": identity.who,
            "unavailableApis": list(self._ports.cluster.unavailable_apis()),
        }
        self._add_json("versions.json", {**self._about, "cluster": cluster})
        return ""

    def _record(self) -> str:
        self._history = require_history(self._ports.store, self._request.namespace, self._request.release)
        self._revision = self._ports.store.load(self._history.summaries[-1])
        public = public_identifiers(self._revision.manifests)
        self._ports.redactor.publish(self._request.release, self._request.namespace, *public)
        return ""

    def _learn(self) -> str:
        """Learn everything sensitive that revisions record, and that Secrets of the release hold."""
        self._unknown = "the record could not be read"
        history, revision = self._read()
        self._unknown = ""
        for summary in history.summaries:
            try:
                self._ports.redactor.learn(*self._ports.store.load(summary, with_sensitive=True).sensitive)
            except BundlerError as error:
                self._unknown = first_line(error)
        for ref in sorted({ref for ref in revision.refs if (ref.group, ref.kind) == ("", "Secret")}):
            try:
                body = self._ports.cluster.get(ref)
            except BundlerError as error:
                self._unknown = first_line(error)
                continue
            self._ports.redactor.learn(*(leaf_texts(body) if body is not None else ()))
        return f"not all is known: {self._text(self._unknown)}" if self._unknown else ""

    def _recorded(self) -> str:
        _, revision = self._read()
        self._add_json("revision.json", {**revision_form(revision), "values": revision.user_values})
        ordered = in_plan_order(revision)
        self._add_json("plan.json", entry_forms(replace(revision, inventory=ordered)))
        bodies = [entry.manifest.body for entry in ordered if entry.manifest is not None]
        self._add("manifest.yaml", "---\n".join(self._yaml(body) for body in bodies))
        return ""

    def _trail(self) -> str:
        unread: list[BundlerError] = []
        trail = self._ports.store.trail(namespace=self._request.namespace, on_unreadable=unread.append)
        self._add_json(
            "history.json", audit_forms(one for one in trail if one.summary.release == self._request.release)
        )
        for summary in self._failed():
            evidence = self._ports.store.load(summary).evidence
            self._add(f"evidence/revision-{summary.revision}.txt", self._text(evidence))
        return self._text("; ".join(map(first_line, unread)))

    def _failed(self) -> Iterator[RevisionSummary]:
        history, _ = self._read()
        yield from (one for one in history.summaries if one.status in {ReleaseStatus.FAILED, ReleaseStatus.INTERRUPTED})

    def _status(self) -> str:
        state = release_state(self._ports, self._request.namespace, self._request.release)
        self._add_json("status.json", {**state_form(state), "unasked": list(state.unasked)})
        return ""

    def _drift(self) -> str:
        request = DriftRequest(release=self._request.release, namespace=self._request.namespace)
        self._add_json("drift.json", drift_forms([find_drift(request, self._ports)]))
        return ""

    def _objects(self) -> str:
        _, revision = self._read()
        uid = release_uid(self._request.namespace, self._request.release)
        live = list_live(revision.refs, self._ports, uid=uid)
        self._add_json("objects.json", [_facts_of(ref, body) for ref, body in sorted(live.items())])
        return ""

    def _pod_states(self) -> str:
        self._pods = pods_of_release(self._ports, self._request.namespace, self._request.release)
        if self._unknown:
            return _UNMASKABLE
        self._add_json("pods.json", pod_forms(self._pods))
        return ""

    def _events(self) -> str:
        if self._unknown:
            return _UNMASKABLE
        _, revision = self._read()
        names = {ref.name for ref in revision.refs} | {text_at(pod, "metadata", "name") for pod in self._pods}
        found: list[Body] = []
        for namespace in sorted({ref.namespace for ref in revision.refs if ref.namespace}):
            listed = self._ports.cluster.list(ListQuery(group="", kind="Event", namespace=namespace)).items
            found += [event for event in listed if _is_about(event, names)]
        found.sort(key=event_time)
        self._add_json("events.json", event_forms(found[-_MAX_EVENTS:]))
        left = len(found) - _MAX_EVENTS
        return f"{counted(left, 'older event')} left out" if left > 0 else ""

    def _logs(self) -> str:
        if self._unknown:
            return _UNMASKABLE
        streams = [(pod, name) for pod in self._pods for name in containers_of(pod)]
        failed = [line for pod, name in streams[:_MAX_LOGS] for line in self._log(pod, name)]
        left = len(streams) - _MAX_LOGS
        failed += [f"{counted(left, 'more container')} left out"] if left > 0 else []
        return "; ".join(failed)

    def _log(self, pod: Body, container: str) -> Iterator[str]:
        """Add the last lines of a container, and of the one before it; yield why there are none."""
        namespace, name = (text_at(pod, "metadata", key) for key in ("namespace", "name"))
        for is_previous in (False, True):
            query = LogQuery(
                container=container,
                tail_lines=self._request.tail_lines,
                is_previous=is_previous,
                is_tried_once=True,
            )
            try:
                lines = list(self._ports.cluster.logs(ObjectRef("", "Pod", namespace, name), query))
            except BundlerError as error:
                if not is_previous:  # most containers have no predecessor
                    yield self._text(f"{name} {container}: {first_line(error)}")
                continue
            if lines:
                suffix = ".previous.log" if is_previous else ".log"
                self._add(f"logs/{namespace}/{name}/{container}{suffix}", self._text("\n".join(lines)) + "\n")

    def _nodes(self) -> str:
        nodes = list_all(self._ports.cluster, "", "Node")
        self._add_json("nodes.json", node_forms(nodes[:_MAX_NODES]))
        return f"{counted(len(nodes) - _MAX_NODES, 'node')} left out" if len(nodes) > _MAX_NODES else ""

    # --- inside -------------------------------------------------------------------------------------------------

    def _read(self) -> tuple[History, Revision]:
        if self._history is None or self._revision is None:
            raise BundlerError(
                "reading the record", context=["it could not be read"], hint="read the error of the part `record`"
            )
        return self._history, self._revision

    def _text(self, text: str) -> str:
        return self._ports.redactor.redact(text)

    def _json(self, value: object) -> bytes:
        redactor = self._ports.redactor
        masked = as_json(value, mask=redactor.redact_value, mask_key=redactor.redact)
        return (dump_json(masked, indent=2, is_strict=False) + "\n").encode(errors="replace")

    def _yaml(self, body: Body) -> str:
        return self._text(dump_yaml(shareable(body)))

    def _add_json(self, path: str, value: object) -> None:
        content = self._json(value)
        if len(content) > min(MAX_FILE_BYTES, self._left):
            raise BundlerError(
                f"writing {path}", context=[f"it would take {shown_bytes(len(content))}"], hint="read it in the cluster"
            )
        self._put(path, content)

    def _add(self, path: str, text: str) -> None:
        """Add a text; of one that is too long the end, where the newest lines of a log are."""
        most, content = min(MAX_FILE_BYTES, self._left), text.encode(errors="replace")
        if len(content) > most:
            content = content[len(content) - most :]
            content = content[content.find(b"\n") + 1 :]
        self._put(path, content)

    def _put(self, path: str, content: bytes) -> None:
        self._left -= len(content)
        self.files.append(SupportFile(path=path, content=content))


def _facts_of(ref: ObjectRef, body: Body) -> dict[str, object]:
    """Return what helps of a live object and is not secret; the spec that was written is in manifest.yaml."""
    metadata = body.get("metadata")
    names = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "finalizers")
    facts = {name: metadata[name] for name in names if name in metadata} if isinstance(metadata, dict) else {}
    status = body.get("status") if ref.kind != "Secret" else MASK
    return {"object": str(ref), "apiVersion": body.get("apiVersion"), "metadata": facts, "status": status}


def _is_about(event: Body, names: set[str]) -> bool:
    """Return whether an event is about an object of the release, or one made for it, such as a ReplicaSet."""
    subject = text_at(event, "involvedObject", "name")
    return subject in names or subject.rpartition("-")[0] in names
