"""Whether an object is ready. Layer: health, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.health.compute import compute_health
from bundler.health.pods import FailFast, PodHistory, PodProblem, is_final, observe_pod, pod_problem
from bundler.late import late_modules

__all__ = ["FailFast", "PodHistory", "PodProblem", "compute_health", "is_final", "observe_pod", "pod_problem"]

if TYPE_CHECKING:
    from bundler.health import author as author

__getattr__ = late_modules(__name__)
