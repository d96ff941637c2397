"""Let the pods of a step stay ready for a while. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.events import Notice
from bundler.model.lean import replace
from bundler.model.rollout import RolloutState
from bundler.model.size import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.actions.rollout.one_step import Rolling
    from bundler.model.rollout import Rollout, SeenWorkload
    from bundler.ports import Ports


class Soak:
    """Measures for how long everything has been ready without a break; a pod that restarts begins it again."""

    def __init__(self, rolling: Rolling, ports: Ports) -> None:
        """Prepare; it has not begun."""
        self._rolling, self._ports = rolling, ports
        self._since_s: float | None = None

    def reset(self) -> None:
        """Begin again when everything is ready again."""
        if self._since_s is not None:
            self._ports.report(Notice("something is no longer ready: the soak begins again once it is"))
        self._since_s = None

    def is_over(self, seen: Sequence[SeenWorkload]) -> bool:
        """Return whether everything, ready now, has been so for long enough.

        Args:
            seen: the workloads of the step.
        """
        rollout, now_s = self._rolling.rollout, self._rolling.memory.ages.now_s
        if not rollout.soak_s:
            return True
        if self._since_s is None:
            self._begin(rollout, now_s)
        youngest_s = min((one.new.oldest_ready_s for one in seen if one.new.there), default=0.0)
        since_s = max(self._since_s or now_s, now_s - youngest_s)
        if since_s > (self._since_s or now_s):
            self._ports.report(Notice("a new pod was not ready, or started again: the soak begins again"))
        self._since_s = since_s
        return now_s - since_s >= rollout.soak_s

    def _begin(self, rollout: Rollout, now_s: float) -> None:
        self._since_s = now_s
        if rollout.state is RolloutState.SOAKING:
            return
        step = f"step {rollout.step} of {rollout.steps}"
        self._ports.report(Notice(f"{step}: its pods are ready, and have to stay so for {seconds(rollout.soak_s)}"))
        self._rolling.move(replace(rollout, state=RolloutState.SOAKING))
