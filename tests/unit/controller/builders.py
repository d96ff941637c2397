"""Orders, revisions and attempts for tests of the controller."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bundler.controller.decide import Seen
from bundler.controller.order import Order, parse_order
from bundler.controller.status import Attempt, AttemptResult, Reason
from bundler.model.orders import FINALIZER
from bundler.model.release import BundleReference, ReleaseStatus, RevisionSummary

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
"""Digests of inputs."""


def order_body(*, spec: Any = (), **metadata: Any) -> dict[str, Any]:
    """Return a Release as the API server gives it."""
    own = {"bundle": {"source": "secret://shop-bundle"}, "serviceAccountName": "deployer", **dict(spec)}
    meta = {"name": "shop", "namespace": "prod", "uid": "u-1", "generation": 1, **metadata}
    return {"apiVersion": "bundler.dev/v1", "kind": "Release", "metadata": meta, "spec": own}


def order(*, spec: Any = (), **changed: Any) -> Order:
    """Return an order that is kept already; `changed` are fields of it."""
    return replace(parse_order(order_body(spec=spec, finalizers=[FINALIZER])), **changed)


def revision(number: int, status: ReleaseStatus, inputs: str = "", **changed: Any) -> RevisionSummary:
    """Return a recorded revision."""
    usual = RevisionSummary(
        release="shop",
        namespace="prod",
        revision=number,
        status=status,
        bundle=BundleReference(name="shop", version=f"1.{number}.0"),
        updated=NOW,
        created=NOW,
        inputs=inputs,
    )
    return replace(usual, **changed)


def attempt(result: AttemptResult, inputs: str = ONE, *, ago_s: float = 0.0, **changed: Any) -> Attempt:
    """Return an attempt that ended some seconds ago."""
    made = Attempt(inputs=inputs, result=result, at=NOW - timedelta(seconds=ago_s), reason=Reason.FAILED_ONCE)
    return replace(made, **changed)


def seen(*revisions: RevisionSummary, inputs: str = ONE, **changed: Any) -> Seen:
    """Return what was found, now."""
    return replace(Seen(now=NOW, inputs=inputs, revisions=revisions), **changed)
