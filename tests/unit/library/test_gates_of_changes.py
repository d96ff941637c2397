"""Whatever changes a release passes the one list of gates, after planning and again under the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler import (
    AbortRequest,
    BundlerError,
    ContinueRequest,
    ObjectRef,
    ReleaseRequest,
    RollbackRequest,
    RolloutRequest,
    Session,
    Share,
    UninstallRequest,
    Values,
)
from bundler.actions.release import gates
from bundler.errors.change import PlanError
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bundler import Proposal

WEB = ObjectRef("apps", "Deployment", "default", "shop")


def asked(**more: object) -> ReleaseRequest:
    return ReleaseRequest(bundle="webapp", release="shop", **more)  # type: ignore[arg-type]


OTHER = Values(data={"image": "docker.io/library/nginx:2"})
IN_STEPS = RolloutRequest(steps=(Share.parse("50%"),), pause_after="canary")
BEFORE: Mapping[str, tuple[Callable[[Session], object], ...]] = {
    "install": (),
    "rollback": (lambda one: one.apply(asked()), lambda one: one.apply(asked(values=OTHER))),
    "correct": (lambda one: one.apply(asked()), lambda one: one.cluster.delete(WEB)),
    "continue": (lambda one: one.apply(asked()), lambda one: one.apply(asked(values=OTHER, steps=IN_STEPS))),
    "abort": (lambda one: one.apply(asked()), lambda one: one.apply(asked(values=OTHER, steps=IN_STEPS))),
}
CHANGES: Mapping[str, Callable[[Session], object]] = {
    "install": lambda one: one.apply(asked()),
    "upgrade": lambda one: one.apply(asked(values=OTHER)),
    "rollback": lambda one: one.rollback(RollbackRequest(release="shop")),
    "uninstall": lambda one: one.uninstall(UninstallRequest(release="shop")),
    "correct": lambda one: one.correct("shop"),
    "saved plan": lambda one: one.apply_plan(one.save_plan(asked(values=OTHER))),
    "continue": lambda one: one.continue_rollout(ContinueRequest(release="shop")),
    "abort": lambda one: one.abort_rollout(AbortRequest(release="shop")),
}
PLANS_FIRST = {"saved plan": 2}
"""How often a change asks while its plan is saved."""


class Gate:
    """A gate that counts how often it is asked, and refuses at one of them."""

    def __init__(self, refused: int) -> None:
        self.count, self._refused = 0, refused

    def __call__(self, proposal: Proposal) -> Iterator[Problem]:
        del proposal
        self.count += 1
        if self.count == self._refused:
            yield Problem(error=PlanError, doing="asking a gate", lines=("it says no",), hint="do not")


def released(session: Session) -> object:
    """Return all that a change would change."""
    live = session.cluster.get(WEB)
    return live and live["metadata"]["uid"], live and live["spec"], session.releases()  # type: ignore[index]


@pytest.mark.medium
@pytest.mark.parametrize("look", [1, 2], ids=["after planning", "under the lock"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_gate_stops_every_change_before_anything_is_written(change: str, look: int, monkeypatch) -> None:
    with Session.sandbox() as session:
        for step in BEFORE.get(change, (lambda one: one.apply(asked()),)):
            step(session)
        gate = Gate(refused=PLANS_FIRST.get(change, 0) + look)
        monkeypatch.setattr(gates, "GATES", (*gates.GATES, gate))
        before = released(session)
        with pytest.raises(BundlerError, match="asking a gate"):
            CHANGES[change](session)
        assert released(session) == before
        assert gate.count == PLANS_FIRST.get(change, 0) + look
