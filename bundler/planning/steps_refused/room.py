"""The pods that come on top of those of a workload while its new ones stand beside the old. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.model.digits import parse_digits
from bundler.model.json import Body, mapping_at, value_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.planning.claim_growth import is_stateful_set
from bundler.planning.steps_refused.case import Case, body_after, replicas_of

_DEFAULT: Final = "25%"
_WHOLE: Final = 100


def pods_on_top(case: Case) -> Iterator[Manifest]:
    """Yield each workload that goes in steps, with as many replicas as pods come on top of those that it has.

    Args:
        case: what was asked for, and the plan.
    """
    for change in case.stepped:
        if change.desired is None or is_stateful_set(change.ref):
            continue
        replicas, shares = replicas_of(change), case.shares[change.component]
        allowed = surge_pods(body_after(change), replicas)
        if allowed and shares:
            first = shares[0].pods(replicas) if case.request.has_canary else 0
            more = max(allowed, first)
            spec = {**mapping_at(change.desired.body, "spec"), "replicas": more}
            yield replace(change.desired, body={**change.desired.body, "spec": spec})


def surge_pods(deployment: Body, replicas: int) -> int:
    """Return how many pods its author lets come on top, rounded up as its controller does it.

    Args:
        deployment: as its author writes it.
        replicas: how many pods it has.
    """
    bound = value_at(deployment, "spec", "strategy", "rollingUpdate", "maxSurge")
    if isinstance(bound, int):
        return bound
    percent = str(bound or _DEFAULT).removesuffix("%")
    return -(-(parse_digits(percent) or 0) * replicas // _WHOLE)
