"""Read parts of a revision as they were recorded. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.bundle import Reach, ReadinessRule, StepGate
from bundler.model.conflicts import ConflictRule, OnConflict
from bundler.model.json import Body, list_at, text_at
from bundler.model.manifest import Source

if TYPE_CHECKING:
    from bundler.model.release import Revision


def readiness_of(revision: Revision) -> tuple[ReadinessRule, ...]:
    """Read the readiness rules that a revision records."""
    return tuple(_readiness_rule(body) for body in revision.readiness)


def conflict_rules_of(revision: Revision) -> tuple[ConflictRule, ...]:
    """Read the rules for fields that others set; one whose policy is not known here says nothing."""
    known = [body for body in revision.conflict_rules if text_at(body, "policy") in [*OnConflict]]
    return tuple(_conflict_rule(body) for body in known)


def step_gates_of(revision: Revision) -> tuple[StepGate, ...]:
    """Read what is asked after each step of an upgrade to a revision."""
    return tuple(_step_gate(body) for body in revision.gates)


def _step_gate(body: Body) -> StepGate:
    texts = {name: text_at(body, name) for name in ("name", "expr", "job", "component")}
    objects = tuple(name for name in list_at(body, "objects") if isinstance(name, str))
    return StepGate(objects=objects, source=Source.parse(text_at(body, "source")), **texts)


def recorded_gate(gate: StepGate) -> Body:
    """Return a gate as a revision records it."""
    asked: Body = {"expr": gate.expr, "objects": [*gate.objects]} if gate.expr else {"job": gate.job}
    return {"name": gate.name, "component": gate.component, "source": str(gate.source), **asked}


def _conflict_rule(body: Body) -> ConflictRule:
    fields = {name: text_at(body, name) for name in ("kind", "name", "path", "manager")}
    return ConflictRule(
        policy=OnConflict(text_at(body, "policy")), source=Source.parse(text_at(body, "source")), **fields
    )


def recorded_rule(rule: ConflictRule) -> Body:
    """Return a rule as a revision records it."""
    parts = {"kind": rule.kind, "name": rule.name, "path": rule.path, "manager": rule.manager}
    named = {key: text for key, text in parts.items() if text}
    return {"policy": rule.policy.value, "source": str(rule.source), **named}


def recorded_readiness(rule: ReadinessRule) -> Body:
    """Return a readiness rule as a revision records it."""
    return {"group": rule.group, "kind": rule.kind, "name": rule.name, "ready": rule.ready, "failed": rule.failed}


def recorded_reach(reach: Reach) -> Body:
    """Return what a bundle declares to reach, as a revision records it."""
    return {
        "clusterScoped": list(reach.cluster_scoped),
        "namespaces": list(reach.namespaces),
        "grants": list(reach.grants),
    }


def _readiness_rule(body: Body) -> ReadinessRule:
    fields = {name: text_at(body, name) for name in ("group", "kind", "name", "ready", "failed")}
    return ReadinessRule(**fields, source=Source("the release record", 0))
