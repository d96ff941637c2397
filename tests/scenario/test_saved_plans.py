"""Saved plans, on the sandbox and on the real API: applied exactly, once, or refused with what has moved since."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from bundler import ReleaseRequest, RollbackRequest, RunOptions, Session, SessionOptions, UninstallRequest, Values
from bundler.errors import BundlerError
from bundler.errors.change import ReleaseLockedError, RevisionExistsError, StalePlanError
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from bundler.wire.plan_file import decode_plan, encode_plan
from tests.lib.access import CONTEXT
from tests.lib.bundles import make_bundle
from tests.lib.clocks import FakeClock
from tests.lib.dying import DeathError, DyingCluster
from tests.lib.menus import small_bundle
from tests.lib.sandboxes import closed_when_dropped
from tests.lib.sessions import session_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bundler import SavedPlan
    from tests.scenario.conftest import World

OPERATORS, ROUNDS = 10, 1
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '{{ values.x }}'}\n"


def writes_in(world: World) -> dict[str, str]:
    """Return the resourceVersion of whatever a run may write: records, locks, objects."""
    kinds = [
        ("Secret", ""),
        ("ConfigMap", ""),
        ("Service", ""),
        ("Deployment", "apps"),
        ("Lease", "coordination.k8s.io"),
    ]
    return {
        f"{kind}/{name}": body["metadata"]["uid"] if kind == "Deployment" else body["metadata"]["resourceVersion"]
        for kind, group in kinds
        for name, body in world.bodies(kind, group).items()
    }


def stored(plan: SavedPlan) -> SavedPlan:
    """Return a plan as it comes out of its file."""
    assert decode_plan(encode_plan(plan), name="a.plan") == plan
    return decode_plan(encode_plan(plan), name="a.plan")


def test_what_moved_since_is_named_and_a_status_is_not_counted(world: World) -> None:
    operator = world.operator
    operator.install(world.menu)
    session = session_on(world.cluster, operator.clock, operator.namespace)

    def ask(**data: object) -> ReleaseRequest:
        return ReleaseRequest(bundle=str(world.menu), release="shop", values=Values(data=data))

    before = writes_in(world)
    plans = [stored(session.save_plan(ask(text="ho"))) for _ in range(2)]
    plans.append(stored(session.save_plan(RollbackRequest(release="shop", revision=1))))
    plans.append(stored(session.save_plan(UninstallRequest(release="shop"))))
    assert writes_in(world) == before, "a plan writes nothing"
    status = {"status": {"conditions": [{"type": "Odd", "status": "True"}]}}
    if world.is_sandbox:
        world.edit("Deployment", "shop-web", status, "apps")
    assert session.apply_plan(plans[0], options=RunOptions(waits=False)).revision is not None
    for plan in plans[1:]:
        with pytest.raises(StalePlanError) as refused:
            session.apply_plan(plan)
        assert "it was made on revision 1, and the release is at revision 2" in refused.value.context[0]

    plan = stored(session.save_plan(ask(text="hi")))
    world.scale_web(3)
    world.edit("ConfigMap", "shop-config", {"data": {"mine": "yes"}})
    world.cluster.delete(ObjectRef("", "Service", operator.namespace, "shop-web"))
    with pytest.raises(StalePlanError) as refused:
        session.apply_plan(plan)
    lines = "\n".join(refused.value.context)
    assert "ConfigMap/shop-config was changed by kubectl-edit at" in lines
    assert "(.data.mine)" in lines
    assert "Deployment/shop-web was changed by kube-controller-manager" in lines
    assert "(.spec.replicas)" in lines
    assert "Service/shop-web was deleted" in lines
    assert operator.statuses() == ["superseded", "deployed"]


@pytest.mark.slow
def test_ten_operators_at_once_lose_no_revision(
    opened: Callable[[], Session], namespace_of_ten: str, tmp_path: Path
) -> None:
    menu = str(make_bundle(tmp_path, {"templates/a.yaml": CONFIG_MAP, "values.yaml": "x: one\n"}))

    def ask(value: str) -> ReleaseRequest:
        return ReleaseRequest(bundle=menu, release="shop", namespace=namespace_of_ten, values=Values(data={"x": value}))

    with opened() as session:
        session.apply(ask("zero"))
    begin, ends = Barrier(OPERATORS), []

    def work(number: int) -> None:
        with opened() as session:
            for turn in range(ROUNDS):
                plan = stored(session.save_plan(ask(f"{number} in {turn}")))
                begin.wait()
                try:
                    done = session.apply_plan(plan, options=RunOptions(lock_timeout_s=300.0))
                except (StalePlanError, ReleaseLockedError, RevisionExistsError) as error:
                    ends.append((turn, error.code))
                else:
                    assert done.revision is not None
                    ends.append((turn, f"{done.revision.summary.revision}: {number} in {turn}"))
                begin.wait()

    with ThreadPoolExecutor(OPERATORS) as pool:
        list(pool.map(work, range(OPERATORS)))
    stale = [(turn, "plan-stale") for turn in range(ROUNDS) for _ in range(OPERATORS - 1)]
    done = sorted(one for one in ends if one[1] != "plan-stale")
    assert sorted(one for one in ends if one[1] == "plan-stale") == stale, ends
    assert [turn for turn, _ in done] == list(range(ROUNDS))
    with opened() as session:
        recorded = session.history("shop", namespace=namespace_of_ten)
        numbers = [one.revision for one in recorded]
        values = [session.revision("shop", n, namespace=namespace_of_ten).user_values["x"] for n in numbers]
    assert [f"{n}: {value}" for n, value in zip(numbers, values, strict=True)] == ["1: zero", *(one for _, one in done)]


@pytest.fixture
def namespace_of_ten(request: pytest.FixtureRequest) -> str:
    return f"ten-{abs(hash(request.node.nodeid)) % 10**8}"


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.controlplane)])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Session]:
    """Return what opens one more session on the same cluster: a file of the sandbox, or the real API."""
    options = SessionOptions(timeout_s=300.0)
    if request.param == "sandbox":
        return lambda: Session.sandbox(path=tmp_path / "ten.db", options=options)
    kubeconfig = request.getfixturevalue("control_plane").kubeconfig("admin")
    return lambda: Session.connect(kubeconfig=kubeconfig, context=CONTEXT, options=options)


def again(session: Session, plan: SavedPlan, options: RunOptions) -> str:
    """Apply a plan once more, whose run died."""
    try:
        session.apply_plan(plan, options=options)
    except StalePlanError as stale:
        found = stale.context[0]
    else:
        return "done"
    assert "it was made on revision 1, and the release is at revision 2" in found
    return "stale"


def replay(tmp_path: Path, wrap: Callable[[SandboxClient, int], Any], numbers: Iterable[int]) -> dict[str, int]:
    """Apply a plan through a cluster that goes wrong at each number; then once more, and if it is stale, a new one."""
    menu, path, now = small_bundle(tmp_path), tmp_path / "one.db", tmp_path / "now.db"
    request = ReleaseRequest(bundle=str(menu), release="shop", values=Values(data={"text": "ho", "step": "again"}))
    with Session.sandbox(path=path, options=SessionOptions(namespace="prod")) as session:
        session.apply(ReleaseRequest(bundle=str(menu), release="shop"))
        plan = stored(session.save_plan(request))
    ends = {"done": 0, "stale": 0}
    for number in numbers:
        now.write_bytes(path.read_bytes())
        clock = FakeClock()
        client = closed_when_dropped(SandboxClient.open(now, clock))
        try:
            session_on(wrap(client, number), clock, "prod").apply_plan(plan)
        except (DeathError, BundlerError):
            pass
        else:
            break
        session = session_on(client, clock, "prod")
        options = RunOptions(lock_timeout_s=120.0)
        end = again(session, plan, options)
        ends[end] += 1
        if end == "stale":
            session.apply_plan(stored(session.save_plan(request)), options=options)
        state = session.status("shop")
        assert state.is_ready
        assert state.deployed == state.revision.summary
        assert state.revision.user_values == {"text": "ho", "step": "again"}
        client.close()
    return ends


@pytest.mark.slow
def test_a_plan_whose_run_died_anywhere_is_done_by_the_next_or_refused_as_stale(tmp_path: Path) -> None:
    ends = replay(tmp_path, lambda client, number: DyingCluster(client, number=number), range(1, 100, 2))
    assert min(ends.values()) > 0
    assert sum(ends.values()) > 4
