"""Single values that the server refuses in built-in kinds; the contract holds them against a real server."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bundler.fields.validation import object_problems
from bundler.model.refs import group_of
from tests.lib.typical_objects import TYPICAL
from tests.lib.variants import ABSENT, variant, variants


def problems(body: dict[str, Any]) -> list[str]:
    return object_problems(group_of(body["apiVersion"]), body["kind"], body, None)


@pytest.mark.parametrize("kind", TYPICAL)
def test_a_right_object_has_no_problem(kind: str) -> None:
    assert problems(copy.deepcopy(TYPICAL[kind])) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", TYPICAL)
def test_whatever_a_field_holds_it_is_judged_without_a_failure(kind: str) -> None:
    for _, _, body in variants(TYPICAL[kind]):
        problems(body)


@pytest.mark.parametrize(
    ("kind", "wrong", "place"),
    [
        ("Deployment", "spec.replicas negative", "spec.replicas"),
        ("Deployment", "spec.strategy.rollingUpdate.maxUnavailable text", "spec.strategy.rollingUpdate.maxUnavailable"),
        ("Deployment", "spec.template.spec.containers[0].imagePullPolicy text", "spec.template.spec.containers[0].imagePullPolicy"),
        ("Deployment", "spec.template.spec.containers[0].readinessProbe.httpGet.port large", "spec.template.spec.containers[0].readinessProbe.httpGet.port"),
        ("Deployment", "spec.template.spec.containers[0].resources.limits.cpu negative", "spec.template.spec.containers[0].resources.limits[cpu]"),
        ("Service", "spec.type text", "spec.type"),
        ("Service", "spec.ports[0].targetPort large", "spec.ports[0].targetPort"),
        ("PersistentVolumeClaim", "spec.resources.requests.storage zero", "spec.resources.requests.storage"),
        ("Ingress", "spec.rules[0].http.paths[0].backend absent", "spec.rules[0].http.paths[0].backend"),
        ("NetworkPolicy", "spec.policyTypes[0] text", "spec.policyTypes[0]"),
        ("Role", "rules[0].verbs no items", "rules[0].verbs"),
        ("RoleBinding", "subjects[0].kind absent", "subjects[0].kind"),
        ("StatefulSet", "spec.volumeClaimTemplates[0].metadata.name absent", "spec.volumeClaimTemplates[0].metadata.name"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_its_place(kind: str, wrong: str, place: str) -> None:
    found = problems(variant(TYPICAL[kind], wrong))
    assert any(one.startswith(f"{place}: ") for one in found), found


def test_variants_change_one_place_only() -> None:
    body = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "it"}, "spec": {"a": 1}}
    found = {name: changed for name, _, changed in variants(body)}
    assert found["spec.a absent"] == {**body, "spec": {}}
    assert found["spec null"] == {**body, "spec": None}
    assert ABSENT not in found.values()
