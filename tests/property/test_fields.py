"""Laws of field sets, of server-side apply and of the unchanged test, over random objects."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings, strategies as st

from bundler.fields.field_set import EMPTY, FieldSet
from bundler.fields.kinds import schema_from_crd, schema_of
from bundler.fields.merge import applied_fields, server_side_apply, track_update
from bundler.fields.quantity import Quantity, canonical
from bundler.fields.unchanged import is_unchanged
from tests.lib.laws import examples
from tests.lib.random_objects import CRD, PLURALS, Body, Maker

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode

T1, T2 = "2026-11-01T12:00:00Z", "2026-11-01T12:00:01Z"
QUICK = settings(max_examples=examples(60), deadline=None)

steps = st.one_of(
    st.sampled_from(["a", "b", "<&>"]).map(lambda name: "f:" + name),
    st.sampled_from(["x", "y"]).map(lambda name: f'k:{{"name":"{name}"}}'),
    st.integers(0, 2).map(lambda value: f"v:{value}"),
)
sets = st.lists(st.lists(steps, min_size=1, max_size=4).map(tuple), max_size=8).map(FieldSet.of)
kinds = st.sampled_from(sorted(PLURALS))
seeds = st.integers(0, 10_000)


def schema_for_test(body: Any) -> SchemaNode | None:
    return schema_from_crd(CRD, "v1") if body["kind"] == "Gadget" else schema_of(body)


def made(kind: str, seed: int) -> Body:
    return Maker(random.Random(seed)).make(kind, "o", "shop")


def apply(live: Any, body: Body, manager: str = "bundler", time: str = T1) -> Any:
    done = server_side_apply(
        live=live, applied=body, manager=manager, is_forced=True, schema=schema_for_test(body), time=time
    )
    return copy.deepcopy(done.body)


@settings(max_examples=examples(100))
@given(sets)
def test_a_set_that_is_written_and_read_is_the_same(one: FieldSet) -> None:
    assert FieldSet.parse(json.loads(json.dumps(one.serialise()))) == one
    assert FieldSet.of(one.paths()) == one
    assert all(path in one for path in one.paths())


@settings(max_examples=examples(100))
@given(sets, sets, sets)
def test_sets_of_fields_are_sets(one: FieldSet, two: FieldSet, three: FieldSet) -> None:
    left, right = set(one.paths()), set(two.paths())
    assert set(one.union(two).paths()) == left | right
    assert set(one.difference(two).paths()) == left - right
    assert set(one.intersection(two).paths()) == left & right
    assert one.union(two) == two.union(one)
    assert one.union(two.union(three)) == one.union(two).union(three)
    assert one.difference(one) == EMPTY
    assert one.union(one) == one.intersection(one) == one


@settings(max_examples=examples(100))
@given(st.integers(-(10**12), 10**12), st.integers(-6, 6))
def test_a_canonical_quantity_is_the_same_amount_and_stays_canonical(number: int, exponent: int) -> None:
    text = f"{number}e{exponent}"
    assert Quantity.parse(canonical(text)) == Quantity.parse(text)
    assert canonical(canonical(text)) == canonical(text)
    assert str(Quantity.parse(str(Quantity.parse(text)))) == str(Quantity.parse(text))


@settings(max_examples=examples(100))
@given(st.integers(0, 10**6), st.sampled_from(["", "Ki", "Mi", "Gi", "k", "M", "m", "u"]))
def test_suffixes_are_the_same_amount_and_stay_canonical(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    assert Quantity.parse(canonical(text)) == Quantity.parse(text)
    assert canonical(canonical(text)) == canonical(text)


@QUICK
@given(kinds, seeds)
def test_applying_twice_is_applying_once(kind: str, seed: int) -> None:
    body = made(kind, seed)
    once = apply(None, body)
    again = server_side_apply(live=once, applied=body, manager="bundler", schema=schema_for_test(body), time=T2)
    assert (again.body, again.conflicts, again.is_changed) == (once, (), False)


@QUICK
@given(kinds, seeds, seeds)
def test_an_apply_forgets_what_was_applied_before(kind: str, first: int, second: int) -> None:
    live = apply(apply(None, made(kind, first)), made(kind, second))
    expected = applied_fields(made(kind, second), schema_for_test(live))
    entries = live["metadata"].get("managedFields", [])
    assert [FieldSet.parse(entry["fieldsV1"]) for entry in entries] == ([] if expected.is_empty else [expected])


@QUICK
@given(kinds, seeds, seeds, seeds)
def test_what_is_called_unchanged_an_apply_leaves_as_it_is(kind: str, mine: int, others: int, wanted: int) -> None:
    live = apply(None, made(kind, mine))
    live = apply(live, Maker(random.Random(others)).part_of(made(kind, others)), "argo")
    desired = made(kind, mine if wanted % 2 else wanted)
    if is_unchanged(desired, live):
        done = server_side_apply(live=live, applied=desired, manager="bundler", schema=schema_for_test(live), time=T2)
        assert (done.body, done.conflicts) == (live, ())


@QUICK
@given(kinds, seeds)
def test_what_was_just_applied_is_unchanged(kind: str, seed: int) -> None:
    body = made(kind, seed)
    live = apply(None, body)
    # Nothing owned is not an entry in managedFields; and these are the kinds in which an empty list is a doubt.
    is_doubtful = kind in {"NetworkPolicy", "Gadget"} or not live["metadata"].get("managedFields")
    assert is_doubtful or is_unchanged(body, live)


@QUICK
@given(kinds, seeds, seeds)
def test_a_field_has_one_value_and_an_update_takes_it_from_all_others(kind: str, first: int, second: int) -> None:
    live = apply(None, made(kind, first))
    after = {**live, **{key: value for key, value in made(kind, second).items() if key in {"spec", "data", "rules"}}}
    tracked: Any = track_update(live, after, manager="editor", schema=schema_for_test(live), time=T2)
    entries = {
        entry["manager"]: FieldSet.parse(entry["fieldsV1"]) for entry in tracked["metadata"].get("managedFields", [])
    }
    ours, theirs = entries.get("bundler", EMPTY), entries.get("editor", EMPTY)
    assert ours.leaves().intersection(theirs.leaves()).is_empty


@QUICK
@given(kinds, seeds, seeds)
def test_nothing_modifies_its_inputs(kind: str, first: int, second: int) -> None:
    live, body = apply(None, made(kind, first)), made(kind, second)
    before = copy.deepcopy((live, body))
    apply(live, body, "argo")
    track_update(live, body, manager="editor", schema=schema_for_test(live), time=T2)
    is_unchanged(body, live)
    assert (live, body) == before
