"""An open rollout in the head of its revision: what is kept of it, what is believed, who may read it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from bundler.errors.change import RecordDamagedError, RecordTooLargeError, RecordTooNewError
from bundler.model.json import canonical_json
from bundler.model.release import ReleaseStatus
from bundler.model.rollout import OnFailure, Rollout, RolloutState, Share
from bundler.storage import limits
from bundler.storage.encoding import encode_revision, mark_head, move_head
from bundler.storage.heads import read_head, read_summary
from bundler.storage.metadata import summary_of
from bundler.storage.reading import DamageError
from bundler.storage.rollouts import read_rollout, rollout_text
from tests.lib.laws import examples
from tests.unit.storage.builders import NOON, make_revision, make_rollout, make_summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body

NAMES = st.from_regex(r"[a-z]{0,6}(/[a-z]{1,6})?", fullmatch=True)
SHARES = st.builds(Share, st.integers(1, 100), st.booleans())


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    steps = draw(st.integers(1, 5))
    gates = tuple(draw(st.lists(NAMES, unique=True, max_size=4)))
    return Rollout(
        shares=draw(
            st.dictionaries(NAMES, st.tuples(*[SHARES] * steps), min_size=1, max_size=6)  # all of one length
        ),
        step=draw(st.integers(1, steps + 1)),
        is_done=draw(st.booleans()),
        state=draw(st.sampled_from(RolloutState)),
        since=NOON + timedelta(seconds=draw(st.integers(0, 10**6))),
        by=draw(st.sampled_from(["", "ada", 'o"brien\\'])),
        pause_after=draw(st.sampled_from(["canary", "each", "none", "2"])),
        soak_s=draw(st.integers(0, 10**6)),
        step_timeout_s=draw(st.integers(0, 10**6)),
        on_failure=draw(st.sampled_from(OnFailure)),
        gates=gates,
        passed=gates[: draw(st.integers(0, 4))],
        start_broken=draw(st.integers(0, 10)),
        reason=draw(st.sampled_from(["", "Pod/web-1 restarted", "née ☃"])),
    )


@given(rollouts())
@settings(max_examples=examples(40), deadline=None)
def test_a_rollout_is_read_as_it_was_written(rollout: Rollout) -> None:
    assert read_rollout(rollout_text(rollout, "shop")) == rollout


@given(st.text(max_size=4000), st.text(max_size=4000))
@settings(max_examples=examples(40), deadline=None)
def test_whatever_is_said_of_it_a_rollout_stays_within_its_limit(by: str, reason: str) -> None:
    most = make_rollout(
        shares={f"component-{number:02}": (Share(10, is_percent=True),) * 3 for number in range(27)},
        gates=tuple(f"gate-{n}" for n in range(6)),
    )
    text = rollout_text(replace(most, by=by, reason=reason, passed=most.gates, state=RolloutState.ABORTING), "shop")
    assert len(text.encode()) <= limits.ROLLOUT_MAX_BYTES
    assert read_rollout(text) is not None


def test_a_rollout_of_too_many_components_is_refused_when_it_begins() -> None:
    many = make_rollout(shares={f"component-{n:03}": (Share(10, is_percent=True),) for n in range(100)})
    with pytest.raises(RecordTooLargeError) as caught:
        encode_revision(revision_with(many), {})
    assert str(caught.value) == "recording the rollout of release shop"
    assert "at most 1280 are allowed" in caught.value.context[0]
    assert caught.value.hint.startswith("give it fewer steps")


def test_the_largest_rollout_comes_on_top_of_the_largest_head() -> None:
    most = make_rollout(
        shares={f"component-{number:02}": (Share(10, is_percent=True),) * 3 for number in range(28)}, reason="x" * 999
    )
    large = revision_with(None, no_rollback_below="1" * 4400)
    full = canonical_json(encode_revision(large, {}).head.body())
    assert limits.HEAD_MAX_BYTES - 900 < len(full) <= limits.HEAD_MAX_BYTES
    held = encode_revision(replace(large, summary=replace(large.summary, rollout=most)), {}).head.body()
    assert len(canonical_json(held)) > len(full) + 1280


def revision_with(rollout: Rollout | None, **more: object) -> Any:
    return make_revision(summary=make_summary(2, ReleaseStatus.PENDING_UPGRADE, rollout=rollout), **more)


def head_of(rollout: Rollout | None) -> Body:
    return encode_revision(revision_with(rollout), {}).head.body()


def test_a_rollout_that_is_not_dated_began_when_it_was_recorded() -> None:
    read = read_summary(head_of(make_rollout(since=None))).rollout
    assert read is not None
    assert read.since == NOON


def test_its_head_has_format_2_and_all_else_has_format_1() -> None:
    encoded = encode_revision(revision_with(make_rollout()), {})
    notes = encoded.head.body()["metadata"]["annotations"]  # type: ignore[index, call-overload]
    assert notes["bundler.dev/format"] == "2"  # type: ignore[index, call-overload]
    assert json.loads(encoded.head.data["head"])["formatVersion"] == 2
    assert {record.annotations["bundler.dev/format"] for record in (*encoded.packs, *encoded.sensitive)} == {"1"}


def test_a_bundler_that_knows_format_1_alone_refuses_an_open_rollout(monkeypatch: pytest.MonkeyPatch) -> None:
    held = head_of(make_rollout())
    over, _ = mark_head(held, ReleaseStatus.DEPLOYED, updated=NOON)
    monkeypatch.setattr(limits, "FORMAT_VERSION", 1)
    for read in (read_head, read_summary, summary_of):
        with pytest.raises(RecordTooNewError) as caught:
            read(held)
        assert caught.value.context == ("it has format 2; this bundler reads formats up to 1",)
    assert read_head(over).summary.rollout is None


def test_moving_on_changes_nothing_but_the_rollout() -> None:
    held = head_of(make_rollout())
    later = replace(make_rollout(), step=2, state=RolloutState.PAUSED, by="grace", passed=("quiet",))
    moved = read_head(move_head(held, later))
    assert moved.summary == replace(read_summary(held), rollout=later)
    assert moved.content == read_head(held).content


def test_a_head_whose_rollout_is_over_is_what_it_would_be_without() -> None:
    assert move_head(head_of(make_rollout()), None) == head_of(None)


@pytest.mark.parametrize("status", [one for one in ReleaseStatus if not one.is_pending])
def test_a_status_that_is_not_pending_ends_the_rollout_in_the_same_write(status: ReleaseStatus) -> None:
    body, packs = mark_head(head_of(make_rollout()), status, updated=NOON, evidence="the pods")
    assert read_head(body).summary.rollout is None
    assert (read_summary(body).status, len(packs)) == (status, 1)
    assert body == mark_head(head_of(None), status, updated=NOON, evidence="the pods")[0]


def test_a_status_that_is_pending_leaves_the_rollout() -> None:
    body, _ = mark_head(head_of(make_rollout()), ReleaseStatus.PENDING_UPGRADE, updated=NOON, finished_jobs=["j"])
    assert read_head(body).summary.rollout == make_rollout()


DAMAGED = [
    ("no JSON", "{", "not JSON"),
    ("no mapping", "[]", "not a mapping"),
    ("no shares", {"shares": None}, "shares of its rollout"),
    ("no components", {"shares": {}}, "no steps"),
    ("no steps", {"shares": {"web": []}}, "no steps"),
    ("steps of two lengths", {"shares": {"web": ["1"], "api": ["1", "2"]}}, "another number of them"),
    ("a share that is none", {"shares": {"web": ["0%"]}}, "a share of its rollout cannot be read: '0%'"),
    ("a share that is a number", {"shares": {"web": [1]}}, "a share is not a string"),
    ("very many steps", {"shares": {"web": ["1"] * 101}}, "more than 100"),
    ("a step below the first", {"step": 0}, "at step 0 of 3"),
    ("a step after the finish", {"step": 4}, "at step 4 of 3"),
    ("a step that is none", {"step": "1"}, "the step of its rollout is not a whole number"),
    ("an unknown state", {"state": "dancing"}, "none that this bundler knows: 'dancing'"),
    ("no state", {"state": None}, "none that this bundler knows"),
    ("no time", {"since": None}, "a time cannot be read"),
    ("a time without a zone", {"since": "2026-11-22T12:00:00"}, "no zone"),
    ("an unknown end of a failure", {"onFailure": "shrug"}, "'shrug'"),
    ("a pause never heard of", {"pauseAfter": "lunch"}, "pauses after 'lunch'"),
    ("a negative soak", {"soak": -1}, "the soak of its rollout"),
    ("gates that are none", {"gates": "quiet"}, "the gates of its rollout is not a list"),
    ("passed gates it does not have", {"passed": ["other"]}, "gates that it does not have"),
    ("far too large", {"reason": "x" * 3000}, "larger than 2048 bytes"),
]


@pytest.mark.parametrize(
    ("change", "words"), [pytest.param(change, words, id=title) for title, change, words in DAMAGED]
)
def test_a_damaged_rollout_is_a_damaged_record(change: str | Mapping[str, object], words: str) -> None:
    held: Any = json.loads(canonical_json(head_of(make_rollout())))
    notes = held["metadata"]["annotations"]
    whole = json.loads(notes["bundler.dev/rollout"])
    notes["bundler.dev/rollout"] = change if isinstance(change, str) else json.dumps({**whole, **change})
    with pytest.raises(DamageError, match=words):
        read_summary(held)
    with pytest.raises(RecordDamagedError, match=r"prod/bundler\.release\.shop\.v2"):
        summary_of(held)


@given(
    st.text(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["shares", "step", "state", "since", "gates", "passed", "soak", "web"]),
                inner,
                max_size=5,
            )
        ),
    ).map(json.dumps)
)
@settings(max_examples=examples(100), deadline=None)
def test_any_text_is_a_rollout_or_damage(text: str) -> None:
    try:
        found = read_rollout(text)
    except DamageError:
        return
    assert found is None or 1 <= found.step <= found.steps


def test_a_head_of_an_open_rollout_that_lost_it_is_damaged() -> None:
    """It must not be taken for one without: its workloads are held."""
    held: Any = json.loads(canonical_json(head_of(make_rollout())))
    lost = json.loads(canonical_json(held))
    del lost["metadata"]["annotations"]["bundler.dev/rollout"]
    with pytest.raises(DamageError, match="its format is 2, and it has no rollout"):
        read_summary(lost)
    lost["metadata"]["annotations"]["bundler.dev/format"] = "1"
    assert read_summary(lost).rollout is None
    with pytest.raises(DamageError, match="its format is 2, and it has no rollout"):
        read_head(lost)
    held["metadata"]["annotations"]["bundler.dev/format"] = "1"
    with pytest.raises(DamageError, match="its format is 1, and it has a rollout"):
        read_summary(held)
