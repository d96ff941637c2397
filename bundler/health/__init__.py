"""Whether an object is ready. Layer: health, pure."""

from bundler.health.compute import compute_health
from bundler.health.pods import FailFast, PodHistory, PodProblem, is_final, observe_pod, pod_problem

__all__ = ["FailFast", "PodHistory", "PodProblem", "compute_health", "is_final", "observe_pod", "pod_problem"]
