"""A real Kubernetes API behind the ClusterClient port. Layer: adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.cluster import client as client, kubeconfig as kubeconfig

__getattr__ = late_modules(__name__)
