"""Components that fail go back together: on the sandbox, and on the real API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state
from bundler.errors.change import RolledBackError
from bundler.model.events import Notice
from bundler.model.release import ReleaseStatus
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.faulty import Call
    from tests.scenario.conftest import World

pytestmark = pytest.mark.slow

GOOD, BAD = "docker.io/library/web:1", "docker.io/library/broken:1"
PARTS = ("cache", "mail", "web")
PART = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ release.name }}-{{ component.name }}"}
spec:
  selector: {matchLabels: {app: "{{ release.name }}-{{ component.name }}"}}
  template:
    metadata:
      labels: {app: "{{ release.name }}-{{ component.name }}"}
      annotations: {example/version: "{{ values.version }}"}
    spec: {containers: [{name: main, image: "{{ values.image }}"}]}
"""


def shop(parent: Path) -> Path:
    """Write a bundle of three components that need nothing of each other, and an object of its own."""
    own = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop-own}\ndata: {a: b}\n"
    components = [{"name": name, "bundle": f"./{name}"} for name in PARTS]
    root = make_bundle(parent, {"templates/own.yaml": own}, name="shop", components=components)  # type: ignore[arg-type]
    for name in PARTS:
        make_bundle(root, {"templates/a.yaml": PART, "values.yaml": f"image: {GOOD}\nversion: one\n"}, name=name)
    return root


def is_of_a_workload(call: Call) -> bool:
    return call.ref is not None and call.ref.kind == "Deployment" and not call.is_dry_run


def test_all_components_go_back_when_some_fail_and_all_evidence_is_there_before_the_first_undo(
    failing_world: World, tmp_path: Path
) -> None:
    operator, bundle = failing_world.operator, shop(tmp_path)
    operator.install(bundle)
    operator.cluster = cluster = FaultyCluster(failing_world.cluster)
    recorded: list[str] = []

    def look(event: object) -> None:
        if isinstance(event, Notice) and event.text.startswith("rolling back"):
            store = operator.ports().store
            recorded.append(store.load(operator.history()[-1]).evidence)
            recorded.extend(call.ref.name for call in cluster.calls if is_of_a_workload(call) and call.ref)

    operator.events = Listening(look)  # type: ignore[assignment]
    changed = {f"{name}__version": "two" for name in PARTS}
    with pytest.raises(RolledBackError) as raised:
        operator.upgrade(bundle, request={"rollback_s": 60.0}, web__image=BAD, mail__image=BAD, **changed)
    evidence, *written = recorded
    assert sorted(written) == ["shop-cache", "shop-mail", "shop-web"], "nothing was undone yet"
    for name in ("mail", "web"):
        assert f"Deployment/shop-{name} in {operator.namespace}" in evidence
    assert "  pod shop-" in evidence
    back = "the release was rolled back to revision 1: components cache, mail and web (component"
    assert raised.value.context[-1].startswith(back)
    for name in PARTS:
        pods = failing_world.get("Deployment", f"shop-{name}", "apps")["spec"]["template"]  # type: ignore[index]
        assert pods["metadata"]["annotations"] == {"example/version": "one"}
        assert pods["spec"]["containers"][0]["image"] == GOOD

    assert operator.statuses() == ["superseded", "failed", "deployed"]
    description = operator.history()[-1].description
    assert re.fullmatch(
        "rolled back to revision 1; revision 2 failed: components (cache, )?mail and web not ready", description
    )
    state = release_state(operator.ports(), operator.namespace, "shop")
    assert state.is_ready
    assert state.went_back_from is not None
    assert state.went_back_from.summary.status is ReleaseStatus.FAILED
    assert state.went_back_from.evidence == evidence
    operator.upgrade(bundle, **changed)
    assert release_state(operator.ports(), operator.namespace, "shop").went_back_from is None


class Listening(list[object]):
    """Events of a run; whoever listens hears each at once."""

    def __init__(self, hear: object) -> None:
        super().__init__()
        self._hear = hear

    def append(self, event: object) -> None:
        self._hear(event)  # type: ignore[operator]
        super().append(event)
