"""What a controller sees and does: objects, faults, time. Layer: sandbox, pure over a store."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bundler.fields.kinds import schema_of
from bundler.fields.merge import track_update
from bundler.model.json import by_label, items_at, mapping_at, text_at
from bundler.model.refs import ObjectRef, group_of, ref_of
from bundler.sandbox.deletion import start_deletion
from bundler.sandbox.store import new_uid
from bundler.sandbox.writes import has_generation, thawed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.json import Body, JSONValue
    from bundler.ports import Propagation
    from bundler.sandbox.settings import SandboxSettings
    from bundler.sandbox.store import Fault, Transaction, Tree

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' own: no vowels, so that no words come about."""
MOMENT_S = 0.001
MANAGER = "kube-controller-manager"


class World:
    """One run of the controllers inside one transaction."""

    def __init__(self, tx: Transaction, *, now_s: float, settings: SandboxSettings) -> None:
        self.tx = tx
        self.now_s = now_s
        self.time = rfc3339(now_s)
        self.settings = settings
        self.faults: Mapping[ObjectRef, Fault] = {fault.ref: fault for fault in tx.faults()}
        self.next_s: float | None = None
        self._pods: dict[str, Mapping[tuple[str, JSONValue], Sequence[Body]]] = {}

    def wake_at(self, due_s: float) -> None:
        """Ask to be called again at a time, in seconds since the epoch."""
        # Sums of floats may fall short of the moment that they stand for.
        due_s += MOMENT_S
        if self.next_s is None or due_s < self.next_s:
            self.next_s = due_s

    def all(self, group: str, kind: str, namespace: str = "") -> list[Body]:
        """Return all objects of a kind, read-only.

        Args:
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
            namespace: None or empty for all.
        """
        return self.tx.peek(group, kind, namespace)

    def staying(self, group: str, kind: str) -> list[Body]:
        """Return all objects of a kind that are not being deleted, read-only."""
        return [one for one in self.all(group, kind) if not is_leaving(one)]

    def owned(self, owner: Body, group: str, kind: str) -> list[Body]:
        """Return the objects of a kind that ``owner`` controls, read-only, by name.

        Args:
            owner: the object that controls it.
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
        """
        uid, namespace = text_at(owner, "metadata", "uid"), text_at(owner, "metadata", "namespace")
        found = self.tx.peek_owned(uid, group, kind)
        return [
            one for one in found if controller_uid(one) == uid and text_at(one, "metadata", "namespace") == namespace
        ]

    def labelled_pods(self, namespace: str, labels: Mapping[str, JSONValue]) -> Sequence[Body]:
        """Return a few pods among which are all those with these labels; all pods where none is given.

        Pods are indexed once in a run: a thousand Services must not each go through a thousand pods.
        """
        if not labels:
            return self.all("", "Pod", namespace)
        if namespace not in self._pods:
            self._pods[namespace] = by_label(self.all("", "Pod", namespace))
        index = self._pods[namespace]
        return min((index.get(label, ()) for label in labels.items()), key=len)

    def create(self, group: str, kind: str, body: Tree) -> Body:
        """Store a new object as a controller makes it."""
        metadata = body["metadata"]
        metadata |= {"uid": new_uid(), "creationTimestamp": self.time}
        if has_generation(group, kind):
            metadata["generation"] = 1
        self.tx.insert(ObjectRef(group, kind, metadata.get("namespace", ""), metadata["name"]), body)
        return body

    def delete(self, body: Body) -> None:
        """Delete an object in the background; one that is leaving already is left alone."""
        self.delete_at(ref_of(body))

    def delete_at(self, ref: ObjectRef, *, propagation: Propagation = "Background") -> None:
        """Delete an object by its name; one that is leaving already, or gone, is left alone."""
        live = self.tx.get(ref)
        if live is not None and "deletionTimestamp" not in live["metadata"]:
            start_deletion(self.tx, ref, live, propagation=propagation, time=self.time)

    def set_status(self, body: Body, status: Mapping[str, object]) -> None:
        """Write an object's status where it differs."""
        if mapping_at(body, "status") == status:
            return
        # What the caller looked at may have been changed by itself since.
        made = self.tx.get(ref_of(body))
        if made is not None:
            made["status"] = json.loads(json.dumps(status))
            _own_status(made, self.time)
            self.tx.update(ref_of(body), made)

    def update(self, body: Body, made: Tree) -> None:
        """Store a changed copy of an object, counting a generation where its spec differs."""
        group, kind = group_of(text_at(body, "apiVersion")), text_at(body, "kind")
        if has_generation(group, kind) and made.get("spec") != body.get("spec"):
            made["metadata"]["generation"] = made["metadata"].get("generation", 0) + 1
        if made["metadata"].get("managedFields"):
            tracked = track_update(body, made, manager=MANAGER, schema=schema_of(made), time=self.time)
            made = thawed(tracked)
        self.tx.update(ref_of(body), made)

    def warn(self, body: Body, reason: str, message: str, *, component: str = "kubelet") -> None:
        """Post a Warning event about an object; the same one again is counted.

        Args:
            body: the object that it is about.
            reason: a word for it, such as ``ImagePullBackOff``.
            message: what happened.
            component: name of the controller.
        """
        metadata = mapping_at(body, "metadata")
        namespace, name = text_at(metadata, "namespace") or "default", text_at(metadata, "name")
        mark = short_hash(f"{text_at(metadata, 'uid')}/{reason}/{message}", 16)
        ref = ObjectRef("", "Event", namespace, f"{name[:200]}.{mark}")
        if self.tx.get(ref) is not None:
            return
        self.tx.insert(ref, _event(self.time, body, ref, {"reason": reason, "message": message, "source": component}))


def _event(time: str, body: Body, ref: ObjectRef, said: Mapping[str, str]) -> Tree:
    involved = {name: text_at(body, "metadata", name) for name in ("name", "namespace", "uid", "resourceVersion")}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": new_uid(),
            "creationTimestamp": time,
        },
        "involvedObject": {"apiVersion": text_at(body, "apiVersion"), "kind": text_at(body, "kind"), **involved},
        "type": "Warning",
        "reason": said["reason"],
        "message": said["message"],
        "count": 1,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "source": {"component": said["source"]},
        "reportingComponent": said["source"],
    }


def rfc3339(seconds: float) -> str:
    """Write seconds since the epoch as the API does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float:
    """Return seconds since the epoch of a time the API wrote; 0 where there is none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def controller_uid(body: Body) -> str:
    """Return the uid of the object's controlling owner, empty where it has none."""
    owners = items_at(body, "metadata", "ownerReferences")
    return next((text_at(owner, "uid") for owner in owners if owner.get("controller") is True), "")


def owner_reference(owner: Body) -> Tree:
    """Return the reference by which ``owner`` controls what it makes."""
    return {
        "apiVersion": text_at(owner, "apiVersion"),
        "kind": text_at(owner, "kind"),
        "name": text_at(owner, "metadata", "name"),
        "uid": text_at(owner, "metadata", "uid"),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_leaving(body: Body) -> bool:
    """Return whether an object is being deleted."""
    return bool(text_at(body, "metadata", "deletionTimestamp"))


def is_pod_ready(pod: Body) -> bool:
    """Return whether a pod's Ready condition is true."""
    return any(
        one.get("type") == "Ready" and one.get("status") == "True" for one in items_at(pod, "status", "conditions")
    )


def short_hash(text: str, length: int = 10) -> str:
    """Return a hash as Kubernetes puts into names."""
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])


def share_of(value: JSONValue, whole: int, *, up: bool) -> int:
    """Return a number of pods, or the percentage of a whole that a text like ``25%`` names; 0 for anything else.

    Args:
        value: as a field holds it.
        whole: how many pods 100 % are.
        up: round up, and not down.
    """
    if isinstance(value, str) and value.endswith("%"):
        part = int(value[:-1]) * whole / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value) if isinstance(value, int | str) else 0


def template_hash(template: JSONValue) -> str:
    """Return the hash of a pod template; equal templates have equal hashes."""
    return short_hash(json.dumps(template, sort_keys=True))


def with_times(old: Sequence[Body], wanted: Sequence[Tree], time: str) -> list[Tree]:
    """Return conditions with ``lastTransitionTime``: kept where the status is what it was.

    Args:
        old: conditions before.
        wanted: conditions now.
        time: RFC 3339.
    """
    known = {text_at(one, "type"): one for one in old}
    made = []
    for condition in wanted:
        before = known.get(condition["type"], {})
        is_same = before.get("status") == condition["status"]
        made.append({**condition, "lastTransitionTime": text_at(before, "lastTransitionTime") if is_same else time})
    return made


def pod_from(template: JSONValue, owner: Body, name: str, labels: Mapping[str, str]) -> Tree:
    """Return a pod as a workload controller makes it.

    Args:
        template: of the workload.
        owner: the object that controls it.
        name: of the pod.
        labels: of the pod.
    """
    made = thawed(mapping_at({"template": template}, "template"))
    metadata = made.get("metadata") or {}
    metadata = {key: metadata[key] for key in ("labels", "annotations", "finalizers") if key in metadata}
    metadata |= {"name": name, "namespace": text_at(owner, "metadata", "namespace")}
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    metadata["ownerReferences"] = [owner_reference(owner)]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": made.get("spec") or {},
        "status": {"phase": "Pending"},
    }


def _own_status(body: Tree, time: str) -> None:
    """Note the controller as owner of the status, in objects whose ownership is tracked at all."""
    entries = body["metadata"].get("managedFields")
    if not entries:
        return
    fields: Tree = {"f:status": {f"f:{name}": {} for name in body["status"]}}
    kept = [one for one in entries if (one.get("manager"), one.get("subresource")) != (MANAGER, "status")]
    entry = {"manager": MANAGER, "operation": "Update", "apiVersion": body["apiVersion"], "time": time}
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": fields, "subresource": "status"}
    body["metadata"]["managedFields"] = [*kept, entry]
