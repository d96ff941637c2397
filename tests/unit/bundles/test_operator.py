"""The bundle `operator`: what its controller concludes from what it sees."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from tests.lib.operator import BUNDLES

if TYPE_CHECKING:
    from types import ModuleType

    Seating = dict[str, list[int]]


@pytest.fixture(scope="module")
def analysis() -> ModuleType:
    spec = importlib.util.spec_from_file_location("analysis", BUNDLES / "operator" / "scripts" / "analysis.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def guest(name: str, companions: int = 0, *, first: bool = False, **meta: Any) -> dict[str, Any]:
    created = {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 1, **meta}
    return {"metadata": created, "spec": {"name": name, "companions": companions, "first": first}}


def settled(
    analysis: ModuleType, guests: list[dict[str, Any]], taken: Seating, seats: int
) -> tuple[Seating, list[str]]:
    """Do what the controller concludes until it concludes nothing; returns seats and phases."""
    for _ in range(9):
        finalizers, given, statuses = analysis.analyse(guests, taken, seats)
        if not (finalizers or statuses) and given == taken:
            break
        taken = given
        for one in guests:
            name = one["metadata"]["name"]
            one["metadata"]["finalizers"] = finalizers.get(name, one["metadata"].get("finalizers", []))
            one["status"] = statuses.get(name, one.get("status", {}))
        guests = [one for one in guests if "deletionTimestamp" not in one["metadata"] or one["metadata"]["finalizers"]]
    else:
        pytest.fail("it comes to no end")
    return taken, [one["status"]["phase"] for one in guests]


def test_who_came_first_has_a_seat_and_a_group_sits_together_or_waits(analysis: ModuleType) -> None:
    late = guest("ada", creationTimestamp="2026-01-02T00:00:00Z")
    guests = [late, guest("crowd", 2), guest("grace"), guest("hall", 5)]
    assert settled(analysis, guests, {}, 4) == (
        {"crowd": [1, 2, 3], "grace": [4]},
        ["Invited", "Accepted", "Accepted", "Declined"],
    )


def test_who_is_first_gets_the_next_free_seat_and_takes_none_that_is_given(analysis: ModuleType) -> None:
    guests = [guest("ada"), guest("grace"), guest("queen", first=True, creationTimestamp="2026-01-02T00:00:00Z")]
    assert settled(analysis, guests, {}, 1)[0] == {"queen": [1]}
    assert settled(analysis, guests, {"ada": [1]}, 2)[0] == {"ada": [1], "queen": [2]}


def test_it_comes_to_the_same_from_wherever_it_starts(analysis: ModuleType) -> None:
    strange: Seating = {"ada": [9], "gone": [1], "grace": [2, 3]}
    for taken in ({}, strange):
        seating, phases = settled(analysis, [guest("ada"), guest("grace")], taken, 2)
        assert sorted(number for numbers in seating.values() for number in numbers) == [1, 2]
        assert phases == ["Accepted", "Accepted"]


def test_who_leaves_is_held_until_the_seats_are_free(analysis: ModuleType) -> None:
    leaving = guest("ada", finalizers=["other/one", analysis.FINALIZER], deletionTimestamp="2026-01-03T00:00:00Z")
    assert analysis.analyse([leaving], {"ada": [1]}, 1) == ({}, {}, {})
    assert analysis.analyse([leaving], {}, 1) == ({"ada": ["other/one"]}, {}, {})


def test_a_finalizer_is_there_before_anything_else_happens(analysis: ModuleType) -> None:
    assert analysis.analyse([guest("ada")], {}, 1) == ({"ada": [analysis.FINALIZER]}, {}, {})
