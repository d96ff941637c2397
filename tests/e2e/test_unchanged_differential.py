"""`is_unchanged` against the real API: never True where a dry-run answers with a change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bundler.fields.unchanged import is_unchanged
from tests.lib.histories import History
from tests.lib.random_objects import CRD, PLURALS
from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    from tests.lib.controlplane import ControlPlane

SEED = 20261122
STEPS = 40


@pytest.fixture(scope="module")
def _gadgets(control_plane: ControlPlane) -> None:
    define_gadgets(control_plane)


def define_gadgets(plane: ControlPlane) -> None:
    try:
        plane.api("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)
    except ApiError as error:
        if error.status != 409:
            raise
    for _ in range(200):
        try:
            plane.api("GET", PLURALS["Gadget"].format("default"))
        except ApiError:
            continue
        return
    pytest.fail("the custom kind is not served")


def essence(body: dict[str, Any] | None) -> Any:
    """What counts as a change: everything but the resourceVersion and the times in managedFields."""
    if body is None:
        return None
    metadata = {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}
    entries = [{k: v for k, v in entry.items() if k != "time"} for entry in metadata.pop("managedFields", [])]
    return {**body, "metadata": {**metadata, "managedFields": sorted(entries, key=json.dumps)}}


@pytest.mark.parametrize("kind", PLURALS)
@pytest.mark.usefixtures("_gadgets")
def test_what_is_called_unchanged_is_unchanged_on_the_server(
    control_plane: ControlPlane, namespace: str, kind: str
) -> None:
    known = total = 0
    for moment in History(control_plane, namespace, kind, SEED).moments(STEPS):
        is_same = essence(moment.answer) == essence(moment.live)
        verdict = is_unchanged(moment.desired, moment.live)
        total += is_same
        known += verdict
        assert is_same or not verdict, (
            f"seed {SEED}, {kind}, step {moment.number} ({moment.what}):\ndesired {json.dumps(moment.desired)}\n"
            f"live {json.dumps(moment.live)}\nanswer {json.dumps(moment.answer)} {moment.conflicts}"
        )
    print(f"{kind}: {known} of {total} unchanged objects were known without asking")
    assert known > 0
