"""Releases that take no change of their own: an order keeps them, or a rollout is open. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bundler.errors.change import KeptReleaseError, OrderChangedError, OrdersHeldError, RolloutOpenError
from bundler.model.refs import ObjectRef
from bundler.model.size import first_of
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from bundler.model.orders import KeepingOrder, OrderMark
    from bundler.model.release import RevisionSummary

_SHOWN: Final = 10


def unordered_change(order: KeepingOrder | None, *, goes_back_to: int, is_removal: bool) -> Iterator[Problem]:
    """Find whether an order keeps the release: a change that does not carry it out would be undone.

    Args:
        order: of the release's name and namespace; None where there is none.
        goes_back_to: of a rollback: the revision that is restored; 0 for every other change.
        is_removal: the release is uninstalled.
    """
    if order is None or order.is_suspended:
        return
    name, place = order.ref.name, f"{order.ref.name} -n {order.ref.namespace}"
    option = f"--from-revision {goes_back_to}" if goes_back_to else "--set …"
    way = f"change the order with `bundler order {place} {option}`"
    if is_removal:
        way = f"delete the order with `kubectl delete rls {place}`"
    yield Problem(
        error=KeptReleaseError,
        doing=f"checking whether an order keeps release {name}",
        lines=(f"release {name} is kept by {order.ref.short} (generation {order.mark.generation})",),
        hint=f"{way}; or pass --suspend to suspend it and do this now, as after `bundler suspend {place}`",
    )


def moved_order(order: KeepingOrder | None, carried_out: OrderMark, release: str) -> Iterator[Problem]:
    """Find whether an order still says what a change carries out.

    Args:
        order: as it is now; None where there is none.
        carried_out: the order as the change read it.
        release: its name.
    """
    line = _moved(order, carried_out)
    if line:
        yield Problem(
            error=OrderChangedError,
            doing=f"checking the order of release {release}",
            lines=(line,),
            hint="read the order again",
        )


def _moved(order: KeepingOrder | None, carried_out: OrderMark) -> str:
    if order is None:
        return "there is no such order any more"
    if order.mark.uid != carried_out.uid:
        return f"{order.ref.short} is another object than the one that this change carries out"
    if order.is_suspended:
        return f"{order.ref.short} is suspended"
    if order.mark.generation != carried_out.generation:
        now, then = order.mark.generation, carried_out.generation
        return f"{order.ref.short} says something else now (generation {now}; this change carries out {then})"
    return ""


def orders_left(held: Sequence[ObjectRef], release: str) -> Iterator[Problem]:
    """Find the orders that no controller would let go any more, where that is uninstalled.

    Args:
        held: orders with its finalizer.
        release: the one of the controller.
    """
    if not held:
        return
    named = first_of([f"{ref.short} in namespace {ref.namespace}" for ref in held], _SHOWN)
    yield Problem(
        error=OrdersHeldError,
        doing=f"uninstalling release {release}, which holds the controller",
        lines=("no one would let these orders go when they, or their namespaces, are deleted:", *named),
        hint=(
            "delete them first (`kubectl delete rls NAME -n NAMESPACE` uninstalls the release; with `deletion: Orphan` "
            "it stays), or pass --orphan-orders: the orders are let go, and all of their releases stay"
        ),
    )


def rollout_problems(rolling: RevisionSummary | None) -> Iterator[Problem]:
    """Find whether a rollout is open: it must be over before anything else is changed.

    Args:
        rolling: the revision that is rolled out; None where no rollout is open.
    """
    if rolling is None:
        return
    bundle, place = rolling.bundle, f"{rolling.release} -n {rolling.namespace}"
    yield Problem(
        error=RolloutOpenError,
        doing=f"planning a change of release {rolling.release}",
        lines=(
            f"revision {rolling.revision} ({bundle.name} {bundle.version}) is rolled out in steps: {rolling.rollout}",
        ),
        hint=f"finish it with `bundler continue {place}`, or go back with `bundler abort {place}`",
    )
