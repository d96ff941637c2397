"""Say why a deleted object is still there, and who would have to act. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import BundlerError
from bundler.model.json import int_at, list_at
from bundler.model.size import counted
from bundler.planning.controllers import find_controllers
from bundler.planning.order import is_custom

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.change import Change
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports


def why_not_gone(ref: ObjectRef, body: Body, *, waited_s: float, around: Iterable[Change], ports: Ports) -> str:
    """Return one line: the object, for how long, its finalizers, and the state of its controller.

    Args:
        ref: the object.
        body: as it is now; metadata is enough.
        waited_s: since it was deleted, in seconds.
        around: all changes of the plan; the controller is looked for among them.
        ports: to look at the controller.
    """
    names = ", ".join(str(name) for name in list_at(body, "metadata", "finalizers"))
    parts = [f"{ref.short} still terminating after {waited_s:.0f}s", f"finalizer {names}" if names else "no finalizer"]
    if names and is_custom(ref):
        parts += _controllers(ref, around, ports)
    return ": ".join(parts)


def _controllers(ref: ObjectRef, around: Iterable[Change], ports: Ports) -> list[str]:
    bodies = {one.ref: one.desired.body if one.desired else one.before or {} for one in around}
    told = [_state_of(found, ref.namespace, ports) for found in find_controllers(ref.group, bodies)]
    return [", ".join(told)] if told else []


def _state_of(controller: ObjectRef, namespace: str, ports: Ports) -> str:
    where = "" if controller.namespace == namespace else f" in {controller.namespace}"
    try:
        live = ports.cluster.get(controller)
    except BundlerError:
        return f"{controller.short}{where} may look after it"
    if live is None:
        return f"{controller.short}{where} is gone"
    ready = counted(int_at(live, "status", "readyReplicas"), "ready replica")
    return f"{controller.short}{where} has {ready}"
