"""A release on probation: what restarts, or is no longer ready, after it became ready is a failed change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.errors import InterruptedRunError, UsageError
from bundler.errors.change import ProbationFailedError, RolledBackError
from bundler.errors.cluster import ApiUnavailableError
from bundler.model.events import Notice
from bundler.model.json import mapping_at
from bundler.model.lean import replace
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.scenario.test_hooks import VALUES, WEB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bundler.model.cluster import Listing, ListQuery
    from bundler.model.events import Event
    from bundler.model.json import JSONValue
    from bundler.ports import ClusterClient
    from tests.scenario.conftest import World

LONG = RunOptions(watch_s=600)
SHORT = RunOptions(watch_s=20)


class Ear(list):
    """Keeps events, and does something when the probation begins."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act, self._has_acted = act, False

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, Notice) and event.text.startswith("on probation") and not self._has_acted:
            self._has_acted = True
            self._act()


def told(world: World) -> list[str]:
    return [one.text for one in world.operator.events if isinstance(one, Notice) and "probation" in one.text]


def restart_web(world: World) -> None:
    """Let the container of the web pod end and start again."""
    if world.is_sandbox:
        world.cluster.fail("Deployment", "shop-web", "CrashLoopBackOff", world.operator.namespace)  # type: ignore[attr-defined]
        return
    (name,) = [name for name, body in world.bodies("Pod").items() if name.startswith("shop-web")]
    (container,) = world.bodies("Pod")[name]["status"]["containerStatuses"]
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": None, "finishedAt": None}}
    status = {"containerStatuses": [{**container, "restartCount": 1, "lastState": ended}]}
    world.patch_status(name, {"status": status})  # type: ignore[attr-defined]


def test_a_restart_fails_the_change_with_its_evidence_and_nothing_was_deleted(world: World) -> None:
    world.operator.install(world.menu, extra="true")
    world.operator.events = Ear(lambda: restart_web(world))
    with pytest.raises(ProbationFailedError) as raised:
        world.operator.upgrade(world.menu, extra="false", text="new", options=LONG)
    text = "\n".join(raised.value.context)
    assert "Deployment/shop-web" in text
    assert " restarts)" in text, text
    assert "go back with `bundler rollback shop 1" in str(raised.value.hint)
    assert world.get("ConfigMap", "shop-extra") is not None, "what is no longer wanted goes after the probation"
    assert world.operator.statuses() == ["deployed", "failed"]


POD = """
apiVersion: v1
kind: Pod
metadata: {name: alone}
spec: {containers: [{name: web, image: "{{ values.web }}"}]}
"""


class Restarting(FaultyCluster):
    """A cluster whose pods have restarted, once someone says so; copies of it are told as well."""

    def __init__(self, inner: ClusterClient) -> None:
        super().__init__(inner)
        self.restarts: list[int] = []

    def list(self, query: ListQuery) -> Listing:
        found = super().list(query)
        if query.kind != "Pod" or not self.restarts:
            return found
        ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
        restarted: JSONValue = [{"name": "web", "ready": True, "restartCount": 1, "lastState": ended}]
        items = tuple(
            {**one, "status": {**mapping_at(one, "status"), "containerStatuses": restarted}} for one in found.items
        )
        return replace(found, items=items)


def test_a_pod_that_stands_alone_is_watched_too(sandbox_world: World, tmp_path: Path) -> None:
    world = sandbox_world
    menu = make_bundle(tmp_path, {"values.yaml": VALUES, "templates/pod.yaml": POD})
    cluster = world.operator.cluster = Restarting(world.cluster)
    world.operator.events = Ear(lambda: cluster.restarts.append(1))
    with pytest.raises(ProbationFailedError) as raised:
        world.operator.install(menu, options=LONG)
    assert "OOMKilled" in "\n".join(raised.value.context)


@pytest.mark.slow
def test_a_calm_probation_takes_no_time_of_the_command_and_deletes_at_its_end(sandbox_world: World) -> None:
    world = sandbox_world
    world.operator.timeout_s = 60
    world.operator.install(world.menu, extra="true", options=LONG)
    first, *_, last = told(world)
    assert first.startswith("on probation for another 10 m 00 s: ")
    assert last == "probation is over: 2 objects and 1 pod have stayed ready"
    assert len(told(world)) == 11, "once a minute"
    world.operator.upgrade(world.menu, extra="false", options=SHORT)
    assert world.get("ConfigMap", "shop-extra") is None
    assert world.operator.statuses()[-1] == "deployed"


@pytest.mark.slow
def test_a_relapse_is_rolled_back_where_that_was_asked_for_and_the_way_back_is_on_no_probation(
    sandbox_world: World,
) -> None:
    world = sandbox_world
    world.operator.install(world.menu)

    class Healing(Ear):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Notice) and event.text.startswith("rolling back"):
                world.mend_web()

    world.operator.events = Healing(lambda: restart_web(world))
    with pytest.raises(RolledBackError, match="after they became ready"):
        world.operator.upgrade(world.menu, text="new", options=LONG, request={"rollback_s": 300.0})
    assert world.operator.statuses() == ["superseded", "failed", "deployed"]
    assert len([text for text in told(world) if text.startswith("on probation")]) == 1


def test_a_run_that_is_stopped_on_probation_says_so_in_its_record(sandbox_world: World) -> None:
    world, asked = sandbox_world, []
    world.operator.events = Ear(lambda: asked.append(True))
    ports = world.operator.ports
    world.operator.ports = lambda: replace(ports(), is_stopped=lambda: bool(asked))  # type: ignore[method-assign]
    with pytest.raises(InterruptedRunError):
        world.operator.install(world.menu, options=LONG)
    asked.clear()
    assert world.operator.statuses() == ["interrupted"]
    world.operator.install(world.menu, options=SHORT)
    assert world.operator.statuses()[-1] == "deployed"


def test_objects_of_an_api_that_stops_to_answer_are_passed_over(sandbox_world: World) -> None:
    world = sandbox_world
    cluster = FaultyCluster(world.cluster, counts=lambda _verb, _dry: True)
    error = ApiUnavailableError("listing", context=["APIService/v1.apps does not answer"], hint="repair it")

    def silence() -> None:
        cluster.fail_when(
            lambda call: call.verb == "list" and call.subject.kind == "Deployment", before=error, is_lasting=True
        )

    world.operator.cluster, world.operator.events = cluster, Ear(silence)
    world.operator.install(world.menu, options=SHORT)
    assert world.operator.statuses() == ["deployed"]


def test_the_pods_of_many_workloads_are_listed_once_a_look(sandbox_world: World, tmp_path: Path) -> None:
    web = WEB.replace("shop-web", "web-{{ number }}").replace("app: web", "app: 'web-{{ number }}'")
    template = "{% for number in range(10) %}\n---" + web + "{% endfor %}\n"
    menu = make_bundle(tmp_path / "many", {"values.yaml": VALUES, "templates/web.yaml": template}, name="many")
    world = sandbox_world
    cluster = world.operator.cluster = FaultyCluster(world.cluster, counts=lambda verb, _dry: verb == "list")
    world.operator.events = Ear(cluster.calls.clear)
    world.operator.install(menu, options=SHORT)
    listed = [call for call in cluster.calls if call.subject.kind == "Pod"]
    assert 0 < len(listed) <= 5, "once a look, and at the end"
    assert told(world)[-1] == "probation is over: 10 objects and 10 pods have stayed ready"


def test_what_does_not_wait_cannot_be_watched(sandbox_world: World) -> None:
    with pytest.raises(UsageError, match="reading the options"):
        sandbox_world.operator.install(sandbox_world.menu, options=RunOptions(waits=False, watch_s=1))
