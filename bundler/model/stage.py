"""The stages of a component, as the scheduler orders them and records name them. Layer: model, pure."""

from __future__ import annotations

from enum import IntEnum


class Stage(IntEnum):
    """The order of writes inside a component."""

    DEFINITIONS = 0
    """Namespaces and CRDs; before everything else of the whole plan."""
    ACCESS = 1
    """ServiceAccounts, RBAC, quotas, PriorityClasses, NetworkPolicies."""
    CONFIG = 2
    """ConfigMaps, Secrets, claims."""
    SERVICES = 3
    WORKLOADS = 4
    EDGES = 5
    """HPA, PodDisruptionBudget, Ingress."""
    EXTENSIONS = 6
    """Webhook configurations and APIServices; workloads are ready before."""
    JUDGED = 7
    """Custom resources that a webhook of the same component judges; workloads are ready before."""
