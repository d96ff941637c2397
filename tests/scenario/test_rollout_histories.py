"""An autoscaler up and down in every state of a rollout: random histories, checked change by change."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.rollout.observe import RolloutMemory, SteppedWorkload, observe_rollout
from bundler.actions.rollout.templates import TemplateMemory
from bundler.health.pod_ages import PodAges
from bundler.health.pods import FailFast
from bundler.model.cluster import ListQuery
from bundler.model.lean import replace
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.rollout import AskGates, Finished, Hold, Look, Restore, Rollout, RolloutState, Share
from bundler.planning.pacing import new_pods, old_pods, paced, pacing_of
from bundler.planning.payloads import payload_of
from bundler.planning.rollout import next_action
from tests.lib.laws import examples
from tests.lib.operator import Operator
from tests.lib.pod_bounds import Case, body_of, is_new, is_ready
from tests.lib.rolling import bounds
from tests.lib.sandboxes import open_sandbox
from tests.lib.stepped_worlds import AlarmClock

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.rollout import RolloutAction

HERE = Source("web.yaml", 1)
HISTORIES = examples(200)
REF = ObjectRef("apps", "Deployment", "prod", "web")
WATCHED = (("", "Pod"), ("apps", "ReplicaSet"), ("apps", "Deployment"))
BOUNDS = (0, 1, 2, 5, "10%", "25%", "50%", "100%")
STEPS = (["1"], ["10%"], ["1", "25%"], ["25%", "50%", "75%"], ["3", "10"], ["10%", "50%"])


class Seen:
    """A Deployment as its changes tell of it, one after the other, and what must hold after each of them.

    A new number of replicas is shared out by Kubernetes between both templates, whatever the share should be. Until that
    is over, as many pods are ready as before, where they all were; then all promises hold again.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.share: Share | None = None
        self.pods: dict[str, Body] = {}
        self.sets: dict[str, Body] = {}
        self.deployment: Any = {"spec": {"replicas": case.replicas}}
        self.least, self.is_scaled = 0, False

    @property
    def replicas(self) -> int:
        return int(self.deployment["spec"]["replicas"])

    @property
    def promised(self) -> int:
        return self.replicas - bounds(self.case.surge, self.case.unavailable, self.replicas)[1]

    @property
    def sizes(self) -> tuple[int, int]:
        """How many old and new pods the controllers want."""
        sizes = [0, 0]
        for one in self.sets.values():
            sizes[is_new({"spec": one["spec"]["template"]["spec"]})] += one["spec"]["replicas"]  # type: ignore[index,call-overload]
        return sizes[0], sizes[1]

    @property
    def rests(self) -> bool:
        """Whether all pods are there and ready, and what holds them has come true."""
        there = [pod for pod in self.pods.values() if "deletionTimestamp" not in pod["metadata"]]  # type: ignore[operator]
        old, new = self.sizes
        key = "deployment.kubernetes.io/desired-replicas"
        noted = {one["metadata"]["annotations"].get(key) for one in self.sets.values() if one["spec"]["replicas"]}  # type: ignore[index,call-overload,union-attr]
        now = pacing_of(self.deployment)
        held = (old_pods(now, self.replicas), new_pods(now, self.replicas)) if now else (self.replicas, 0)
        is_held = old <= held[0] and new >= held[1] and old + new >= self.replicas
        return all(map(is_ready, there)) and len(there) == old + new and is_held and noted <= {str(self.replicas)}

    def take(self, kind: str, type_: str, body: Any) -> None:
        """Take one change, and check what holds after it."""
        if kind == "Deployment":
            self._take_deployment(body)
            return
        before = self.sizes
        known, uid = (self.pods if kind == "Pod" else self.sets), body["metadata"]["uid"]
        known.pop(uid, None)
        if type_ != "DELETED":
            known[uid] = body
        self._check(*before)

    def _take_deployment(self, body: Any) -> None:
        rested, replicas, promised = self.rests, self.replicas, self.promised
        self.deployment = body
        if self.replicas != replicas:
            self.is_scaled = True
            self.least = min(self.least, promised, self.promised) if rested else 0

    def _check(self, old: int, new: int) -> None:
        """Check what is after a change, and that what has grown was allowed to.

        Args:
            old: pods of the old template that were wanted before.
            new: pods of the new one.
        """
        there = [pod for pod in self.pods.values() if "deletionTimestamp" not in pod["metadata"]]
        assert sum(map(is_ready, there)) >= self.least
        rolling = self.deployment["spec"]["strategy"]["rollingUpdate"]
        live = bounds(rolling["maxSurge"], rolling["maxUnavailable"], self.replicas)
        surge = max(live[0], bounds(self.case.surge, self.case.unavailable, self.replicas)[0])
        assert sum(self.sizes) <= max(old + new, self.replicas + surge)
        if self.share and not self.is_scaled:
            assert self.sizes[1] <= max(new, self.share.pods(self.replicas))
        if self.rests:
            self.least, self.is_scaled = self.promised, False


class History:
    """One rollout in a sandbox of its own, moved by what the verbs are made of, and an autoscaler that comes at random."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        pace = (0, 0)
        while pace == (0, 0):
            pace = (self.random.choice(BOUNDS), self.random.choice(BOUNDS))  # type: ignore[assignment]
        self.case = Case("web", self.random.randint(2, 20), *pace)
        self.shares = [Share.parse(text) for text in self.random.choice(STEPS)]
        self.clock = AlarmClock()
        self.cluster = open_sandbox(self.clock)
        self.ports = Operator(self.cluster, "prod", clock=self.clock).ports()
        self.memory = RolloutMemory(TemplateMemory(), PodAges(FailFast()))
        self.seen = Seen(self.case)
        self.version = "0"

    def run(self) -> None:
        """Go through all steps, and to the end or back."""
        ref, body = ObjectRef("", "Namespace", "", "prod"), {"metadata": {"name": "prod"}}
        namespace = Manifest(
            ref=ref, api_version="v1", body={"apiVersion": "v1", "kind": "Namespace", **body}, source=HERE
        )
        self.cluster.apply(payload_of(namespace, None))
        self.version = self.cluster.list(ListQuery(group="", kind="Pod", namespace="prod")).resource_version
        self.write("docker.io/library/web:1")
        self.wait(10)
        assert self.seen.rests
        self.rollout = Rollout(shares={"": tuple(self.shares)}, has_canary=self.random.random() < 0.5)
        for number, share in enumerate(self.shares, start=1):
            self.seen.share = share
            self.rollout = replace(self.rollout, step=number)
            self.go_on()
            self.scale_sometimes(0.7)
            self.wait(self.random.uniform(0, 10))
        self.seen.share = None
        if is_aborted := self.random.random() < 0.5:
            self.rollout = replace(self.rollout, state=RolloutState.ABORTING)
            self.go_on()
        else:
            self.write(self.new_image)
        self.scale_sometimes(0.5)
        self.wait(60)
        number = self.seen.replicas
        assert self.seen.sizes == ((number, 0) if is_aborted else (0, number))
        assert pacing_of(self.seen.deployment) is None

    def go_on(self) -> None:
        """Do the next thing again and again, until there is none in this step."""
        for _ in range(2000):
            self.scale_sometimes(0.05)
            if self.do(next_action(self.rollout, observe_rollout([self.workload], self.ports, self.memory))):
                return
            self.wait(self.random.choice([0, 0.1, 0.5, 1]))
        raise AssertionError("it does not come to an end")

    def do(self, action: RolloutAction) -> bool:
        """Do what is next; return whether nothing is left to do."""
        match action:
            case Hold():
                self.write(self.new_image, action)
            case Restore():
                self.write("docker.io/library/web:1")
            case AskGates() | Finished():
                return True
            case _:
                assert isinstance(action, Look), action
        return False

    @property
    def new_image(self) -> str:
        return "docker.io/library/slow-web:2" if self.case.replicas % 2 else "docker.io/library/web:2"

    @property
    def workload(self) -> SteppedWorkload:
        new, old = self.manifest(self.new_image), self.manifest("docker.io/library/web:1")
        return SteppedWorkload(ref=REF, component="", new=new, old=old)

    def manifest(self, image: str) -> Manifest:
        body = body_of(self.case, image=image)
        body["metadata"]["namespace"], body["spec"]["replicas"] = "prod", self.seen.replicas
        return Manifest(ref=REF, api_version="apps/v1", body=body, source=HERE)

    def write(self, image: str, hold: Hold | None = None) -> None:
        manifest = self.manifest(image)
        self.cluster.apply(payload_of(paced(manifest, hold.pacing) if hold else manifest, None), is_forced=True)
        self.wait(0)

    def scale_sometimes(self, chance: float) -> None:
        while self.random.random() < chance:
            chance /= 2
            self.cluster.scale(
                "Deployment", "web", self.random.randint(2, 20), namespace="prod", manager="kube-controller-manager"
            )
            self.wait(self.random.choice([0, 0, 1, 10]))

    def wait(self, seconds: float) -> None:
        """Let time pass, and take what has changed by then."""
        self.clock.sleep(seconds)
        changes = [change for kind in WATCHED for change in self.changes(*kind)]
        for version, kind, event in sorted(changes, key=lambda change: change[0]):
            self.seen.take(kind, event.type, event.body)
            self.version = max(self.version, str(version), key=int)

    def changes(self, group: str, kind: str) -> list[tuple[int, str, Any]]:
        query = ListQuery(group=group, kind=kind, namespace="prod")
        found = self.cluster.watch(query, resource_version=self.version, timeout_s=0)
        return [(int(one.body["metadata"]["resourceVersion"]), kind, one) for one in found if one.type != "BOOKMARK"]


@pytest.mark.slow
def test_whatever_an_autoscaler_does_in_a_rollout_pods_are_ready_and_few_are_new() -> None:
    for seed in range(HISTORIES):
        try:
            History(seed).run()
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
