"""Read parts of a revision as they were recorded. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.bundle import ReadinessRule
from bundler.model.json import text_at
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.release import Revision


def readiness_of(revision: Revision) -> tuple[ReadinessRule, ...]:
    """Read the readiness rules that a revision records."""
    return tuple(_readiness_rule(body) for body in revision.readiness)


def _readiness_rule(body: Body) -> ReadinessRule:
    fields = {name: text_at(body, name) for name in ("group", "kind", "name", "ready", "failed")}
    return ReadinessRule(**fields, source=Source("the release record", 0))
