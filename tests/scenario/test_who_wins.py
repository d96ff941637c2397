"""Command line and controller on one release: the order says what is wanted, the record what happened, the Lease excludes."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bundler import Accepted, BundlerError, ReleaseRequest, ReleaseStatus, RunOptions, Values
from bundler.errors.change import KeptReleaseError, OrderStalledError, ReleaseLockedError
from bundler.model.json import text_at
from bundler.model.orders import order_ref, with_note, with_spec, with_suspension
from bundler.model.refs import ObjectRef
from tests.lib.faulty import FaultyCluster
from tests.lib.keeping import Running, kept_at
from tests.lib.sessions import session_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bundler import Session
    from tests.lib.keeping import Kept
    from tests.scenario.conftest import World


def place_of(world: World, tmp_path: Path) -> Kept:
    """Return a controller in the namespace of a world, which exists, and the bundle in a Secret."""
    namespace = world.operator.namespace
    kept = kept_at(FaultyCluster(world.cluster), world.operator.clock, namespace, tmp_path)
    if world.cluster.get(ObjectRef("", "Namespace", "", namespace)) is None:
        world.cluster.create(_payload(namespace))
    kept.publish(world.menu, "one")
    return kept


def _payload(namespace: str):
    from bundler import Payload

    return Payload.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


def request(kept: Kept, text: str, accepted: Accepted | None = None) -> ReleaseRequest:
    return ReleaseRequest(
        bundle=str(kept.scratch / "one.tgz"),
        release="shop",
        values=Values(data={"text": text}),
        accepted=accepted or Accepted(),
    )


def live_text(kept: Kept) -> str:
    return text_at(kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config")) or {}, "data", "text")


def test_an_order_that_is_written_and_carried_out_is_waited_for_and_one_that_waits_says_for_what(
    failing_world: World, tmp_path: Path
) -> None:
    kept = place_of(failing_world, tmp_path)
    session = kept.session
    session.apply(request(kept, "typed"))
    kept.order(values={"text": "typed"})
    kept.settle()
    assert [one.revision for one in session.history("shop")] == [1]  # it is taken up without a write
    written = session.order("shop", lambda body: with_spec(body, values={"text": "ordered"}))
    kept.settle()
    assert session.wait_for_order(written)["status"]["phase"] == "Ready"  # type: ignore[index, call-overload]
    assert live_text(kept) == "ordered"
    suspended = session.order("shop", lambda body: with_suspension(body, is_on=True))
    kept.settle()
    session.apply(request(kept, "by hand"))
    kept.settle()
    assert live_text(kept) == "by hand"
    with pytest.raises(OrderStalledError, match="waiting for Release/shop"):
        session.wait_for_order(suspended)
    resumed = session.order("shop", lambda body: with_suspension(body, is_on=False))
    kept.settle()
    session.wait_for_order(resumed)
    assert live_text(kept) == "ordered"


def test_what_someone_else_wrote_into_an_order_stays_and_each_field_says_whose_it_is(
    failing_world: World, tmp_path: Path
) -> None:
    kept = place_of(failing_world, tmp_path)
    kept.order(values={"text": "kubectl"}, historyMax=5)
    kept.session.order("shop", lambda body: with_note(body, "bundler.dev/retry", "1"))
    calls = 0

    def change(body):
        nonlocal calls
        calls += 1
        if calls == 1:
            kept.order(values={"text": "newer"}, historyMax=5)
        return with_suspension(body, is_on=True)

    after = kept.session.order("shop", change)
    assert calls == 2
    assert after["spec"]["values"] == {"text": "newer"}  # type: ignore[index, call-overload]
    owners = {one["manager"]: str(one["fieldsV1"]) for one in after["metadata"]["managedFields"]}  # type: ignore[index, call-overload, union-attr]
    assert "f:suspend" in owners["bundler-cli"]
    assert "f:historyMax" in owners["kubectl"]
    assert "f:suspend" not in owners["kubectl"]


def hit(session: Session, kept: Kept, number: int, met: Counter[str]) -> None:
    """Upgrade by hand, as the command line does, and count what came of it."""
    try:
        done = session.apply(request(kept, f"hand {number}"), options=RunOptions(waits=False, lock_timeout_s=0.5))
        met["done" if done.revision else "unchanged"] += 1
    except (KeptReleaseError, ReleaseLockedError) as error:
        met[type(error).__name__] += 1
    except BundlerError as error:  # pragma: no cover - what must not be
        met[f"{type(error).__name__}: {error}: {error.context}"] += 1


# What happens at once does so on a server: the sandbox lets one call after the other in.
@pytest.mark.slow
@pytest.mark.parametrize("timed_world", [pytest.param("real", marks=pytest.mark.controlplane)], indirect=True)
def test_command_lines_and_a_controller_change_a_release_at_once_and_the_order_holds_in_the_end(
    timed_world: World, tmp_path: Path
) -> None:
    kept = place_of(timed_world, tmp_path)
    clock, met = timed_world.operator.clock, Counter[str]()
    kept.session.apply(request(kept, "first"))
    with Running(kept.cluster, clock, kept.namespace) as running:
        eventually(lambda: running.loop.is_ready, clock, "orders are never listed")
        for number in range(3):
            hands = [
                threading.Thread(target=hit, args=(session_on(kept.cluster, clock, kept.namespace), kept, number, met))
                for _ in range(4)
            ]
            for hand in hands:
                hand.start()
            kept.order(values={"text": f"order {number}"}, suspend=False)
            for hand in hands:
                hand.join()
            eventually(lambda n=number: live_text(kept) == f"order {n}", clock, f"order {number} is never carried out")
            kept.order(values={"text": f"order {number}"}, suspend=number < 2)  # the next hands may be let through
        eventually(lambda: kept.status().get("phase") == "Ready", clock, "the release never gets ready")
    assert set(met) <= {"done", "unchanged", "KeptReleaseError", "ReleaseLockedError"}, met
    history = kept.session.history("shop")
    assert [one.status for one in history].count(ReleaseStatus.DEPLOYED) == 1
    assert history[-1].status is ReleaseStatus.DEPLOYED
    assert history[-1].inputs == kept.status()["inputs"]
    assert kept.cluster.get(order_ref(kept.namespace, "shop")) is not None


def eventually(is_so: Callable[[], bool], clock, why: str) -> None:
    for _ in range(1200):
        if is_so():
            return
        clock.sleep(0.1)
    raise AssertionError(why)
