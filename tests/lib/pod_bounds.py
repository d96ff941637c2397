"""Watch all pods of stepped workloads, and check at every event how many are ready, new, and there at all.

It shares no code with bundler: what it counts are the pods as a real watch reports them, one event after the other.
How many there may be is a promise of a Deployment's controller about the sizes of its ReplicaSets, and counted there:
their own controllers make and delete pods when they come to it, as in any rolling update.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    from tests.lib.raw_api import RawApi

Body = Mapping[str, Any]
NEW, OLD = "web:2", "web:1"


@dataclass(frozen=True, slots=True)
class Case:
    """One workload of the matrix; all its pods have its name as their label ``app``."""

    name: str
    replicas: int
    surge: int | str = 0
    unavailable: int | str = 1
    policy: str = ""
    """Of a StatefulSet; empty for a Deployment."""

    @property
    def least(self) -> int:
        """Pods that are ready at every moment. A StatefulSet replaces one after the other."""
        missing = 1 if self.policy else _pods(self.unavailable, self.replicas, math.floor)
        return self.replicas - (missing or (0 if self.more else 1))

    @property
    def more(self) -> int:
        """Pods that there may be beyond its replicas, as its author says."""
        return _pods(self.surge, self.replicas, math.ceil)

    def share(self, share: int | str) -> int:
        """Return how many new pods a share is."""
        return min(_pods(share, self.replicas, math.ceil), self.replicas)


def _pods(bound: int | str, replicas: int, rounded: Any) -> int:
    return bound if isinstance(bound, int) else int(rounded(int(bound.removesuffix("%")) * replicas / 100))


@dataclass
class PodBounds:
    """What is watched in a namespace, and what was seen that must not be."""

    cases: Mapping[str, Case]
    share: int | str = 0
    """The target of the step that moves now."""
    most: Counter[str] = field(default_factory=Counter)
    """The largest surge that any step so far was allowed."""
    wrong: list[str] = field(default_factory=list)
    events: int = 0
    _pods: dict[str, dict[str, Body]] = field(default_factory=dict)
    _sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def aim(self, share: int | str, *, is_canary: bool = False) -> None:
        """Say to which share of new pods things may move from now on."""
        self.share = share
        for name, case in self.cases.items():
            surge = case.share(share) if is_canary and case.more and not case.policy else case.more
            self.most[name] = max(self.most[name], surge)

    def follow(self, api: RawApi, namespace: str) -> None:
        """List pods and ReplicaSets, and watch them from there on in threads of their own."""
        pods, sets = f"/api/v1/namespaces/{namespace}/pods", f"/apis/apps/v1/namespaces/{namespace}/replicasets"
        for path, take in ((pods, self._take_pod), (sets, self._take_set)):
            listed = api.call("GET", path)
            for body in listed["items"]:
                take("LISTED", body)
            follow = (api, path, listed["metadata"]["resourceVersion"], take)
            threading.Thread(target=self._watch, args=follow, daemon=True).start()

    def stop(self) -> None:
        """Take no more events: what follows is not of the rollout."""
        self._stopped.set()

    def counts(self, name: str) -> tuple[int, int, int]:
        """Return how many pods of a workload are ready, new, and there at all."""
        there = [one for one in self._pods.get(name, {}).values() if "deletionTimestamp" not in one["metadata"]]
        return sum(map(is_ready, there)), sum(map(is_new, there)), len(there)

    def old_uids(self, name: str) -> set[str]:
        """Return the uids of the old pods of a workload."""
        return {uid for uid, one in self._pods.get(name, {}).items() if not is_new(one)}

    def _watch(self, api: RawApi, path: str, version: str, take: Callable[[str, Body], None]) -> None:
        try:
            self._watch_to_the_end(api, path, version, take)
        except (OSError, ValueError, ApiError, KeyError) as error:
            if not self._stopped.is_set():
                self.wrong.append(f"the watch of {path} ended: {error!r}")

    def _watch_to_the_end(self, api: RawApi, path: str, version: str, take: Callable[[str, Body], None]) -> None:
        while not self._stopped.is_set():
            # The server ends each watch after some minutes; the next one continues with the event after the last one.
            for event in api.watch(path, version):
                if self._stopped.is_set():
                    return
                version = event["object"]["metadata"]["resourceVersion"]
                self.events += 1
                take(event["type"], event["object"])

    def _take_pod(self, kind: str, body: Body) -> None:
        uid, name = body["metadata"]["uid"], body["metadata"]["labels"]["app"]
        pods, case = self._pods.setdefault(name, {}), self.cases[name]
        if kind == "DELETED":
            pods.pop(uid, None)
        else:
            pods[uid] = body
        if kind == "LISTED":
            return
        ready, new, there = self.counts(name)
        self._check(case, f"{ready} ready, at least {case.least}", is_wrong=ready < case.least)
        self._check(case, f"{new} new, at most {case.share(self.share)}", is_wrong=new > case.share(self.share))
        if case.policy:
            self._check(case, f"{there} pods of {case.replicas}", is_wrong=there > case.replicas)

    def _take_set(self, kind: str, body: Body) -> None:
        name = body["metadata"]["labels"]["app"]
        sizes, case = self._sizes.setdefault(name, {}), self.cases[name]
        sizes[body["metadata"]["uid"]] = 0 if kind == "DELETED" else body["spec"]["replicas"]
        most = case.replicas + self.most[name]
        self._check(case, f"{sum(sizes.values())} wanted, at most {most}", is_wrong=sum(sizes.values()) > most)

    def _check(self, case: Case, what: str, *, is_wrong: bool) -> None:
        if is_wrong:
            self.wrong.append(f"{case.name} on the way to {self.share}: {what}")


def is_ready(pod: Body) -> bool:
    """Return whether a pod is ready."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))


def is_new(pod: Body) -> bool:
    """Return whether a pod is of the new version."""
    return bool(pod["spec"]["containers"][0]["image"].endswith(NEW))


def matrix(sizes: Sequence[int]) -> dict[str, Case]:
    """Return every pace of a Deployment and of both kinds of StatefulSets, each of every size.

    What has a single pod and may have none beside it is refused.
    """
    found = [
        Case(f"web-{replicas}-{surge}-{unavailable}".replace("%", "p"), replicas, surge, unavailable)
        for replicas in sizes
        for surge in (0, "25%", "100%")
        for unavailable in (0, 1, "25%")
        if surge or (unavailable and replicas > 1)
    ]
    for policy in ("OrderedReady", "Parallel"):
        found += [Case(f"{policy.lower()}-{size}", size, policy=policy) for size in sizes if size > 1]
    return {case.name: case for case in found}


def body_of(case: Case, *, image: str) -> dict[str, Any]:
    """Return the workload as its author writes it."""
    labels = {"app": case.name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec: dict[str, Any] = {"replicas": case.replicas, "selector": {"matchLabels": labels}, "template": template}
    kind = "StatefulSet" if case.policy else "Deployment"
    if case.policy:
        spec |= {"serviceName": case.name, "podManagementPolicy": case.policy}
    else:
        bounds = {"maxSurge": case.surge, "maxUnavailable": case.unavailable}
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": bounds}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": case.name}, "spec": spec}
