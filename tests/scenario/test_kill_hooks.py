"""Death between any two writes of a change with hooks, on the sandbox: what has finished does not run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.model.change import Action
from bundler.model.events import ChangeFinished, HealthChanged
from bundler.model.health import Status
from tests.lib.bundles import make_bundle
from tests.lib.dying import DeathError, DyingCluster, deaths
from tests.lib.templates import WEB
from tests.scenario.test_hooks import VALUES, hook
from tests.scenario.test_kill_shop import NOBODY, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bundler.model.events import Event
    from tests.lib.operator import Operator

pytestmark = pytest.mark.slow

HOOKS = "---".join(
    [
        hook("first", "before-upgrade, before-rollback, before-uninstall", delete="success"),
        hook("second", "after-upgrade, after-rollback, after-uninstall"),
    ]
)


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    files = {"values.yaml": VALUES, "templates/web.yaml": WEB, "hooks/jobs.yaml": HOOKS}
    return make_bundle(tmp_path / "hooked", files, name="hooked")


def finished(events: Iterable[Event]) -> set[str]:
    ended = (one for one in events if isinstance(one, HealthChanged) and one.health.status is Status.CURRENT)
    return {one.ref.name for one in ended if one.ref.kind == "Job"}


def written(events: Iterable[Event]) -> set[str]:
    ends = (one for one in events if isinstance(one, ChangeFinished) and one.ref.kind == "Job")
    return {one.ref.name for one in ends if one.action is not Action.DELETE}


def sweep(
    menu: Path, tmp_path: Path, before: Callable[[Operator], object], change: Callable[[Operator], object]
) -> None:
    """Die at every write of a change, repeat it, and hold the two runs against each other."""
    stage = Stage.open(tmp_path / "before.db")
    before(stage.operator())
    stage.client.close()
    start = (tmp_path / "before.db").read_bytes()

    def fresh() -> Stage:
        (tmp_path / "now.db").write_bytes(start)
        return Stage.open(tmp_path / "now.db")

    stage = fresh()
    undisturbed, cluster = [], DyingCluster(stage.client)
    change(stage.operator(cluster, events=undisturbed))
    ended = stage.operator().statuses()
    everything, left = written(undisturbed), set(stage.items("batch", "Job"))
    stage.client.close()
    assert len(everything) == 2
    for number, is_after in deaths(cluster.writes):
        stage, first, second = fresh(), [], []
        with pytest.raises(DeathError):
            change(
                stage.operator(DyingCluster(stage.client, number=number, is_after=is_after), pid=NOBODY, events=first)
            )
        if (statuses := stage.operator().statuses())[-1:] == ended[-1:] and len(statuses) == len(ended):
            break  # it came to its end: where it does anything, the same command is another change
        change(stage.operator(events=second))
        assert finished(first) & written(second) == set(), (number, is_after)
        assert finished(first) | finished(second) == everything, (number, is_after)
        assert set(stage.items("batch", "Job")) == left, (number, is_after)
        stage.client.close()


def install(menu: Path, web: str = "docker.io/library/web:1") -> Callable[[Operator], object]:
    return lambda operator: operator.install(menu, web=web)


def twice(menu: Path) -> Callable[[Operator], object]:
    return lambda operator: (install(menu)(operator), install(menu, "docker.io/library/web:2")(operator))


def test_hooks_of_an_upgrade(menu: Path, tmp_path: Path) -> None:
    sweep(menu, tmp_path, install(menu), install(menu, "docker.io/library/web:2"))


def test_hooks_of_a_rollback(menu: Path, tmp_path: Path) -> None:
    sweep(menu, tmp_path, twice(menu), lambda operator: operator.rollback(revision=1))


def test_hooks_of_an_uninstall(menu: Path, tmp_path: Path) -> None:
    def uninstall(operator: Operator) -> None:
        if operator.history():
            operator.uninstall()

    sweep(menu, tmp_path, install(menu), uninstall)
