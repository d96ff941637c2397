"""A release that an order keeps: who may change it, and how the command line and the controller keep apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler import (
    AbortRequest,
    Accepted,
    ContinueRequest,
    PlanInputs,
    Proposal,
    ReleaseRequest,
    RollbackRequest,
    RolloutRequest,
    RunOptions,
    Session,
    Share,
    UninstallRequest,
    Values,
)
from bundler.actions.release.unlock import unlock as break_lock
from bundler.errors.change import (
    KeptReleaseError,
    OrderChangedError,
    OrderStalledError,
    RolledBackError,
    WaitTimeoutError,
)
from bundler.model.json import value_at
from bundler.model.orders import APPROVE, OrderMark, keeping_order, with_note
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.orders import order, read, serve_orders, write, write_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bundler.model.json import Body


pytestmark = pytest.mark.medium


class Kitchen:
    """A session, its cluster and its release."""

    def __init__(self) -> None:
        self.session = Session.sandbox()
        self.cluster, self.clock = self.session.scope.cluster(), self.session.scope.host.clock
        assert isinstance(self.cluster, SandboxClient)

    def install(self, replicas: int = 2, accepted: Accepted | None = None, **given: Any) -> Any:
        request = ReleaseRequest(
            bundle="webapp",
            release="shop",
            values=Values(data={"minReplicas": replicas}),
            accepted=accepted or Accepted(),
        )
        return self.session.apply(request, options=RunOptions(waits=False), **given)

    def order(self, **spec: Any) -> OrderMark:
        return keeping_order(order(self.cluster, **spec)).mark

    @property
    def revisions(self) -> int:
        return len(self.session.history("shop"))


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.library.session.SystemClock", FakeClock)


@pytest.fixture
def kitchen() -> Iterator[Kitchen]:
    made = Kitchen()
    with made.session:
        made.install()
        serve_orders(made.cluster, made.clock)
        yield made


def changes(kitchen: Kitchen, accepted: Accepted | None = None) -> dict[str, Callable[[], object]]:
    """Every way to change a release; each is really one."""
    session, meant = kitchen.session, accepted or Accepted()
    saved = session.save_plan(ReleaseRequest(bundle="webapp", release="shop", values=Values(data={"minReplicas": 4})))
    inputs = PlanInputs(suspends_order=meant.suspends_order)
    quick = RunOptions(waits=False)
    back = RollbackRequest(release="shop", revision=1, accepted=meant, fixes_drift=True)
    return {
        "apply": lambda: session.apply_plan(saved, inputs=inputs, options=quick),
        "install": lambda: kitchen.install(1, meant),
        "rollback": lambda: session.rollback(
            RollbackRequest(release="shop", revision=1, accepted=meant), options=quick
        ),
        "drift": lambda: session.rollback(back, options=RunOptions(waits=False, forces_revision=True)),
    }


def test_no_change_but_its_order_s_is_made_to_a_release_that_an_order_keeps(kitchen: Kitchen) -> None:
    kitchen.install(3)
    kitchen.order()
    gone = UninstallRequest(release="shop")
    for name, change in {**changes(kitchen), "uninstall": lambda: kitchen.session.uninstall(gone)}.items():
        with pytest.raises(KeptReleaseError) as raised:
            change()
        assert raised.value.exit_code == 2, name
        assert str(raised.value) == "checking whether an order keeps release shop"
        assert "release shop is kept by Release/shop (generation 1)" in raised.value.context
        way = {"uninstall": "kubectl delete rls shop -n default", "install": "bundler order shop -n default --set"}
        assert way.get(name, "bundler order shop -n default --") in raised.value.hint
        assert "bundler suspend shop -n default" in raised.value.hint
        assert "--suspend" in raised.value.hint
    assert kitchen.revisions == 2


def test_what_changes_nothing_and_what_is_only_shown_is_not_refused(
    kitchen: Kitchen,
) -> None:
    kitchen.order()
    assert kitchen.install().revision is None
    proposal = kitchen.session.plan(
        ReleaseRequest(bundle="webapp", release="shop", values=Values(data={"minReplicas": 3}))
    )
    assert not proposal.plan.is_empty


def rolling(kitchen: Kitchen) -> None:
    """Begin an upgrade in steps, which pauses."""
    values = Values(data={"minReplicas": 2, "image": "docker.io/library/web:2"})
    steps = RolloutRequest(steps=(Share.parse("1"),), pause_after="canary")
    request = ReleaseRequest(bundle="webapp", release="shop", values=values, steps=steps)
    assert kitchen.session.apply(request).is_paused


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda kitchen: kitchen.session.protect("shop", reason="data"), id="protect"),
        pytest.param(lambda kitchen: kitchen.session.protect("shop", is_on=False), id="protect --off"),
        pytest.param(lambda kitchen: kitchen.session.test("shop"), id="test"),
        pytest.param(lambda kitchen: unlock(kitchen), id="unlock"),
        pytest.param(lambda kitchen: kitchen.session.wait("shop"), id="wait"),
    ],
)
def test_what_the_order_does_not_speak_of_is_let_through(kitchen: Kitchen, act: Callable[[Kitchen], object]) -> None:
    kitchen.order()
    act(kitchen)
    assert value_at(read(kitchen.cluster), "spec", "suspend") is None
    assert kitchen.revisions == 1


def unlock(kitchen: Kitchen) -> None:
    with kitchen.session.scope.calling():
        lock = kitchen.session.scope.ports().lock
    assert not break_lock(lock, "default", "shop", may_break=True, approve=lambda _: True).is_broken


def test_an_upgrade_in_steps_may_be_paused_and_is_continued_or_aborted_once_its_order_is_suspended(
    kitchen: Kitchen,
) -> None:
    rolling(kitchen)
    kitchen.order()
    paused = kitchen.session.pause_rollout("shop", reason="look").rollout
    assert paused is not None
    assert paused.reason == "look"
    for change in (
        lambda: kitchen.session.continue_rollout(ContinueRequest(release="shop")),
        lambda: kitchen.session.abort_rollout(AbortRequest(release="shop")),
    ):
        with pytest.raises(KeptReleaseError):
            change()
    kitchen.order(suspend=True)
    assert kitchen.session.continue_rollout(ContinueRequest(release="shop")).revision is not None


def test_each_change_can_suspend_the_order_first(kitchen: Kitchen) -> None:
    for number, name in enumerate(changes(kitchen), start=2):
        kitchen.order(suspend=False, historyMax=number)
        before = kitchen.revisions
        changes(kitchen, Accepted(suspends_order=True))[name]()
        assert kitchen.revisions == before + 1, name
        assert value_at(read(kitchen.cluster), "spec", "suspend") is True, name
    kitchen.order(suspend=False)
    kitchen.session.uninstall(UninstallRequest(release="shop", accepted=Accepted(removal=True, suspends_order=True)))
    assert kitchen.session.releases() == ()


def test_an_order_is_not_suspended_by_a_change_that_is_declined(kitchen: Kitchen) -> None:
    kitchen.order()
    assert kitchen.install(3, Accepted(suspends_order=True), approve=False).is_declined
    assert value_at(read(kitchen.cluster), "spec", "suspend") is None


@pytest.mark.parametrize("suspended", [{"spec": True}, {"annotation": True}])
def test_the_release_of_a_suspended_order_takes_any_change(kitchen: Kitchen, suspended: dict[str, bool]) -> None:
    body = order(kitchen.cluster, suspend=bool(suspended.get("spec")))
    if suspended.get("annotation"):
        annotate(kitchen, body, "true")
    assert kitchen.install(3).revision is not None


def annotate(kitchen: Kitchen, body: Body, text: str) -> None:
    meta: Any = body["metadata"]
    names = {"name": meta["name"], "namespace": meta["namespace"]}
    note = {"bundler.dev/suspend": text}
    spec: Any = body["spec"]
    write(kitchen.cluster, {**body, "metadata": {**names, "annotations": note}, "spec": spec})


def test_what_carries_an_order_out_is_let_through_until_the_order_says_something_else(kitchen: Kitchen) -> None:
    mark = kitchen.order()
    assert kitchen.install(3, Accepted(order=mark)).revision is not None
    newer = kitchen.order(historyMax=5)
    assert newer == OrderMark(uid=mark.uid, generation=2)
    with pytest.raises(OrderChangedError) as raised:
        kitchen.install(4, Accepted(order=mark))
    assert raised.value.context == ("Release/shop says something else now (generation 2; this change carries out 1)",)
    with pytest.raises(OrderChangedError, match="order of release shop"):
        kitchen.install(4, Accepted(order=OrderMark(uid="another", generation=2)))
    suspended = kitchen.order(suspend=True)
    with pytest.raises(OrderChangedError, match="order of release shop") as raised:
        kitchen.install(4, Accepted(order=suspended))
    assert raised.value.context == ("Release/shop is suspended",)
    assert kitchen.revisions == 2


def test_an_order_that_comes_between_plan_and_lock_stops_the_change(kitchen: Kitchen) -> None:
    def approve(proposal: Proposal) -> bool:
        kitchen.order()
        return not proposal.plan.is_empty

    with pytest.raises(KeptReleaseError, match="keeps release shop"):
        kitchen.install(3, approve=approve)
    assert kitchen.revisions == 1


def test_an_order_that_changes_between_plan_and_lock_stops_what_carries_it_out(kitchen: Kitchen) -> None:
    mark = kitchen.order()

    def approve(proposal: Proposal) -> bool:
        kitchen.order(historyMax=5)
        return not proposal.plan.is_empty

    with pytest.raises(OrderChangedError, match="order of release shop"):
        kitchen.install(3, Accepted(order=mark), approve=approve)
    assert kitchen.revisions == 1


def test_the_rollback_of_a_change_that_carries_an_order_out_is_let_through() -> None:
    made = Kitchen()
    with made.session as session:
        serve_orders(made.cluster, made.clock)
        mark = made.order()
        made.cluster.fail("Deployment", "shop", "ImagePullBackOff")
        broken = ReleaseRequest(
            bundle="webapp",
            release="shop",
            accepted=Accepted(order=mark),
            rollback_s=60.0,
        )
        with pytest.raises(RolledBackError):
            session.apply(broken)
        assert session.releases() == ()


def test_an_order_that_no_controller_reads_is_waited_for_until_the_time_ends(kitchen: Kitchen) -> None:
    kitchen.order()
    written = kitchen.session.order("shop", lambda body: body)
    with pytest.raises(WaitTimeoutError) as raised:
        kitchen.session.wait_for_order(written)
    assert raised.value.context == ("no controller has read it yet",)


def test_what_an_order_waited_for_before_it_was_approved_is_no_news(kitchen: Kitchen) -> None:
    kitchen.order()
    why = {"reason": "AwaitingApproval", "message": "data may be lost", "lastTransitionTime": "2026-11-30T12:00:00Z"}
    stalled = {"type": "Stalled", "status": "True", **why}
    write_status(
        kitchen.cluster, {**read(kitchen.cluster), "status": {"observedGeneration": 1, "conditions": [stalled]}}
    )
    written = read(kitchen.cluster)
    began_s = kitchen.clock.monotonic()
    with pytest.raises(OrderStalledError) as raised:
        kitchen.session.wait_for_order(written)
    assert kitchen.clock.monotonic() - began_s > 10  # the controller was given the time to read the approval
    assert raised.value.context == ("AwaitingApproval: data may be lost",)
    assert "bundler approve shop -n default" in raised.value.hint


def test_an_order_that_was_approved_is_waited_for_however_long_its_controller_takes_to_read_that(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bundler.actions.ordering.wait._PAUSE_S", 100.0)
    kitchen.order()
    stalled = {"type": "Stalled", "status": "True", "reason": "AwaitingApproval", "message": "data may be lost"}
    told = {"observedGeneration": 1, "plan": {"digest": "sha256:1"}, "conditions": [stalled]}
    stalled["lastTransitionTime"] = "2026-11-30T12:00:00Z"
    write_status(kitchen.cluster, {**read(kitchen.cluster), "status": told})
    written = kitchen.session.order("shop", lambda body: with_note(body, APPROVE, "sha256:1"))
    with pytest.raises(WaitTimeoutError):
        kitchen.session.wait_for_order(written)
