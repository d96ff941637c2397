"""What is sent with a new template to hold it at a share, and how a held workload is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.rollout import AuthorPace, Pacing, Share
from bundler.planning.pacing import (
    author_pace,
    new_pods,
    next_pacing,
    old_pods,
    paced,
    pacing_of,
    standing_still,
)

if TYPE_CHECKING:
    from bundler.model.json import Body

SET = AuthorPace(surge=0, unavailable=1, partition=0)


def deployment(**spec: Any) -> Body:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def stateful_set(**spec: Any) -> Body:
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec}


def manifest(body: Body) -> Manifest:
    ref = ObjectRef("apps", str(body["kind"]), "shop", "one")
    return Manifest(ref=ref, api_version="apps/v1", body=body, source=Source("a.yaml", 1))


def steps_to(
    share: str, replicas: int, author: AuthorPace, there: tuple[int, int] | None = None, *, is_canary: bool = False
) -> list[tuple[int | str | None, int | str | None]]:
    found = []
    old, new = there or (replicas, 0)
    while pacing := next_pacing(author, Share.parse(share), replicas, old=old, new=new, is_canary=is_canary):
        found.append((pacing.surge, pacing.unavailable))
        old, new = old_pods(pacing, replicas), new_pods(pacing, replicas)
    return found


@pytest.mark.parametrize(
    ("body", "pace"),
    [
        (deployment(), AuthorPace()),
        (
            deployment(strategy={"rollingUpdate": {"maxSurge": 0}}, minReadySeconds=5),
            AuthorPace(surge=0, min_ready_s=5),
        ),
        (deployment(strategy={"rollingUpdate": {"maxUnavailable": "10%"}}), AuthorPace(unavailable="10%")),
        (stateful_set(), SET),
        (
            stateful_set(
                ordinals={"start": 3}, updateStrategy={"rollingUpdate": {"partition": 2, "maxUnavailable": 2}}
            ),
            AuthorPace(surge=0, unavailable=2, partition=2),
        ),
    ],
)
def test_what_an_author_does_not_write_is_as_kubernetes_fills_it_in(body: Body, pace: AuthorPace) -> None:
    assert author_pace(body) == pace


def test_a_held_deployment_has_four_other_fields_and_the_strategy_of_its_author() -> None:
    body = deployment(replicas=3, strategy={"type": "RollingUpdate"}, minReadySeconds=5)
    held = paced(manifest(body), Pacing(surge="10%", unavailable=0)).body
    bounds = {"maxSurge": "10%", "maxUnavailable": 0}
    assert held["spec"] == {
        "replicas": 3,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": bounds},
        "minReadySeconds": 2147483646,
        "progressDeadlineSeconds": 2147483647,
    }
    assert body["spec"] == {"replicas": 3, "strategy": {"type": "RollingUpdate"}, "minReadySeconds": 5}
    assert paced(manifest(deployment()), Pacing(surge=1, unavailable=0)).body["spec"]["strategy"] == {  # type: ignore[index,call-overload]
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}
    }


def test_a_held_stateful_set_has_another_partition_alone() -> None:
    body = stateful_set(updateStrategy={"rollingUpdate": {"maxUnavailable": 2}}, minReadySeconds=5)
    assert paced(manifest(body), Pacing(partition=4)).body["spec"] == {
        "updateStrategy": {"rollingUpdate": {"maxUnavailable": 2, "partition": 4}},
        "minReadySeconds": 5,
    }


@pytest.mark.parametrize("body", [deployment(), stateful_set()])
@pytest.mark.parametrize("pacing", [Pacing(surge="10%", unavailable="20%"), Pacing(partition=3)])
def test_what_holds_a_workload_is_read_back(body: Body, pacing: Pacing) -> None:
    assert pacing_of(body) is None
    if (pacing.partition is None) == (body["kind"] == "Deployment"):
        assert pacing_of(paced(manifest(body), pacing).body) == pacing


@pytest.mark.parametrize(
    ("share", "replicas", "surge", "unavailable", "steps"),
    [
        ("10%", 10, "25%", "25%", [("10%", 0)]),
        ("3", 10, 1, 0, [(3, 0)]),
        ("1", 1, "25%", "25%", [(1, 0)]),
        ("3", 10, 0, 1, [(0, "10%"), (0, "20%"), (0, "30%")]),
        ("30%", 10, "0%", 2, [("0%", "20%"), ("0%", "30%")]),
    ],
)
def test_a_canary_comes_on_top_unless_its_author_lets_no_pod_come_on_top(
    share: str, replicas: int, surge: int | str, unavailable: int | str, steps: list[tuple[int | str, int | str]]
) -> None:
    assert steps_to(share, replicas, AuthorPace(surge=surge, unavailable=unavailable), is_canary=True) == steps


@pytest.mark.parametrize(
    ("share", "replicas", "surge", "unavailable", "steps"),
    [
        ("25%", 10, "25%", "25%", [("25%", 0)]),
        ("50%", 10, "25%", "25%", [("25%", "25%")]),
        ("50%", 20, "25%", 0, [("25%", 0), ("25%", "25%")]),
        ("50%", 10, 1, 0, [(1, 0), (1, "10%"), (1, "20%"), (1, "30%"), (1, "40%")]),
        ("2", 10, 5, 0, [(2, 0)]),
        ("4", 200, 0, 3, [(0, 3), (0, "2%")]),
        ("1", 3, 0, "25%", [(0, "34%")]),
    ],
)
def test_a_batch_keeps_the_authors_surge_and_takes_small_steps(
    share: str, replicas: int, surge: int | str, unavailable: int | str, steps: list[tuple[int | str, int | str]]
) -> None:
    assert steps_to(share, replicas, AuthorPace(surge=surge, unavailable=unavailable)) == steps


def test_a_batch_goes_on_from_a_canary_and_leaves_as_many_ready_as_before_less_what_may_be_missing() -> None:
    author = AuthorPace(surge=1, unavailable=0)
    assert steps_to("5", 10, author, (10, 3)) == [(1, "30%"), (1, "40%")]


@pytest.mark.parametrize("there", [(10, 4), (9, 4), (5, 8)])
def test_pods_that_are_new_stay_new_where_the_share_is_smaller_than_what_is_there(there: tuple[int, int]) -> None:
    assert steps_to("3", 10, AuthorPace(), there, is_canary=True) == []


def test_old_pods_that_went_as_it_was_scaled_are_not_made_up_for_by_new_ones_beyond_the_share() -> None:
    author = AuthorPace(surge="100%", unavailable=2)
    assert steps_to("50%", 48, author, (40, 20)) == [(16, "17%")]


@pytest.mark.parametrize(
    ("share", "replicas", "own", "new", "partition"),
    [
        ("1", 4, 0, 0, 3),
        ("50%", 5, 0, 1, 2),
        ("50%", 5, 4, 0, 4),
        ("50%", 5, 4, 1, None),
        ("1", 4, 0, 1, None),
        ("1", 4, 0, 2, None),
        ("3", 2, 0, 0, 1),
        ("1", 1, 0, 0, None),
    ],
)
def test_a_stateful_set_goes_down_to_its_partition_and_not_below_its_authors_own(
    share: str, replicas: int, own: int, new: int, partition: int | None
) -> None:
    author = AuthorPace(surge=0, unavailable=1, partition=own)
    found = next_pacing(author, Share.parse(share), replicas, old=replicas - new, new=new)
    assert (found and found.partition) == partition


@pytest.mark.parametrize(
    ("pacing", "replicas", "old", "new"),
    [
        (Pacing(surge="10%", unavailable=0), 15, 15, 2),
        (Pacing(surge="25%", unavailable="25%"), 10, 8, 5),
        (Pacing(surge=0, unavailable="10%"), 5, 4, 1),
        (Pacing(surge=3, unavailable=9), 2, 0, 2),
        (Pacing(partition=3), 4, 3, 1),
        (Pacing(partition=8), 4, 4, 0),
    ],
)
def test_where_a_held_workload_stops_is_known(pacing: Pacing, replicas: int, old: int, new: int) -> None:
    assert (old_pods(pacing, replicas), new_pods(pacing, replicas)) == (old, new)


@pytest.mark.parametrize(("old", "new"), [(10, 2), (7, 5), (10, 0), (0, 10)])
def test_a_workload_is_held_where_it_is(old: int, new: int) -> None:
    held = standing_still(AuthorPace(), 10, old=old, new=new)
    assert old_pods(held, 10) == old
    assert new_pods(held, 10) == max(new, 1)
    assert standing_still(SET, 10, old=old, new=new) == Pacing(partition=max(10 - new, 1))


def test_a_workload_without_replicas_is_held_all_the_same() -> None:
    assert steps_to("10%", 0, AuthorPace(), is_canary=True) == []
    assert standing_still(AuthorPace(), 0, old=0, new=0) == Pacing(surge=1, unavailable=0)
