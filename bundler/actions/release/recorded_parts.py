"""Read parts of a revision as they were recorded. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.bundle import Reach, ReadinessRule
from bundler.model.json import list_at, text_at
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.release import Revision


def reach_of(body: Body) -> Reach:
    """Read a declared reach as a revision records it."""
    return Reach(
        cluster_scoped=tuple(map(str, list_at(body, "clusterScoped"))),
        namespaces=tuple(map(str, list_at(body, "namespaces"))),
        grants=tuple(map(str, list_at(body, "grants"))),
    )


def readiness_of(revision: Revision) -> tuple[ReadinessRule, ...]:
    """Read the readiness rules that a revision records."""
    return tuple(_readiness_rule(body) for body in revision.readiness)


def _readiness_rule(body: Body) -> ReadinessRule:
    fields = {name: text_at(body, name) for name in ("group", "kind", "name", "ready", "failed")}
    return ReadinessRule(**fields, source=Source("the release record", 0))
