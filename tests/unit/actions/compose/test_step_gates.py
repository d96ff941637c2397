"""Gates of upgrades in steps: read with the bundle, and recorded with what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.author.lint import lint
from bundler.actions.compose.compose import compose
from bundler.actions.compose.render_request import RenderRequest
from bundler.actions.compose.user_values import UserInput
from bundler.actions.release.recorded_parts import recorded_gate, step_gates_of
from bundler.errors.bundle import ExpressionError
from bundler.loader.locate import find_bundle
from bundler.model.release import Revision
from bundler.model.values import UserLayers
from tests.lib.bundles import load_from, make_bundle
from tests.unit.storage.builders import make_summary

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.bundle import StepGate

JOB = "{% if values.checked %}\napiVersion: batch/v1\nkind: Job\nmetadata: {name: smoke}\n{% endif %}\n"
QUIET = 'step.number > 1 and pods.of.web.old.ready > pods.new.wanted and pods.new.restarts == 0 and objects["Deployment/*-web"].status.replicas > 0 and objects["Deployment/a"]'


def gates_of(path: Path, *, checked: bool = True) -> tuple[StepGate, ...]:
    (path / "values.yaml").write_text(f"checked: {str(checked).lower()}\n")
    order = RenderRequest(bundle=load_from(path), release="shop", namespace="prod", user=UserLayers(), site={})
    return compose(order).gates


def bundle(parent: Path, *expressions: str, **spec: Any) -> Path:
    gates = [{"name": f"g{number}", "expr": text} for number, text in enumerate(expressions)]
    jobs = [{"name": "smoke", "job": "checks/smoke.yaml"}]
    files = {"checks/smoke.yaml": JOB, "values.yaml": "checked: true\n"}
    return make_bundle(parent, files, upgrade={"gates": [*gates, *jobs]}, **spec)


def test_a_gate_knows_which_objects_it_asks_for(tmp_path: Path) -> None:
    quiet, smoke = gates_of(bundle(tmp_path, QUIET))
    assert quiet.objects == ("Deployment/*-web", "Deployment/a")
    assert (smoke.name, smoke.job, smoke.objects) == ("smoke", "checks/smoke.yaml", ())


def test_a_gate_is_left_out_where_its_check_prints_no_job_or_its_component_is_off(tmp_path: Path) -> None:
    inner = bundle(tmp_path, "true")
    off = {"name": "web", "bundle": f"../{inner.name}", "when": "values.on", "values": {"checked": True}}
    outer = make_bundle(tmp_path, {"values.yaml": ""}, name="outer", components=[off], derive={"on": "values.checked"})
    assert [gate.name for gate in gates_of(inner, checked=False)] == ["g0"]
    assert [gate.name for gate in gates_of(outer)] == ["web/g0", "web/smoke"]
    assert gates_of(outer, checked=False) == ()


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("pods.new.ready ==", "pods.new.ready =="),
        ("pod.new.ready", "pod is not defined"),
        ("objects['Deploy' ~ 'ment/a'].x", "gate g0 asks for objects, and there is no such thing"),
        ("objects.web.status", "gate g0 asks for objects.web.status"),
        ("objects['*/web']", "gate g0 asks for objects.*/web"),
        ("objects | length", "gate g0 asks for objects"),
        ("pods.new.redy == 1", "gate g0 asks for pods.new.redy"),
        ("pods.of['web'].young.ready == 1", "gate g0 asks for pods.of.web.young.ready"),
        ("pods.of['web'].old.oldest == 1", "gate g0 asks for pods.of.web.old.oldest"),
        ("step.last", "gate g0 asks for step.last"),
    ],
)
def test_a_gate_that_cannot_be_read_is_refused_before_anything_is_written(
    tmp_path: Path, expression: str, found: str
) -> None:
    path = bundle(tmp_path, expression, "pods.young")
    with pytest.raises(ExpressionError) as raised:
        gates_of(path)
    assert any(found in line for line in raised.value.context), raised.value.context
    assert "bundle.yaml:" in raised.value.context[0]
    findings = lint(find_bundle(str(path)), UserInput(user=UserLayers())).findings
    assert any(found in str(finding) for finding in findings if finding.rule == "expression"), findings


def test_a_gate_is_recorded_and_read_again(tmp_path: Path) -> None:
    gates = gates_of(bundle(tmp_path, QUIET))
    revision = Revision(summary=make_summary(), gates=tuple(map(recorded_gate, gates)))
    assert step_gates_of(revision) == gates
