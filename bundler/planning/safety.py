"""Whether a plan loses what cannot be recovered. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bundler.fields.kinds import kind_info, pod_spec_path
from bundler.model.change import Action, Change, Plan
from bundler.model.json import Body, items_at, mapping_at, text_at
from bundler.model.orders import is_kept_order
from bundler.model.refs import ObjectRef

_HOLD_DATA: Final = frozenset({("apps", "StatefulSet")})
_TAKE_MORE_WITH_THEM: Final = {
    ("", "PersistentVolumeClaim"): "the data of the claim; pods that use it must be stopped before it goes",
    ("", "PersistentVolume"): "the volume, and its data where the reclaim policy says so",
}


def losses(plan: Plan) -> tuple[Change, ...]:
    """Return the changes that lose what cannot be recovered: data, or the address of a load balancer.

    What goes with an object of a kind that Kubernetes does not know, a database operator's say, is unknown, and counts
    as data. A workload that is created again loses its pods alone, and a StatefulSet keeps its claims. An uninstall
    means that addresses go, and keeps volume claims, so that it loses the data of a StatefulSet only where its claims
    are deleted with it; and what goes with an order that a controller keeps is judged when the release of that is
    uninstalled.
    """
    is_loss = _is_lost_with_release if plan.is_removal else _is_loss
    return tuple(change for change in plan.changes if is_loss(change))


def lost_with(change: Change) -> Iterator[str]:
    """Yield what is lost while an object is deleted and created again, a few words each.

    Of other changes, only the address of a load balancer: a Service gives it up with its type, and when it is deleted.
    """
    if _gives_up_address(change):
        yield _lost_address(change)
    if change.action is not Action.RECREATE or change.hook is not None:
        return
    place = _place(change.ref)
    if place in _TAKE_MORE_WITH_THEM:
        yield _TAKE_MORE_WITH_THEM[place]
    elif place == ("", "Service"):
        yield from _lost_with_service(change)
    elif kind_info(*place) is None:
        yield "whatever its controller keeps of it, data perhaps"
    elif place == ("", "Pod"):
        yield "the pod: it ends before the new one starts"
    elif pod_spec_path(*place) is not None and place != ("batch", "Job") and not change.keeps_pods:
        yield "its pods: all of them stop before new ones start"
        if _loses_claims(change):
            yield "its volume claims, and their data: whenDeleted is Delete"


def _lost_with_service(change: Change) -> Iterator[str]:
    wanted = change.desired.body if change.desired else {}
    address, kept = (text_at(body, "spec", "clusterIP") for body in (change.before, wanted))
    if address not in {"", "None", kept}:
        yield f"its cluster IP {address}, to which clients may be connected"
    if _is_balanced(change.before):
        yield _lost_address(change)


def _lost_address(change: Change) -> str:
    addresses = ", ".join(text_at(one, "ip") or text_at(one, "hostname") for one in _ingress(change.before))
    return f"the address of its load balancer{f', {addresses}' if addresses else ''}: DNS may point there"


def _is_lost_with_release(change: Change) -> bool:
    if change.action is Action.DELETE and is_kept_order(change.ref, change.before or {}):
        return False
    if change.action is Action.DELETE and _place(change.ref) == ("", "Service"):
        return False
    if change.action is not Action.DELETE or _place(change.ref) not in _HOLD_DATA:
        return _is_loss(change)
    return _loses_claims(change)


def _is_loss(change: Change) -> bool:
    match change.action:
        case Action.RECREATE:
            is_kept = change.keeps_pods or change.hook is not None  # a hook is made for its run
            return not is_kept and (
                _place(change.ref) in _TAKE_MORE_WITH_THEM
                or kind_info(change.ref.group, change.ref.kind) is None
                or (_place(change.ref) == ("", "Service") and _is_balanced(change.before))
                or _loses_claims(change)
            )
        case Action.DELETE:
            return may_hold_data(change.ref) or _gives_up_address(change)
        case _:
            return _gives_up_address(change)


def _gives_up_address(change: Change) -> bool:
    """Return whether a Service that has the address of a load balancer is deleted, or becomes one without."""
    if _place(change.ref) != ("", "Service") or not (_is_balanced(change.before) and _ingress(change.before)):
        return False
    wanted = change.after or (change.desired.body if change.desired else None)
    return change.action is Action.DELETE or (change.action is Action.UPDATE and not _is_balanced(wanted))


def _is_balanced(service: Body | None) -> bool:
    return text_at(service, "spec", "type") == "LoadBalancer"


def _ingress(service: Body | None) -> Sequence[Body]:
    return items_at(service, "status", "loadBalancer", "ingress")


def _loses_claims(change: Change) -> bool:
    """Return whether the claims of a StatefulSet go with it."""
    policy = mapping_at(change.before, "spec", "persistentVolumeClaimRetentionPolicy")
    return _place(change.ref) in _HOLD_DATA and policy.get("whenDeleted") == "Delete"


def may_hold_data(ref: ObjectRef) -> bool:
    """Return whether data may go with an object: a StatefulSet, or a kind that Kubernetes does not know."""
    return _place(ref) in _HOLD_DATA or kind_info(ref.group, ref.kind) is None


def _place(ref: ObjectRef) -> tuple[str, str]:
    return ref.group, ref.kind
