"""A run that carries out steps dies at each of its writes: whatever comes next finds its way from there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.errors.change import RolloutOpenError
from bundler.model.rollout import RolloutRequest, Share
from bundler.planning.pacing import pacing_of
from tests.lib.clocks import FakeClock
from tests.lib.dying import DeathError, DyingCluster, deaths
from tests.lib.operator import Operator
from tests.lib.sandboxes import open_sandbox
from tests.lib.stepped_worlds import images, shop

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.sandbox.client import SandboxClient

NOBODY = 2**22 + 1
"""No process of this machine."""
STEPS = RolloutRequest(steps=(Share(1), Share(100, is_percent=True)))
NEW = {"image": "docker.io/library/web:2", "replicas": "2"}


class Stage:
    """A release of two pods each, and the one who upgrades it."""

    def __init__(self, bundle: Path) -> None:
        self.bundle, self.clock = bundle, FakeClock()
        self.client: SandboxClient = open_sandbox(self.clock)
        self.operator().install(bundle, replicas="2")

    def operator(self, cluster: object = None, **fields: object) -> Operator:
        return Operator(cluster or self.client, "prod", clock=self.clock, timeout_s=600, **fields)  # type: ignore[arg-type]

    def pods(self, tag: str) -> int:
        return sum(images(self.client, "prod", app).get(tag, 0) for app in ("shop-web", "shop-db"))

    def upgrade(self, operator: Operator) -> None:
        is_over = operator.statuses()[-1] == "deployed" and self.pods("web:2") == 4
        operator.upgrade(self.bundle, request={} if is_over else {"steps": STEPS}, **NEW)

    def check(self, tag: str, *statuses: str) -> None:
        assert (self.pods("web:1"), self.pods("web:2")) == ((4, 0) if tag == "web:1" else (0, 4))
        assert self.operator().statuses() == list(statuses)
        assert all(summary.rollout is None for summary in self.operator().history())
        for kind, name in (("Deployment", "shop-web"), ("StatefulSet", "shop-db")):
            live = self.operator().live(kind, name, "apps")
            assert live is not None
            assert pacing_of(live) is None


def die(stage: Stage, number: int, is_after: bool) -> bool:
    cluster = DyingCluster(stage.client, number=number, is_after=is_after)
    try:
        stage.upgrade(stage.operator(cluster, pid=NOBODY))
    except DeathError:
        return True
    return False


def writes_of(bundle: Path) -> list[tuple[str, str]]:
    stage = Stage(bundle)
    cluster = DyingCluster(stage.client)
    stage.upgrade(stage.operator(cluster))
    stage.check("web:2", "superseded", "deployed")
    return cluster.writes


@pytest.mark.slow
def test_the_same_upgrade_goes_to_the_end_after_a_death_at_each_write(tmp_path: Path) -> None:
    bundle = shop(tmp_path, "Deployment", "StatefulSet")
    for number, is_after in deaths(writes_of(bundle)):
        stage = Stage(bundle)
        assert die(stage, number, is_after)
        if stage.operator().history()[-1].rollout is not None:
            with pytest.raises(RolloutOpenError):
                stage.operator().upgrade(bundle, image="docker.io/library/web:3", replicas="2")
        stage.upgrade(stage.operator())
        stage.check("web:2", "superseded", "deployed")


@pytest.mark.slow
def test_a_continue_goes_to_the_end_or_an_abort_goes_back_after_a_death_at_each_write(tmp_path: Path) -> None:
    bundle = shop(tmp_path, "Deployment", "StatefulSet")
    options = RunOptions()
    for number, is_after in deaths(writes_of(bundle)):
        for verb in ("continue", "abort"):
            stage = Stage(bundle)
            assert die(stage, number, is_after)
            newest = stage.operator().history()[-1]
            if newest.rollout is None:
                continue  # it died before its rollout was recorded, or after it was over
            ports = stage.operator().ports()
            if verb == "continue":
                continue_rollout(ContinueRequest(release="shop", namespace="prod"), ports, options, lambda _: True)
                stage.check("web:2", "superseded", "deployed")
            else:
                abort_rollout(AbortRequest(release="shop", namespace="prod"), ports, options, lambda _: True)
                stage.check("web:1", "deployed", "failed")


def abort(stage: Stage, cluster: object = None, **fields: object) -> None:
    ports = stage.operator(cluster, **fields).ports()
    abort_rollout(AbortRequest(release="shop", namespace="prod"), ports, RunOptions(), lambda _: True)


@pytest.mark.slow
def test_an_abort_that_dies_at_any_write_is_ended_by_the_next_one(tmp_path: Path) -> None:
    bundle = shop(tmp_path, "Deployment", "StatefulSet")
    number = 0
    while True:
        number += 1
        stage = Stage(bundle)
        paused = replace(STEPS, pause_after="1")
        stage.operator().upgrade(bundle, request={"steps": paused}, **NEW)
        cluster = DyingCluster(stage.client, number=number, is_after=True)
        try:
            abort(stage, cluster, pid=NOBODY)
        except DeathError:
            if stage.operator().history()[-1].rollout is not None:
                abort(stage)
            stage.check("web:1", "deployed", "failed")
        else:
            break
    stage.check("web:1", "deployed", "failed")
    assert number > 5
