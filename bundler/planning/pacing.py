"""How far a controller may go with a workload: what is sent with a new template, step by step. Layer: planning, pure.

A held Deployment has new pods that become ready but never available, so that its controller stops by itself at
``replicas - unavailable`` old pods and ``surge + unavailable`` new ones. A StatefulSet stops at its ``partition``.
Whatever is written here holds by itself: nothing moves on if the one who wrote it is gone.

Source: Kubernetes, pkg/controller/deployment/{rolling,sync}.go, pkg/controller/statefulset/stateful_set_control.go.
"""

from __future__ import annotations

from typing import Final

from bundler.model.json import Body, JSONValue, int_at, mapping_at, value_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.rollout import AuthorPace, Pacing, Share

NEVER_AVAILABLE_S: Final = 2**31 - 2
"""As ``minReadySeconds``: sixty-eight years."""
NO_DEADLINE_S: Final = 2**31 - 1
"""As ``progressDeadlineSeconds``: there is none. It has to be larger than the other one."""
PACING_PLACES: Final = frozenset(
    {
        ("spec", "minReadySeconds"),
        ("spec", "progressDeadlineSeconds"),
        ("spec", "strategy", "rollingUpdate", "maxSurge"),
        ("spec", "strategy", "rollingUpdate", "maxUnavailable"),
        ("spec", "updateStrategy", "rollingUpdate", "partition"),
    }
)
"""What is written of a workload to hold it back."""
_DEFAULT: Final = "25%"
_WHOLE: Final = 100


def author_pace(body: Body) -> AuthorPace:
    """Return how an author lets a workload be replaced, with what Kubernetes fills in.

    Args:
        body: a rendered Deployment or StatefulSet.
    """
    seconds = int_at(body, "spec", "minReadySeconds")
    if body.get("kind") == "StatefulSet":
        rolling = mapping_at(body, "spec", "updateStrategy", "rollingUpdate")
        return AuthorPace(
            surge=0,
            unavailable=_bound(rolling.get("maxUnavailable"), 1),
            min_ready_s=seconds,
            partition=int_at(rolling, "partition"),
        )
    rolling = mapping_at(body, "spec", "strategy", "rollingUpdate")
    return AuthorPace(
        surge=_bound(rolling.get("maxSurge"), _DEFAULT),
        unavailable=_bound(rolling.get("maxUnavailable"), _DEFAULT),
        min_ready_s=seconds,
    )


def _bound(value: JSONValue, default: int | str) -> int | str:
    return value if isinstance(value, int | str) else default


def paced(manifest: Manifest, pacing: Pacing) -> Manifest:
    """Return a rendered workload as it is sent while it is held; its type of strategy stays as the author wrote it."""
    spec = mapping_at(manifest.body, "spec")
    held: Body
    if pacing.partition is not None:
        held = {"updateStrategy": _rolling(spec, "updateStrategy", {"partition": pacing.partition})}
    else:
        bounds = {"maxSurge": pacing.surge, "maxUnavailable": pacing.unavailable}
        held = {
            "minReadySeconds": NEVER_AVAILABLE_S,
            "progressDeadlineSeconds": NO_DEADLINE_S,
            "strategy": _rolling(spec, "strategy", bounds),
        }
    return replace(manifest, body={**manifest.body, "spec": {**spec, **held}})


def _rolling(spec: Body, key: str, bounds: Body) -> Body:
    strategy = mapping_at(spec, key)
    return {**strategy, "rollingUpdate": {**mapping_at(strategy, "rollingUpdate"), **bounds}}


def pacing_of(live: Body) -> Pacing | None:
    """Return what holds a live workload back; None where nothing does, as outside of a rollout.

    Args:
        live: a Deployment or StatefulSet as the API returns it. A partition of a StatefulSet may be its author's own.
    """
    if live.get("kind") == "StatefulSet":
        partition = int_at(live, "spec", "updateStrategy", "rollingUpdate", "partition")
        return Pacing(partition=partition) if partition else None
    if value_at(live, "spec", "minReadySeconds") != NEVER_AVAILABLE_S:
        return None
    rolling = mapping_at(live, "spec", "strategy", "rollingUpdate")
    surge, unavailable = _bound(rolling.get("maxSurge"), _DEFAULT), _bound(rolling.get("maxUnavailable"), _DEFAULT)
    return Pacing(surge=surge, unavailable=unavailable)


def new_pods(pacing: Pacing, replicas: int) -> int:
    """Return how many new pods a held workload comes to.

    Args:
        pacing: as it is live.
        replicas: of the workload now.
    """
    if pacing.partition is not None:
        return max(replicas - pacing.partition, 0)
    surge, unavailable = _bounds(pacing.surge, pacing.unavailable, replicas)
    return min(surge + unavailable, replicas)


def old_pods(pacing: Pacing, replicas: int) -> int:
    """Return how many old pods a held workload keeps.

    Args:
        pacing: as it is live.
        replicas: of the workload now.
    """
    if pacing.partition is not None:
        return min(pacing.partition, replicas)
    return replicas - _bounds(pacing.surge, pacing.unavailable, replicas)[1]


def next_pacing(
    author: AuthorPace, share: Share, replicas: int, *, old: int, new: int, is_canary: bool = False
) -> Pacing | None:
    """Return the next small step towards a share of new pods; None where it is reached.

    A step takes no more old pods away than leave ``replicas`` ready pods, less what the author lets be unavailable,
    once the new pods there are ready. Pods that are new stay new: a smaller share than there is already is reached.

    Args:
        author: how the author lets the workload be replaced.
        share: of new pods.
        replicas: of the workload now; an autoscaler may have changed them since the last step.
        old: pods of the old template that its controller wants now. Where it was scaled, these may be other numbers
            than what holds it comes to: Kubernetes rounds as it shares out pods.
        new: pods of the new template that it wants now.
        is_canary: new pods come on top of the old ones, as far as the author allows for any on top.
    """
    target = share.pods(replicas)
    if author.partition is not None:
        partition = _partition(author.partition, replicas, target)
        return Pacing(partition=partition) if replicas - partition > new else None
    if new >= target:
        return None
    surge, unavailable = _bounds(author.surge, author.unavailable, replicas)
    count = min(target, new + max(surge + unavailable, 1))
    if is_canary and not _is_none(author.surge):
        surge = count = target
    missing = max(count - surge, replicas - old, 0)
    return Pacing(
        surge=_surge(author, share, count - missing, count, replicas),
        unavailable=_unavailable(author, share, missing, replicas),
    )


def standing_still(author: AuthorPace, replicas: int, *, old: int, new: int) -> Pacing:
    """Return what holds a workload where it is, however it came there; a Deployment has to have a new pod at least.

    Args:
        author: how the author lets the workload be replaced.
        replicas: of the workload now.
        old: pods of the old template that its controller wants now.
        new: pods of the new template that it wants now.
    """
    if author.partition is not None:
        return Pacing(partition=_partition(author.partition, replicas, new))
    missing = max(replicas - old, 0)
    surge = max(new - missing, 0 if missing else 1)
    return Pacing(surge=surge, unavailable=_percent(missing, replicas))


def _partition(own: int, replicas: int, new: int) -> int:
    """Return the partition for a number of new pods: counted from the first ordinal, and 0 in the finish alone."""
    return max(replicas - new, own, 1)


def _bounds(surge: int | str | None, unavailable: int | str | None, replicas: int) -> tuple[int, int]:
    """Return the two bounds in pods as a controller rounds them; where both come to nothing, one pod may be missing."""
    more, fewer = _pods(surge, replicas, is_up=True), min(_pods(unavailable, replicas, is_up=False), replicas)
    return more, fewer if more or fewer else min(1, replicas)


def _pods(bound: int | str | None, replicas: int, *, is_up: bool) -> int:
    if isinstance(bound, str):
        part = _percentage(bound) * replicas
        return -(-part // _WHOLE) if is_up else part // _WHOLE
    return bound or 0


def _percentage(bound: str) -> int:
    digits = bound.removesuffix("%")
    return int(digits) if digits.isdecimal() else 0


def _is_none(bound: int | str) -> bool:
    return not (_percentage(bound) if isinstance(bound, str) else bound)


def _surge(author: AuthorPace, share: Share, pods: int, count: int, replicas: int) -> int | str:
    """Return a surge in the words of the share or of the author where they come to the same number of pods."""
    if pods == count == share.pods(replicas):
        return str(share) if share.is_percent else pods
    return author.surge if pods == _pods(author.surge, replicas, is_up=True) else pods


def _unavailable(author: AuthorPace, share: Share, pods: int, replicas: int) -> int | str:
    """Return what may be missing: what the author's surge leaves of the share, where that is this number of pods."""
    if pods and share.is_percent and isinstance(author.surge, str):
        left = share.number - _percentage(author.surge)
        if left > 0 and left * replicas // _WHOLE == pods:
            return f"{left}%"
    return _percent(pods, replicas)


def _percent(pods: int, replicas: int) -> int | str:
    """Return a number of pods as the percentage that comes to it, rounded down.

    With a number, a workload that is scaled down would lose all of its old pods at once. Beyond 100 replicas there may
    be no percentage for it.
    """
    percent = -(-_WHOLE * pods // replicas) if replicas else 0
    return f"{percent}%" if percent and percent * replicas // _WHOLE == pods else pods
