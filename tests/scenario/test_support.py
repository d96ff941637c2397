"""What is carried home from a closed site: all that can be read, nothing sensitive, and why the rest is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.support import MAX_FILE_BYTES, gather_support
from bundler.errors.change import ObjectFailedError
from bundler.errors.cluster import ForbiddenError, UnavailableError
from bundler.model.support import SupportRequest
from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bundler.model.cluster import LogQuery
    from bundler.model.refs import ObjectRef
    from tests.lib.faulty import Call
    from tests.scenario.conftest import World

TOKEN = "hunter2hunter2"


def gathered(world: World) -> tuple[Mapping[str, str], Mapping[str, tuple[str, str]]]:
    """Return the files by path, and error and note of each part by its name."""
    request = SupportRequest(release="shop", namespace=world.operator.namespace)
    files, parts = gather_support(request, world.operator.ports(), {"bundler": "1.2.3"})
    return {one.path: one.content.decode() for one in files}, {one.name: (one.error, one.note) for one in parts}


def refusing(world: World, applies: Callable[[Call], bool]) -> None:
    cluster = FaultyCluster(world.cluster, counts=lambda verb, dry: True)
    error = ForbiddenError("asking", context=["cannot do that as ada"], hint="ask for a Role")
    cluster.fail_when(applies, before=error, is_lasting=True)
    world.operator.cluster = cluster


def kind_of(call: Call) -> str:
    return getattr(call.subject, "kind", "")


def test_everything_about_a_release_is_gathered_and_nothing_sensitive(world: World) -> None:
    world.operator.install(world.menu, token=TOKEN)
    with pytest.raises(ObjectFailedError):
        world.operator.upgrade(world.menu, token=TOKEN, image=world.break_web())
    files, parts = gathered(world)
    assert {error for error, _ in parts.values()} == {""}, parts
    index = json.loads(files["index.json"])
    assert {one for part in index["parts"] for one in part["files"]} == set(files) - {"README.txt", "index.json"}
    assert {"versions.json", "status.json", "history.json", "drift.json", "events.json", "nodes.json", "pods.json",
            "objects.json", "manifest.yaml", "revision.json", "evidence/revision-2.txt"} <= set(files)  # fmt: skip
    assert "Deployment" in {one["object"].split("/")[1] for one in json.loads(files["plan.json"])}
    assert [path for path in files if path.startswith("logs/")]
    assert [one["status"] for one in json.loads(files["history.json"])] == ["deployed", "failed"]
    assert json.loads(files["versions.json"])["bundler"] == "1.2.3"
    assert not [path for path, text in files.items() if TOKEN in text or "aHVudGVyMmh1bnRlcjI" in text]


def test_a_part_that_cannot_be_read_says_why_and_the_others_are_there(sandbox_world: World) -> None:
    sandbox_world.operator.install(sandbox_world.menu, token=TOKEN)
    refusing(sandbox_world, lambda call: kind_of(call) in {"Node", "Event"})
    files, parts = gathered(sandbox_world)
    assert {name for name, (error, _) in parts.items() if error} == {"nodes", "events"}
    assert "cannot do that as ada" in parts["nodes"][0]
    assert {"status.json", "history.json", "pods.json"} <= set(files)


def test_what_others_wrote_stays_behind_where_it_cannot_be_masked(sandbox_world: World) -> None:
    sandbox_world.operator.install(sandbox_world.menu, token=TOKEN)
    refusing(sandbox_world, lambda call: call.verb == "get" and "bundler.sensitive" in str(call.subject))
    files, parts = gathered(sandbox_world)
    assert "not all is known" in parts["secrets"][1]
    assert {name for name, (_, note) in parts.items() if note.startswith("left out")} == {"pods", "events", "logs"}
    assert not [path for path in files if path.startswith(("logs/", "events", "pods"))]


@pytest.mark.slow
def test_whatever_call_fails_there_is_a_bundle_that_says_so(sandbox_world: World) -> None:
    sandbox_world.operator.install(sandbox_world.menu, token=TOKEN)
    inner, number, has_failed = sandbox_world.cluster, 0, True
    while has_failed:
        cluster = FaultyCluster(inner, counts=lambda _verb, _dry: True)
        cluster.fail_at(number, before=UnavailableError("asking", context=["connection refused"], hint="try again"))
        sandbox_world.operator.cluster = cluster
        files, parts = gathered(sandbox_world)
        has_failed = len(cluster.calls) > number
        assert "index.json" in files
        assert not [path for path, text in files.items() if TOKEN in text], number
        assert {"status", "history", "logs", "nodes"} <= set(parts), "each part is there, or says why not"
        number += 1
    assert number > 10


class Chatty(FaultyCluster):
    """Containers whose logs never end, as far as anyone would read."""

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        del pod, query
        yield from (f"line {number} {'x' * 100_000}" for number in range(30))


@pytest.mark.slow
def test_a_long_log_is_cut_to_its_newest_lines(sandbox_world: World) -> None:
    sandbox_world.operator.install(sandbox_world.menu)
    sandbox_world.operator.cluster = Chatty(sandbox_world.cluster)
    files, _ = gathered(sandbox_world)
    (log, *_) = [text for path, text in files.items() if path.startswith("logs/")]
    assert len(log.encode()) <= MAX_FILE_BYTES
    assert log.splitlines()[-1].startswith("line 29 ")
    assert log.startswith("line ")
