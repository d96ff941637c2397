"""Laws of the sandbox over random histories: it settles, nothing is left over, workloads get what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bundler.errors.cluster import ConflictError
from bundler.model.refs import ObjectRef
from bundler.sandbox.controllers.engine import run_controllers
from bundler.sandbox.settings import SandboxSettings
from tests.contract.bodies import deployment, job, service, stateful_set
from tests.lib.clocks import FakeClock
from tests.lib.sandboxes import open_sandbox
from tests.unit.sandbox.builders import conditions, get, items, names, payload, pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.sandbox.client import SandboxClient

IMAGES = ["web:1", "web:2", "slow:1", "broken:1"]
QUICK = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

Step = tuple[str, int, str]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deploy", "deploy", "stateful", "job", "service", "delete", "scale", "sleep", "sleep"]),
        st.integers(0, 3),
        st.sampled_from(IMAGES),
    ),
    max_size=12,
)


def take(client: SandboxClient, clock: FakeClock, step: Step) -> None:
    word, number, image = step
    acts: dict[str, Callable[[], Any]] = {
        "deploy": lambda: client.apply(payload(deployment(replicas=number, image=image)), is_forced=True),
        "stateful": lambda: client.apply(payload(stateful_set(replicas=number, image=image))),
        "job": lambda: client.apply(payload(job(f"job-{IMAGES.index(image)}", image=image))),
        "service": lambda: client.apply(payload(service(f"service-{number}"))),
        "delete": lambda: client.delete(
            ObjectRef("apps", ["Deployment", "StatefulSet"][number % 2], "default", ["web", "db"][number % 2])
        ),
        "scale": lambda: (
            client.scale("Deployment", "web", number) if get(client, "Deployment", "web", "apps") else None
        ),
        "sleep": lambda: clock.sleep(number * 0.4),
    }
    acts[word]()
    if number % 2:
        names(client, "Pod")


def settle(client: SandboxClient, clock: FakeClock) -> None:
    for _ in range(30):
        clock.sleep(0.8)
        names(client, "Pod")


def all_refs(client: SandboxClient) -> list[ObjectRef]:
    with client._store.snapshot() as tx:
        return tx.refs_in("default")


@pytest.mark.medium
@QUICK
@given(STEPS)
def test_controllers_settle_and_then_change_nothing(steps: list[Step]) -> None:
    clock = FakeClock()
    client = open_sandbox(clock)
    for step in steps:
        take(client, clock, step)
        names(client, "Pod")
        with client._store.transaction() as tx:
            before = tx.version
            tx.set_meta("settled", "")
            run_controllers(
                tx, now_s=clock.now().timestamp(), settings=SandboxSettings(image_faults=client._settings.image_faults)
            )
            assert tx.version == before, "a second look at the same time moves something"


@pytest.mark.medium
@QUICK
@given(STEPS)
def test_nothing_outlives_its_owners(steps: list[Step]) -> None:
    clock = FakeClock()
    client = open_sandbox(clock)
    for step in steps:
        take(client, clock, step)
    settle(client, clock)
    with client._store.snapshot() as tx:
        assert tx.orphans() == []
        bodies = [tx.get(ref) for ref in tx.refs_in("default")]
    assert [one for one in bodies if one and "deletionTimestamp" in one["metadata"]] == []


@pytest.mark.medium
@QUICK
@given(STEPS)
def test_workloads_get_what_they_ask_for(steps: list[Step]) -> None:
    clock = FakeClock()
    client = open_sandbox(clock)
    for step in steps:
        take(client, clock, step)
    settle(client, clock)
    web = get(client, "Deployment", "web", "apps")
    if web is None:
        assert pods(client, "web") == []
    elif "broken" not in web["spec"]["template"]["spec"]["containers"][0]["image"]:
        wanted = web["spec"]["replicas"]
        assert len(pods(client, "web")) == wanted
        assert web["status"].get("availableReplicas", 0) == wanted
        assert web["status"]["observedGeneration"] == web["metadata"]["generation"]
        assert conditions(web)["Progressing"][1] == "NewReplicaSetAvailable"


@pytest.mark.medium
@QUICK
@given(STEPS)
def test_two_sandboxes_with_one_history_agree(steps: list[Step]) -> None:
    shapes = []
    for _ in range(2):
        clock = FakeClock()
        client = open_sandbox(clock)
        for step in steps:
            take(client, clock, step)
        settle(client, clock)
        kinds = sorted((ref.kind, ref.name) for ref in all_refs(client) if ref.kind in ("ReplicaSet", "Job", "Service"))
        shapes.append((kinds, [one["spec"].get("replicas") for one in items(client, "ReplicaSet", "apps")]))
    assert shapes[0] == shapes[1]


@pytest.mark.medium
@QUICK
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=8))
def test_replicas_of_a_scaled_deployment_are_never_lost_without_a_conflict(moves: list[tuple[int, int]]) -> None:
    client = open_sandbox()
    client.apply(payload(deployment(replicas=0)))
    live, refused = 0, []
    for who, number in moves:
        if who == 0:
            client.scale("Deployment", "web", number, manager="hpa")
            live = number
            continue
        try:
            client.apply(payload(deployment(replicas=number)))
        except ConflictError as error:
            refused.append(error.conflicts)
        else:
            live = number
        assert get(client, "Deployment", "web", "apps")["spec"]["replicas"] == live
    assert set(refused) <= {((".spec.replicas", "hpa"),)}
