"""`server_side_apply` and `track_update` against the real API: the same owners, the same conflicts, the same values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bundler.fields.kinds import schema_from_crd, schema_of
from bundler.fields.merge import Applied, server_side_apply, track_update
from bundler.fields.quantity import canonical
from tests.e2e.test_unchanged_differential import define_gadgets
from tests.lib.histories import History, Moment
from tests.lib.random_objects import CRD, PLURALS, Body

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode
    from tests.lib.controlplane import ControlPlane

SEED = 20261123
STEPS = 30
TIME = "2026-11-01T12:00:00Z"
QUANTITIES = [
    "0", "0m", "1", "1000m", "1500m", "0.5", ".5", "5.", "1.500", "007", "+5", "12e2", "1e3", "1E3", "10E2", "1e-3", "100M", "1000000",
    "1000k", "1024", "2048Ki", "1024Mi", "1500Mi", "0.1Gi", "0.5Ki", "0.5Gi", "1.5Gi", "1n", "0.1n", "1u", "999n", "1E", "1Ei", "16Ei",
    "123456789012345678901", "1.0", "0.0001", "1.0001", "8Ki", "9Ki", "1000Ki", "00.5", "1G", "1T", "1P", "1234567890123m", "1e9", "1e10",
]  # fmt: skip


@pytest.fixture(scope="module")
def _gadgets(control_plane: ControlPlane) -> None:
    define_gadgets(control_plane)


def schema_for_test(body: Body) -> SchemaNode | None:
    return schema_from_crd(CRD, "v1") if body["kind"] == "Gadget" else schema_of(body)


def owners(body: Any) -> dict[str, str]:
    """Return what each entry of managedFields owns, by who and how, spelled one way."""
    found = {}
    for entry in body["metadata"].get("managedFields", []):
        who = "/".join((entry["manager"], entry["operation"], entry["apiVersion"], entry.get("subresource", "")))
        found[who] = json.dumps(entry["fieldsV1"], sort_keys=True)
    return found


def lacking(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Return where `theirs` does not have what `ours` has; more in theirs are defaults."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [found for key in ours for found in lacking(ours[key], theirs.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            found for index in range(len(ours)) for found in lacking(ours[index], theirs[index], f"{path}[{index}]")
        ]
    # A false or empty value is left out by the server where its Go field is not a pointer: no document says where.
    return [] if ours == theirs or (not ours and theirs is None) else [f"{path}: {ours!r} is {theirs!r}"]


def explain(moment: Moment, kind: str, ours: Applied) -> str:
    return (
        f"seed {SEED}, {kind}, step {moment.number} ({moment.what})\ndesired {json.dumps(moment.desired)}\n"
        f"live {json.dumps(moment.live)}\nanswer {json.dumps(moment.answer)} {moment.conflicts}\nours {json.dumps(ours.body)}"
    )


@pytest.mark.parametrize("kind", PLURALS)
@pytest.mark.usefixtures("_gadgets")
def test_an_apply_comes_to_what_the_server_says(control_plane: ControlPlane, namespace: str, kind: str) -> None:
    compared = 0
    history = History(control_plane, namespace, kind, SEED)
    for moment in history.moments(STEPS):
        if any(not path for path, _ in moment.conflicts):
            continue
        ours = server_side_apply(
            live=moment.live, applied=moment.desired, manager="bundler", schema=schema_for_test(moment.live), time=TIME
        )
        compared += 1
        assert {(c.path, c.message) for c in ours.conflicts} == moment.conflicts, explain(moment, kind, ours)
        if moment.answer is None:
            continue
        assert owners(ours.body) == owners(moment.answer), explain(moment, kind, ours)
        mine = {
            **ours.body,
            "metadata": {k: v for k, v in ours.body["metadata"].items() if k not in ("managedFields", "generation")},
        }
        assert lacking(mine, moment.answer) == [], explain(moment, kind, ours)
    assert compared > STEPS // 3
    for write in history.writes:
        tracked = track_update(
            write.before,
            {**write.after, "metadata": {k: v for k, v in write.after["metadata"].items() if k != "managedFields"}},
            manager=write.manager,
            schema=schema_for_test(write.before),
            time=TIME,
            subresource=write.subresource,
        )
        told = f"seed {SEED}, {kind}, {write.what}\nbefore {json.dumps(write.before)}\nafter {json.dumps(write.after)}"
        assert owners(tracked) == owners(write.after), told


def test_quantities_are_spelled_as_the_server_stores_them(control_plane: ControlPlane, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"
    stored, amounts = {}, {}
    for text in QUANTITIES:
        container = {"name": "c", "image": "i", "resources": {"limits": {"cpu": text}}}
        spec = {"containers": [container], "volumes": [{"name": "v", "emptyDir": {"sizeLimit": text}}]}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "q"},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec},
            },
        }
        answer = control_plane.api("POST", path, body)["spec"]["template"]["spec"]
        stored[text] = answer["volumes"][0]["emptyDir"]["sizeLimit"]
        amounts[text] = answer["containers"][0]["resources"]["limits"]["cpu"]
    assert {text: canonical(text) for text in QUANTITIES} == stored
    assert {text: canonical(text, places=3) for text in QUANTITIES} == amounts
