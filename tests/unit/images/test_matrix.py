"""Which settings of switches are rendered."""

from __future__ import annotations

import json

from hypothesis import given, settings, strategies as st

from bundler.images.matrix import MAX_SINGLES, Switch, described, make_matrix

BOOLEANS = (True, False)


def switch(path: str, now: object = False, choices: tuple = BOOLEANS) -> Switch:
    return Switch(path, choices, now)


def texts(*switches: Switch, **bounds: int) -> list[str]:
    return [described(variant) for variant in make_matrix(switches, **bounds).variants]


def test_each_alone_all_on_all_off_enumerations_with_all_on_and_pairs() -> None:
    found = texts(switch("a"), switch("b", now=True), switch("c", "x", ("x", "y", "z")), switch("d"))
    assert found == [
        "", "a=true", "b=false", "c=y", "c=z", "d=true", "a=true d=true",
        "a=true d=true c=y", "a=true d=true c=z", "a=true b=false", "b=false d=true",
        "a=true c=y", "a=true c=z", "b=false c=y", "b=false c=z", "d=true c=y", "d=true c=z",
    ]  # fmt: skip


def test_two_enumerations_are_tried_together() -> None:
    found = texts(switch("a", "x", ("x", "y")), switch("b", 1, (1, 2)))
    assert found == ["", "a=y", "b=2", "a=y b=2"]


def test_a_place_that_is_not_set_is_tried_at_every_choice() -> None:
    assert texts(switch("a", now=None)) == ["", "a=true", "a=false"]


def test_one_and_true_are_two_things() -> None:
    assert texts(switch("a", 1, (1, True))) == ["", "a=true"]


def test_pairs_end_where_they_are_too_many_and_it_is_told() -> None:
    many = [switch(f"s{number:02}") for number in range(20)]
    matrix = make_matrix([*many, switch("t", "x", ("x", "y"))], max_variants=50)
    assert not matrix.has_pairs
    assert len(matrix.variants) == 50
    assert {len(variant) for variant in matrix.variants[-20:]} == {2}
    assert not any(path == "t" for variant in matrix.variants[-20:] for path, _ in variant)
    assert make_matrix(many[:4], max_variants=50).has_pairs


def test_there_is_an_end_to_it() -> None:
    matrix = make_matrix([switch(f"s{number}") for number in range(MAX_SINGLES + 5)])
    assert matrix.is_cut
    assert len(matrix.variants) <= MAX_SINGLES + 3


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans() | st.none()), max_size=8, unique_by=lambda p: p[0])
)
@settings(max_examples=60, deadline=None)
def test_the_order_as_given_comes_first_and_nothing_twice(pairs) -> None:
    matrix = make_matrix([switch(path, now) for path, now in pairs])
    assert matrix.variants[0] == ()
    keys = [json.dumps(variant) for variant in matrix.variants]
    assert len(keys) == len(set(keys))
    for path, now in pairs:
        tried = {value for variant in matrix.variants for name, value in variant if name == path}
        assert tried | {now} >= {True, False}
