"""How fast the sandbox's pods are, and which images fail. Layer: sandbox, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

KUBERNETES_VERSION = "v1.36.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """Timings, and failures that come with an image."""

    ready_after_s: float = 0.3
    """From a pod's creation until its containers run."""
    run_s: float = 0.3
    """How long containers that are meant to end run."""
    poll_s: float = 0.03
    """How often a watch looks."""
    log_length: int = 2000
    """How many changes a watch can go back."""
    image_faults: Mapping[str, str] = field(default_factory=dict)
    """Part of an image's name -> reason, as ``fail`` takes it; for tests."""
