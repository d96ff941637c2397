"""Whatever is done to a release, in any order: outside of an open rollout nothing of it is held back."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout
from bundler.actions.rollout.pause import PauseRequest, pause
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.errors import BundlerError
from bundler.errors.change import ReleaseNotFoundError
from bundler.model.lean import replace
from bundler.model.rollout import RolloutRequest, Share
from bundler.planning.pacing import pacing_of
from tests.lib.clocks import FakeClock
from tests.lib.dying import DeathError, DyingCluster
from tests.lib.operator import Operator
from tests.lib.sandboxes import open_sandbox
from tests.lib.stepped_worlds import shop

if TYPE_CHECKING:
    from pathlib import Path

WORKLOADS = (("Deployment", "shop-web"), ("StatefulSet", "shop-db"))
PAUSING = RolloutRequest(steps=(Share(1), Share(50, is_percent=True)), pause_after="each")
IMAGES = ("web:1", "web:2", "web:3", "broken:1", "unready:1")
VERBS = ("install", "upgrade", "steps", "steps", "continue", "continue", "abort", "pause", "rollback", "uninstall")
NOBODY = 2**22 + 1
"""No process of this machine."""


class History:
    """A release, and what is done to it one after the other."""

    def __init__(self, bundle: Path, random: Random) -> None:
        self.bundle, self.random, self.clock = bundle, random, FakeClock()
        self.client = open_sandbox(self.clock)
        self.done: list[str] = []

    def operator(self, **fields: object) -> Operator:
        cluster = fields.pop("cluster", self.client)
        return Operator(cluster, "prod", clock=self.clock, timeout_s=60, **fields)  # type: ignore[arg-type]

    def step(self) -> None:
        """Do something, which may be refused, fail, or die at one of its writes."""
        verb, dies = self.random.choice(VERBS), self.random.random() < 0.3
        self.done.append(f"{verb}{' and dies' if dies else ''}")
        operator = self.operator()
        if dies:
            cluster = DyingCluster(self.client, number=self.random.randint(1, 12), is_after=True)
            operator = self.operator(cluster=cluster, pid=NOBODY)
        try:
            self._do(verb, operator)
        except (BundlerError, DeathError) as error:
            self.done.append(type(error).__name__)
            if verb == "uninstall" and isinstance(error, DeathError):
                with suppress(ReleaseNotFoundError):  # it died after its last write
                    self.operator().uninstall()  # until then the rollout is over, and its workloads are on their way out
        self.check()

    def _do(self, verb: str, operator: Operator) -> None:
        place = {"release": "shop", "namespace": "prod"}
        image, options = f"docker.io/library/{self.random.choice(IMAGES)}", RunOptions()
        match verb:
            case "install":
                operator.install(self.bundle, image=image)
            case "upgrade":
                operator.upgrade(self.bundle, image=image)
            case "steps":
                asked = replace(PAUSING, pause_after=self.random.choice(["each", "none"]), step_timeout_s=30)
                operator.upgrade(self.bundle, request={"steps": asked}, image=image)
            case "continue":
                continue_rollout(ContinueRequest(**place), operator.ports(), options, lambda _: True)
            case "abort":
                abort_rollout(AbortRequest(**place), operator.ports(), options, lambda _: True)
            case "pause":
                pause(PauseRequest(**place), operator.ports())
            case "rollback":
                operator.rollback()
            case _:
                operator.uninstall()

    def check(self) -> None:
        """Hold nothing back without a record that says so."""
        heads = self.operator().history()
        if heads and heads[-1].rollout is not None:
            return
        for kind, name in WORKLOADS:
            live = self.operator().live(kind, name, "apps")
            assert live is None or pacing_of(live) is None, (kind, self.done)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_held_back_outside_of_an_open_rollout(tmp_path: Path, seed: int) -> None:
    history = History(shop(tmp_path, "Deployment", "StatefulSet"), Random(seed))
    history.operator().install(history.bundle)
    for _ in range(12):
        history.step()
