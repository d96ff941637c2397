"""Clients of a real control plane."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bundler.cluster.client import HttpClusterClient
from bundler.cluster.kubeconfig import load_access
from bundler.http.client_config import ClientConfig
from tests.lib.operator import RealClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.model.events import Event
    from bundler.ports import Reporter


def _ignore(event: Event) -> None:
    del event


def open_client(
    kubeconfig: Path, *, budget: Callable[[], float] = lambda: 60.0, report: Reporter = _ignore
) -> HttpClusterClient:
    """Speak to the API server of a kubeconfig, with nothing kept on disk."""
    access = load_access({}, home=Path("/nonexistent"), kubeconfig=kubeconfig)
    return HttpClusterClient.open(access, ClientConfig(env={}, clock=RealClock(), budget=budget, report=report))
