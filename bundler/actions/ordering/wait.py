"""Wait until what an order says holds, by its conditions. Layer: actions.

Source: github.com/kubernetes-sigs/cli-utils, pkg/kstatus: Ready, Reconciling, Stalled, observedGeneration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.actions.ordering.edit import read_order
from bundler.errors import InterruptedRunError
from bundler.errors.change import OrderStalledError, WaitTimeoutError
from bundler.model.events import Notice
from bundler.model.json import Body, int_at, items_at, mapping_at, text_at
from bundler.model.orders import APPROVE, RETRY, is_suspended

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports

_PAUSE_S: Final = 1.0
_SILENT_S: Final = 15.0
"""A controller that works has said something by then."""
_HINTS: Final = {
    "AwaitingApproval": "read the plan and approve it with `bundler approve {place}`, or change the order",
    "Contested": "let one of the two write it (`ignore` of the order), then try again with `bundler retry {place}`",
    "FailedOnce": "fix what is named, then change the order, or try the same again with `bundler retry {place}`",
    "Suspended": "continue with `bundler resume {place}`",
}


def wait_for_order(ref: ObjectRef, written: Body, ports: Ports) -> Body:
    """Wait until the controller has carried an order out, and return the order as it is then.

    Args:
        ref: the order.
        written: the order as it was written last; what its status says is not news.
        ports: the cluster, the clock and the reporter of the run.

    Raises:
        OrderNotFoundError: when it is gone.
        OrderStalledError: when the controller waits for someone, or gave up.
        WaitTimeoutError: when the time of the call ends before.
        ClusterError
    """
    begun_s, said = ports.clock.monotonic(), ""
    while True:
        body = read_order(ref, ports.cluster)
        if is_suspended(body):
            raise _stalled(ref, "Suspended", "it is suspended, and its controller does not carry it out")
        if is_carried_out(body):
            return body
        is_silent = ports.clock.monotonic() - begun_s > _SILENT_S
        if is_silent or mapping_at(body, "status") != mapping_at(written, "status"):
            _refuse_stalled(ref, body)
        now = _state_of(body)
        if not now and is_silent:
            now = "no controller has read it yet"
        if now not in {"", said}:
            ports.report(Notice(f"{ref.short}: {now}"))
            said = now
        if ports.is_stopped():
            raise InterruptedRunError(
                f"waiting for {ref.short}",
                context=["the order itself is written, and is carried out all the same"],
                hint=f"run `bundler wait {ref.name} -n {ref.namespace}` to wait for the release again",
            )
        if ports.remaining_s() <= 0:
            raise WaitTimeoutError(
                f"waiting for {ref.short}",
                context=[now or "no controller has read it yet"],
                hint=f"run `kubectl describe rls {ref.name} -n {ref.namespace}` to see why; the order stays",
            )
        ports.clock.sleep(min(_PAUSE_S, max(ports.remaining_s(), 0.0)))


def is_carried_out(body: Body) -> bool:
    """Return whether the controller has seen what an order says, and made it so."""
    return _is_seen(body) and _condition(body, "Ready").get("status") == "True" and not _is_true(body, "Stalled")


def _refuse_stalled(ref: ObjectRef, body: Body) -> None:
    if not _is_seen(body) or not _is_true(body, "Stalled") or _is_true(body, "Reconciling") or _is_answered(body):
        return
    stalled = _condition(body, "Stalled")
    raise _stalled(ref, text_at(stalled, "reason"), text_at(stalled, "message"))


def _is_answered(body: Body) -> bool:
    """Return whether what an order waited for was said by an annotation, which no generation counts."""
    notes, status = mapping_at(body, "metadata", "annotations"), mapping_at(body, "status")
    is_approved = text_at(status, "plan", "digest") == text_at(notes, APPROVE) != ""
    is_retried = text_at(notes, RETRY) not in {"", text_at(status, "lastAttempt", "retry")}
    return is_approved or (is_retried and text_at(_condition(body, "Stalled"), "reason") == "FailedOnce")


def _stalled(ref: ObjectRef, reason: str, message: str) -> OrderStalledError:
    place = f"{ref.name} -n {ref.namespace}"
    return OrderStalledError(
        f"waiting for {ref.short}",
        context=[f"{reason}: {message}".removesuffix(": ")],
        hint=_HINTS.get(reason, "change what is named, or the order; it is carried out as soon as it can be").format(
            place=place
        ),
    )


def _state_of(body: Body) -> str:
    """Return what the controller does for an order now, in a line; empty where it has not seen it."""
    if not _is_seen(body):
        return ""
    working, ready = _condition(body, "Reconciling"), _condition(body, "Ready")
    told = working if working.get("status") == "True" else ready
    return ": ".join(filter(None, (text_at(told, "reason"), text_at(told, "message"))))


def _is_seen(body: Body) -> bool:
    return int_at(body, "status", "observedGeneration") >= int_at(body, "metadata", "generation")


def _is_true(body: Body, kind: str) -> bool:
    return _condition(body, kind).get("status") == "True"


def _condition(body: Body, kind: str) -> Body:
    found = (one for one in items_at(body, "status", "conditions") if text_at(one, "type") == kind)
    return next(found, {})
