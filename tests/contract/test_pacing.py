"""ClusterClient's contract: how far controllers go where an object holds its own rollout back."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from bundler.model.cluster import ListQuery
from tests.contract.bodies import deployment, stateful_set
from tests.contract.conftest import WAIT_S
from tests.lib.pod_bounds import is_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Subject

HELD = {"minReadySeconds": 2_147_483_646, "progressDeadlineSeconds": 2_147_483_647}
"""No new pod becomes available, and no deadline says that it should have."""


def held(surge: int | str, unavailable: int | str, *, replicas: int, image: str = "web:2") -> dict[str, Any]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    return deployment(replicas=replicas, image=image, strategy=strategy, **HELD)


def images(cluster: Subject, app: str) -> dict[str, int]:
    pods = cluster.list("Pod", label_selector=f"app={app}").items
    running = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return dict(Counter(str(pod["spec"]["containers"][0]["image"]) for pod in running))


def uids(cluster: Subject, image: str) -> set[str]:
    pods = cluster.list("Pod", label_selector="app=web").items
    return {pod["metadata"]["uid"] for pod in pods if pod["spec"]["containers"][0]["image"] == image}


def stays(cluster: Subject, counted: Callable[[], object], expected: object) -> None:
    """Wait until it is so, and see that it is so for the half second in which controllers would go on."""
    cluster.wait(f"{expected}", lambda: counted() == expected)
    for _ in range(5):
        time.sleep(0.1 / cluster.haste)
        assert counted() == expected


def all_ready(cluster: Subject, replicas: int) -> bool:
    status = cluster.get("Deployment", "web", "apps").get("status", {})
    return status.get("readyReplicas") == status.get("updatedReplicas") == status.get("replicas") == replicas


def start(cluster: Subject, replicas: int) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=replicas))
    cluster.wait("the first", lambda: all_ready(cluster, replicas))


@pytest.mark.parametrize(
    ("surge", "unavailable", "old", "new"),
    [(2, 0, 6, 2), (1, 2, 4, 3), ("25%", "25%", 5, 3), (0, 1, 5, 1), ("100%", 0, 6, 6)],
)
def test_a_held_deployment_stops_at_its_bounds(
    cluster: Subject, surge: int | str, unavailable: int | str, old: int, new: int
) -> None:
    start(cluster, 6)
    cluster.apply(held(surge, unavailable, replicas=6))
    stays(cluster, lambda: images(cluster, "web"), {"web:1": old, "web:2": new})
    status = cluster.get("Deployment", "web", "apps")["status"]
    assert (status["updatedReplicas"], status["availableReplicas"]) == (new, old)
    assert [one["type"] for one in status["conditions"]] == ["Available"]


def test_a_held_deployment_that_is_scaled_keeps_its_shares_and_goes_back_or_on(cluster: Subject) -> None:
    start(cluster, 10)
    cluster.apply(held("20%", 0, replicas=10))
    stays(cluster, lambda: images(cluster, "web"), {"web:1": 10, "web:2": 2})
    for replicas, shares in ((20, {"web:1": 20, "web:2": 4}), (5, {"web:1": 5, "web:2": 1})):
        cluster.edit(cluster.ref("Deployment", "web", "apps"), {"spec": {"replicas": replicas}})
        stays(cluster, lambda: images(cluster, "web"), shares)
    untouched = uids(cluster, "web:1")
    cluster.edit(cluster.ref("Deployment", "web", "apps"), {"spec": {"replicas": 5}})
    cluster.apply(deployment(replicas=5, image="web:1"), is_forced=True)
    cluster.wait("the old one alone", lambda: images(cluster, "web") == {"web:1": 5})
    assert uids(cluster, "web:1") == untouched
    cluster.apply(deployment(replicas=5, image="web:2"), is_forced=True)
    cluster.wait("the new one alone", lambda: images(cluster, "web") == {"web:2": 5} and all_ready(cluster, 5))


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_a_stateful_set_is_replaced_down_to_its_partition(cluster: Subject, policy: str) -> None:
    def sized(image: str, partition: int) -> dict[str, Any]:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
        return stateful_set(image=image, replicas=3, podManagementPolicy=policy, updateStrategy=strategy)

    def by_ordinal() -> dict[str, str]:
        pods = cluster.list("Pod", label_selector="app=db").items
        ready = {"type": "Ready", "status": "True"}
        return {
            pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"]
            for pod in pods
            if any(ready.items() <= one.items() for one in pod.get("status", {}).get("conditions", ()))
        }

    cluster.furnish()
    cluster.apply(sized("db:1", 0))
    cluster.wait("the first", lambda: len(by_ordinal()) == 3)
    cluster.apply(sized("db:2", 2))
    stays(cluster, by_ordinal, {"db-0": "db:1", "db-1": "db:1", "db-2": "db:2"})
    cluster.apply(sized("db:1", 0))
    cluster.wait("all old", lambda: by_ordinal() == dict.fromkeys(("db-0", "db-1", "db-2"), "db:1"))


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_a_stateful_set_replaces_one_pod_at_a_time(cluster: Subject, policy: str) -> None:
    cluster.furnish()
    cluster.apply(stateful_set(replicas=4, podManagementPolicy=policy))
    cluster.wait("the first", lambda: rolled_out(cluster, 4))
    query = ListQuery(group="", kind="Pod", namespace=cluster.namespace, label_selector="app=db")
    version = cluster.client.list(query).resource_version
    cluster.apply(stateful_set(image="db:2", replicas=4, podManagementPolicy=policy))
    missing: set[str] = set()
    for event in cluster.client.watch(query, resource_version=version, timeout_s=WAIT_S):
        body: Any = event.body
        name = body["metadata"].get("name", "")
        if event.type == "DELETED" or "deletionTimestamp" in body["metadata"]:
            missing.add(name)
        elif name in missing and is_ready(body):
            missing.remove(name)
            if name == "db-0":
                break
        assert len(missing) <= 1
    cluster.wait("all are replaced", lambda: rolled_out(cluster, 4))


def test_a_partition_counts_from_the_first_ordinal_of_a_stateful_set(cluster: Subject) -> None:
    def sized(image: str, partition: int) -> dict[str, Any]:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
        return stateful_set(image=image, replicas=3, ordinals={"start": 5}, updateStrategy=strategy)

    def by_ordinal() -> dict[str, str]:
        pods = cluster.list("Pod", label_selector="app=db").items
        return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in pods}

    cluster.furnish()
    cluster.apply(sized("db:1", 0))
    stays(cluster, by_ordinal, dict.fromkeys(("db-5", "db-6", "db-7"), "db:1"))
    cluster.apply(sized("db:2", 2))
    stays(cluster, by_ordinal, {"db-5": "db:1", "db-6": "db:1", "db-7": "db:2"})


def test_a_pod_below_the_partition_that_is_deleted_comes_back_as_it_was(cluster: Subject) -> None:
    def sized(image: str, partition: int) -> dict[str, Any]:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
        return stateful_set(image=image, replicas=3, updateStrategy=strategy)

    cluster.furnish()
    cluster.apply(sized("db:1", 0))
    cluster.wait("all are known", lambda: rolled_out(cluster, 3))
    cluster.apply(sized("db:2", 2))
    stays(cluster, lambda: images(cluster, "db"), {"db:1": 2, "db:2": 1})
    before = cluster.get("Pod", "db-0")["metadata"]["uid"]
    cluster.client.delete(cluster.ref("Pod", "db-0"))
    cluster.wait(
        "another one",
        lambda: (cluster.get("Pod", "db-0") or {"metadata": {"uid": before}})["metadata"]["uid"] != before,
    )
    stays(cluster, lambda: images(cluster, "db"), {"db:1": 2, "db:2": 1})


def rolled_out(cluster: Subject, replicas: int) -> bool:
    status = cluster.get("StatefulSet", "db", "apps").get("status", {})
    return status.get("readyReplicas") == replicas and status.get("currentRevision") == status.get("updateRevision")


def test_a_paused_deployment_is_scaled_by_its_shares_and_goes_no_further(cluster: Subject) -> None:
    start(cluster, 6)
    cluster.apply(held(2, 0, replicas=6))
    stays(cluster, lambda: images(cluster, "web"), {"web:1": 6, "web:2": 2})
    cluster.edit(cluster.ref("Deployment", "web", "apps"), {"spec": {"paused": True, "minReadySeconds": 0}})
    stays(cluster, lambda: images(cluster, "web"), {"web:1": 6, "web:2": 2})
    cluster.edit(cluster.ref("Deployment", "web", "apps"), {"spec": {"replicas": 12}})
    stays(cluster, lambda: images(cluster, "web"), {"web:1": 11, "web:2": 3})


def test_a_deployment_that_held_more_room_before_gives_up_old_pods_as_it_shrinks(cluster: Subject) -> None:
    """Each ReplicaSet notes for how many pods it was sized, and is told again only when its own size changes."""
    cluster.furnish()
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}
    cluster.apply(deployment(replicas=10, strategy=strategy))
    cluster.wait("the first", lambda: all_ready(cluster, 10))
    cluster.apply(held("20%", 0, replicas=10))
    stays(cluster, lambda: images(cluster, "web"), {"web:1": 10, "web:2": 2})
    cluster.edit(cluster.ref("Deployment", "web", "apps"), {"spec": {"replicas": 5}})
    stays(cluster, lambda: images(cluster, "web"), {"web:1": 4, "web:2": 2})
