"""Calls controllers until nothing moves. Layer: sandbox, pure over a store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass
from bundler.sandbox.controllers import (
    cluster,
    deployments,
    jobs,
    pods,
    replicas,
    services,
    stateful_sets,
    volumes,
)
from bundler.sandbox.controllers.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bundler.sandbox.settings import SandboxSettings
    from bundler.sandbox.store import Transaction

MAX_ROUNDS = 200
"""Far more than the longest chain takes; only two controllers that undo each other's work get there."""
MAX_STEPS = 100
"""How many moments of a long absence are gone through; a container that crashes has no end of them."""
_SETTLED, _WAKES, _TOUCHED = "settled", "wakes", "touched"


@dataclass(frozen=True, slots=True)
class _Controller:
    name: str
    run: Callable[[World], None]
    watched: frozenset[tuple[str, str]] | None
    """Kinds whose changes it has to see; None for all."""


_CONTROLLERS = (
    _Controller("namespaces", cluster.run_namespaces, None),
    _Controller("definitions", cluster.run_definitions, None),
    _Controller("deployments", deployments.run_deployments, deployments.WATCHED),
    _Controller("replica sets", replicas.run_replica_sets, replicas.REPLICAS_WATCHED),
    _Controller("stateful sets", stateful_sets.run_stateful_sets, stateful_sets.WATCHED),
    _Controller("daemon sets", replicas.run_daemon_sets, replicas.DAEMONS_WATCHED),
    _Controller("jobs", jobs.run_jobs, jobs.WATCHED),
    _Controller("claims", volumes.run_claims, volumes.WATCHED),
    _Controller("pods", pods.run_pods, pods.WATCHED),
    _Controller("services", services.run_services, services.SERVICES_WATCHED),
    _Controller("budgets", services.run_budgets, services.BUDGETS_WATCHED),
    _Controller("scalers", services.run_scalers, services.SCALERS_WATCHED),
    _Controller("quotas", services.run_quotas, None),
    _Controller("garbage", cluster.collect_garbage, None),
)


def is_due(tx: Transaction, now_s: float) -> bool:
    """Return whether something changed since the controllers last settled, or one of them asked for this time."""
    if tx.meta(_SETTLED) != str(tx.version):
        return True
    wakes = json.loads(tx.meta(_WAKES, "{}"))
    return any(due_s <= now_s for due_s in wakes.values())


def run_controllers(tx: Transaction, *, now_s: float, settings: SandboxSettings) -> None:
    """Run every controller that has to, until nothing moves.

    Args:
        tx: the open transaction.
        now_s: seconds since the epoch.
        settings: speed and limits of the sandbox.
    """
    settled = tx.meta(_SETTLED)
    wakes: dict[str, float] = json.loads(tx.meta(_WAKES, "{}"))
    is_complete = settled.isdigit() and int(settled) >= tx.oldest_logged()
    due = {name for name, due_s in wakes.items() if due_s <= now_s}
    if not is_complete:
        due = {one.name for one in _CONTROLLERS}
    changed = tx.kinds_changed_since(int(settled)) if is_complete else set()
    for _ in range(MAX_ROUNDS):
        version = tx.version
        for one in _chosen(due, changed):
            world = World(tx, now_s=now_s, settings=settings)
            one.run(world)
            wakes.pop(one.name, None)
            if world.next_s is not None:
                wakes[one.name] = world.next_s
        if tx.version == version:
            break
        due, changed = set(), tx.kinds_changed_since(version)
    tx.set_meta(_SETTLED, str(tx.version))
    tx.set_meta(_WAKES, json.dumps(wakes))


def catch_up(tx: Transaction, *, now_s: float, settings: SandboxSettings) -> None:
    """Do what the controllers would have done since someone last looked, each thing at its own time.

    Args:
        tx: the open transaction.
        now_s: seconds since the epoch.
        settings: speed and limits of the sandbox.
    """
    for _ in range(MAX_STEPS):
        due_s = _next_due_s(tx)
        if due_s is None or due_s >= now_s:
            break
        run_controllers(tx, now_s=due_s, settings=settings)
    if is_due(tx, now_s):
        run_controllers(tx, now_s=now_s, settings=settings)


def touch(tx: Transaction, now_s: float) -> None:
    """Remember when the store was last written to from outside."""
    if tx.version != tx.first_version:
        tx.set_meta(_TOUCHED, repr(now_s))


def _next_due_s(tx: Transaction) -> float | None:
    wakes = list(json.loads(tx.meta(_WAKES, "{}")).values())
    if tx.meta(_SETTLED) != str(tx.version):
        wakes.append(float(tx.meta(_TOUCHED, "inf")))
    return min(wakes, default=None)


def unsettle(tx: Transaction, now_s: float) -> None:
    """Have every controller look at everything again."""
    tx.set_meta(_SETTLED, "")
    tx.set_meta(_TOUCHED, repr(now_s))


def _chosen(due: Iterable[str], changed: set[tuple[str, str]]) -> list[_Controller]:
    return [
        one for one in _CONTROLLERS if one.name in due or (changed and (one.watched is None or one.watched & changed))
    ]
