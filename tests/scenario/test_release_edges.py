"""The edges of a release's life: namespaces, quotas, order, stopping, time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state, wait_for_release
from bundler.actions.release import install as installing
from bundler.actions.release.lifecycle import RunOptions
from bundler.errors import InterruptedRunError
from bundler.errors.bundle import ExpressionError
from bundler.errors.change import ForeignObjectError, QuotaExceededError, ReleaseNotFoundError, WaitTimeoutError
from bundler.errors.cluster import ForbiddenError, ObjectNotFoundError
from bundler.model.change import Action
from bundler.model.cluster import Payload
from bundler.model.events import ChangeFinished, PhaseStarted
from bundler.model.health import Status
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.operator import Operator
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from bundler.ports import Clock, HeldLock, Ports, ReleaseLock
    from tests.scenario.conftest import World


def make(world: World, kind: str, name: str, api_version: str = "v1", **fields) -> None:
    body = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": world.operator.namespace},
        **fields,
    }
    ref = ObjectRef(api_version.rpartition("/")[0], kind, world.operator.namespace, name)
    world.cluster.create(Payload(ref=ref, api_version=api_version, content=canonical_json(body)))


def make_namespace(world: World) -> None:
    name = world.operator.namespace
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    world.cluster.create(
        Payload(ref=ObjectRef("", "Namespace", "", name), api_version="v1", content=canonical_json(body))
    )


def test_a_diff_into_a_missing_namespace_writes_nothing_and_says_what_is_unverified(world: World):
    proposal = world.operator.diff(world.menu)
    assert proposal.planned.creates_namespace
    assert {change.action for change in proposal.plan.changes} == {Action.CREATE}
    assert not any(change.is_verified for change in proposal.plan.changes if change.desired)
    assert world.cluster.get(ObjectRef("", "Namespace", "", world.operator.namespace)) is None


def test_a_missing_namespace_is_not_made_when_that_is_refused(world: World):
    with pytest.raises(ObjectNotFoundError):
        world.operator.install(world.menu, options=RunOptions(may_create_namespace=False))
    assert world.cluster.get(ObjectRef("", "Namespace", "", world.operator.namespace)) is None


def test_a_quota_that_the_sum_would_break_stops_the_plan(world: World):
    make_namespace(world)
    make(world, "ResourceQuota", "team", spec={"hard": {"services": "0", "pods": "0"}})
    with pytest.raises((QuotaExceededError, ForbiddenError)) as raised:
        world.operator.install(world.menu)
    assert "quota" in raised.value.hint
    assert "services" in "\n".join(raised.value.context)
    assert world.operator.statuses() == []


@IN_MEMORY
def test_all_keys_of_a_generated_secret_are_made_and_the_next_upgrade_finds_them(world: World, tmp_path):
    keys = {"password": "password", "id": "uuid", "cookie": "base64", "salt": "hex"}
    generate = [
        {"name": key, "secret": "{{ release.name }}-keys", "key": key, "kind": kind} for key, kind in keys.items()
    ]
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    menu = make_bundle(tmp_path, {"templates/a.yaml": config}, name="keys", generate=generate)
    result = world.operator.install(menu)
    assert (result.revision.summary.objects, len(result.revision.refs)) == (2, 2)
    made = world.get("Secret", "shop-keys")["data"]
    assert sorted(made) == sorted(keys)
    assert world.operator.upgrade(menu).revision is None
    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    assert [one.entry.ref.kind for one in state.objects] == ["ConfigMap", "Secret"]


@IN_MEMORY
def test_a_rule_for_readiness_that_cannot_be_read_stops_before_anything_is_written(world: World, tmp_path):
    rule = {"match": {"group": "x.example", "kind": "X"}, "ready": "object.status.phase =="}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    menu = make_bundle(tmp_path, {"templates/a.yaml": config}, name="ruled", readiness=[rule])
    with pytest.raises(ExpressionError, match="rules for readiness"):
        world.operator.install(menu)
    assert world.cluster.get(ObjectRef("", "Namespace", "", world.operator.namespace)) is None


@IN_MEMORY
def test_somebody_elses_secret_is_not_taken_for_a_generated_one(world: World):
    make_namespace(world)
    make(world, "Secret", "shop-password", data={"password": "eA=="})
    with pytest.raises(ForeignObjectError) as raised:
        world.operator.install(world.menu)
    assert "Secret/shop-password exists" in raised.value.context[0]


@IN_MEMORY
def test_web_is_written_only_after_database_and_cache_are_ready(world: World):
    world.operator.install("shop")
    finished = [event.ref.short for event in world.operator.events if isinstance(event, ChangeFinished)]
    assert finished.index("Deployment/shop-web") > finished.index("StatefulSet/shop-db")
    of_web = [
        at for at, name in enumerate(finished) if name.startswith(("ServiceAccount/shop-web", "ConfigMap/shop-web"))
    ]
    assert len(of_web) >= 2
    first_of_web = min(of_web)
    last_of_db = max(finished.index(name) for name in ("StatefulSet/shop-db", "PodDisruptionBudget/shop-db"))
    assert first_of_web > last_of_db


@IN_MEMORY
def test_a_run_whose_time_went_into_planning_begins_nothing(world: World):
    world.operator.timeout_s = 0
    with pytest.raises(WaitTimeoutError) as raised:
        world.operator.install(world.menu)
    assert str(raised.value).startswith("planning the change; the time of the whole command ran out")
    assert world.cluster.get(ObjectRef("", "Namespace", "", world.operator.namespace)) is None


class LateLock:
    """A lock that someone else held for a while."""

    def __init__(self, lock: ReleaseLock, clock: Clock, held_s: float) -> None:
        self._lock, self._clock, self._held_s = lock, clock, held_s

    def hold(self, *place: str, doing: str, timeout_s: float) -> AbstractContextManager[HeldLock]:
        self._clock.sleep(self._held_s)
        return self._lock.hold(*place, doing=doing, timeout_s=timeout_s)


class LateOperator(Operator):
    """One who waits for the lock until the time is over."""

    def ports(self) -> Ports:
        ports = super().ports()
        return replace(ports, lock=LateLock(ports.lock, self.clock, self.timeout_s))


@IN_MEMORY
def test_a_run_whose_time_went_into_the_lock_records_nothing(world: World):
    world.operator.install(world.menu)
    late = LateOperator(world.cluster, world.operator.namespace, clock=world.operator.clock, timeout_s=3)
    with pytest.raises(WaitTimeoutError) as raised:
        late.upgrade(world.menu, text="other")
    assert str(raised.value).startswith("locking the release")
    assert world.operator.statuses() == ["deployed"]


UNREADY = "docker.io/library/unready:1"


@IN_MEMORY  # the command line waits in vain on the real API, in `tests/e2e/test_cli.py`
def test_a_wait_that_runs_out_of_time_says_what_is_not_ready_and_can_go_on(world: World):
    world.operator.timeout_s = 3
    world.cluster.fail("Deployment", "shop-web", "NotReady", "prod")
    with pytest.raises(WaitTimeoutError) as raised:
        world.operator.install(world.menu, image=UNREADY)
    assert raised.value.exit_code == 4
    text = "\n".join(raised.value.context)
    assert "Deployment/shop-web" in text
    assert "0/1 ready" in text
    assert "Service/shop-web" not in text.partition("written:")[0], "only what is not ready is named"
    assert world.operator.statuses() == ["failed"]
    world.operator.timeout_s = 60
    world.cluster.heal("Deployment", "shop-web", "prod")
    world.operator.install(world.menu, image="docker.io/library/web:1")
    assert world.operator.statuses() == ["failed", "deployed"]


def test_a_run_that_is_asked_to_stop_stops_marks_and_frees_the_lock(world: World):
    operator = world.operator
    operator.install(world.menu)
    stopped = []
    ports = replace(operator.ports(), is_stopped=lambda: bool(stopped))
    request = operator.request(world.menu, "shop", {"text": "other", "extra": "true"})

    def approve(_proposal):
        stopped.append(True)
        return True

    with pytest.raises(InterruptedRunError) as raised:
        installing.install(request, ports, RunOptions(), approve)
    assert raised.value.exit_code == 130
    assert any(line.startswith("not attempted: ") for line in raised.value.context)
    assert operator.statuses() == ["deployed", "interrupted"]
    operator.upgrade(world.menu, text="other", extra="true")
    assert operator.statuses() == ["superseded", "interrupted", "deployed"]


@IN_MEMORY
def test_what_an_interrupted_run_made_is_pruned_when_nobody_wants_it(world: World):
    operator = world.operator
    operator.install(world.menu)

    class Stopping:
        """Lets the objects be written and the run die right after."""

        def __init__(self, inner):
            self._inner = inner

        def guarded(self, held):
            del held
            return self

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def apply(self, payload, **options):
            answer = self._inner.apply(payload, **options)
            if not options.get("is_dry_run") and payload.ref.name == "shop-extra":
                raise InterruptedRunError("applying", context=["the run died"], hint="again")
            return answer

    operator.cluster = Stopping(world.cluster)
    with pytest.raises(InterruptedRunError):
        operator.upgrade(world.menu, extra="true")
    operator.cluster = world.cluster
    assert world.get("ConfigMap", "shop-extra") is not None
    operator.upgrade(world.menu, text="other")
    assert world.get("ConfigMap", "shop-extra") is None


@IN_MEMORY
def test_status_tells_the_health_of_every_object(world: World):
    world.operator.install(world.menu)
    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    assert state.is_ready
    assert {one.entry.ref.kind for one in state.objects} == {"ConfigMap", "Secret", "Service", "Deployment", "Job"}
    world.cluster.delete(ObjectRef("", "Service", world.operator.namespace, "shop-web"))
    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    missing = [one.entry.ref.short for one in state.objects if one.health.status is Status.NOT_FOUND]
    assert missing == ["Service/shop-web"]
    assert not state.is_ready


def test_a_deleted_object_comes_back_with_the_next_upgrade(world: World):
    world.operator.install(world.menu)
    world.cluster.delete(ObjectRef("", "Service", world.operator.namespace, "shop-web"))
    result = world.operator.upgrade(world.menu)
    assert [c.ref.short for c in result.proposal.plan.changes if c.action is Action.CREATE] == ["Service/shop-web"]


@IN_MEMORY
def test_waiting_for_a_release_changes_nothing(world: World):
    world.operator.install(world.menu, options=RunOptions(waits=False))
    before = [summary.resource_version for summary in world.operator.history()]
    state = wait_for_release(world.operator.ports(), world.operator.namespace, "shop")
    assert state.is_ready
    assert [summary.resource_version for summary in world.operator.history()] == before


@IN_MEMORY
def test_more_time_is_not_what_brings_back_an_object_that_someone_deleted(world: World):
    operator = world.another_operator(timeout_s=3.0)
    operator.install(world.menu)
    service = ObjectRef("", "Service", operator.namespace, "shop-web")
    world.cluster.delete(service)
    with pytest.raises(WaitTimeoutError) as raised:
        wait_for_release(operator.ports(), operator.namespace, "shop")
    assert raised.value.hint == "run `bundler drift shop -n prod --fix`, which makes what does not exist"

    class Deleting(list):
        """Someone deletes what was written, while it is waited for."""

        def append(self, event):
            super().append(event)
            if isinstance(event, PhaseStarted) and event.name == "waiting":
                world.cluster.delete(service)

    operator.events = Deleting()
    with pytest.raises(WaitTimeoutError) as raised:
        operator.upgrade(world.menu, text="other")
    assert raised.value.hint == "run the same command again, which makes what does not exist"


@IN_MEMORY
def test_waiting_for_nobody_is_an_error(world: World):
    with pytest.raises(ReleaseNotFoundError):
        wait_for_release(world.operator.ports(), world.operator.namespace, "ghost")


HOOKED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: first, labels: {app.kubernetes.io/instance: authors-own}}
data: {a: b}
"""


@IN_MEMORY
def test_labels_are_stamped_and_the_authors_instance_wins(world: World, tmp_path):
    bundle = make_bundle(tmp_path / "x", {"templates/a.yaml": HOOKED}, name="labelled")
    world.operator.install(bundle)
    labels = world.get("ConfigMap", "first")["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "bundler"
    assert labels["app.kubernetes.io/instance"] == "authors-own"
    assert set(labels) == {
        "app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "bundler.dev/release-uid", "bundler.dev/component"
    }  # fmt: skip
