"""Laws of orders and of what is said of them: whatever is in the object, reading it and answering it ends well."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings, strategies as st

from bundler.controller.order import parse_order
from bundler.controller.status import (
    Attempt,
    AttemptResult,
    ComponentStatus,
    Condition,
    ConditionType,
    DriftStatus,
    OrderStatus,
    Phase,
    Reason,
    RunningBundle,
    WaitingPlan,
)
from bundler.controller.status_body import MAX_BYTES, attempt_of, drift_of, inputs_of, says_more, status_body
from bundler.errors.change import OrderInvalidError
from bundler.model.json import canonical_json
from tests.lib.laws import examples

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner))
FIELDS = [
    *("bundle", "source", "version", "digest", "update", "values", "valuesFrom", "kind", "name", "key", "optional"),
    *("site", "serviceAccountName", "keep", "ignore", "target", "paths", "suspend", "interval", "timeout"),
    *("onFailure", "deletion", "dependsOn", "historyMax"),
]
WORDS = st.sampled_from(["", "oci://", "oci://r/x", "secret://s", "Within", "Correct", "10m", "9" * 400 + "d", "1e9s"])


def nested(inner):
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=8)


NEAR = st.dictionaries(st.sampled_from(FIELDS), st.recursive(SCALARS | WORDS, nested, max_leaves=20))
KEYS = ("apiVersion", "kind", "metadata", "spec", "status")
LONG = st.sampled_from([0, 1, 100, 5_000]).flatmap(
    lambda size: st.sampled_from(["x", "\x01", '"', "ü", "\U0001f600"]).map(lambda char: char * size)
)


@settings(max_examples=examples(60))
@given(
    st.dictionaries(st.sampled_from(KEYS), JSON)
    | st.fixed_dictionaries({"metadata": JSON, "spec": NEAR})
    | st.fixed_dictionaries({"metadata": st.just({"name": "shop", "namespace": "prod"}), "spec": NEAR})
)
def test_any_object_is_an_order_or_says_what_is_wrong_with_it(body):
    try:
        found = parse_order(body)
    except OrderInvalidError as error:
        found = error.context
    assert found


@settings(max_examples=examples(60))
@given(JSON)
def test_a_status_that_someone_else_wrote_is_read_without_complaint(body):
    found = body if isinstance(body, dict) else {"lastAttempt": body, "drift": body, "inputs": body}
    attempt_of(found)
    drift_of(found)
    inputs_of(found)
    status = OrderStatus(observed_generation=1, phase=Phase.READY, conditions=(), drift=drift_of(found))
    assert says_more(status_body(status, found, NOW), {})


@settings(max_examples=examples(60))
@given(text=LONG, count=st.sampled_from([0, 3, 60, 1_000]), retry=st.text(max_size=100, alphabet="abc"))
def test_a_status_has_room_for_everything(text, count, retry):
    attempt = Attempt(inputs="sha256:1", result=AttemptResult.FAILED, at=NOW, revision=7, message=text, retry=retry)
    status = OrderStatus(
        observed_generation=4,
        phase=Phase.FAILED,
        conditions=tuple(
            Condition(type=kind, status=True, reason=Reason.FAILED_ONCE, message=text) for kind in ConditionType
        ),
        revision=7,
        bundle=RunningBundle(name=text, version=text, digest=text),
        components=(ComponentStatus(name=text, status="Failed", ready=1, of=2, message=text),) * count,
        inputs="sha256:2",
        attempt=attempt,
        plan=WaitingPlan(digest="sha256:3", delete=1, why=(text,) * count, text=text),
        drift=DriftStatus(objects=(text,) * count, corrected=12, last_at=NOW, by=text),
    )
    body = status_body(status, {}, NOW)
    assert len(canonical_json(body)) <= MAX_BYTES
    back = attempt_of(body)
    assert back is not None
    assert (back.inputs, back.result, back.revision, back.retry, back.tries) == (
        "sha256:1",
        attempt.result,
        7,
        retry,
        1,
    )
    assert (drift_of(body).corrected, drift_of(body).last_at, inputs_of(body)) == (12, NOW, "sha256:2")
    assert body["drift"]["count"] == count
