"""Upgrades in steps from a program: read, paused, and in the way of every other change."""

from __future__ import annotations

import pytest

from bundler import ContinueRequest, ReleaseRequest, RollbackRequest, RolloutRequest, Session, Share, Values
from bundler.errors import UsageError
from bundler.errors.change import RolloutOpenError
from bundler.model.release import ReleaseStatus
from bundler.model.rollout import RolloutState, Template
from tests.lib.clocks import FakeClock

ONE_POD = RolloutRequest(steps=(Share.parse("1"),), pause_after="canary")


def request(image: str, steps: RolloutRequest | None = None) -> ReleaseRequest:
    return ReleaseRequest(bundle="webapp", release="shop", values=Values(data={"image": image}), steps=steps)


@pytest.mark.medium
def test_a_session_reads_and_pauses_a_rollout_and_makes_no_other_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.library.session.SystemClock", FakeClock)
    with Session.sandbox() as session:
        session.apply(request("nginx:1"))
        with pytest.raises(UsageError, match="reading the rollout"):
            session.rollout("shop")
        with pytest.raises(UsageError, match="pausing the rollout"):
            session.pause_rollout("shop")
        assert session.apply(request("nginx:2", ONE_POD)).is_paused
        progress = session.rollout("shop")
        assert progress.summary == session.releases()[0]
        assert progress.deployed is not None
        assert (progress.deployed.revision, progress.deployed.status) == (1, ReleaseStatus.DEPLOYED)
        (web,) = progress.workloads
        assert (web.template, web.new.there, web.old.there) == (Template.NEW, 1, 2)
        paused = session.pause_rollout("shop", reason="look").rollout
        assert paused is not None
        assert (paused.state, paused.reason) == (RolloutState.PAUSED, "look")
        for change in (
            lambda: session.apply(request("nginx:3")),
            lambda: session.plan(request("nginx:3")),
            lambda: session.rollback(RollbackRequest(release="shop", revision=1)),
        ):
            with pytest.raises(RolloutOpenError):
                change()
        assert session.continue_rollout(ContinueRequest(release="shop")).revision is not None
        assert [one.status for one in session.history("shop")] == [ReleaseStatus.SUPERSEDED, ReleaseStatus.DEPLOYED]
