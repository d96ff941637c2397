"""FaultyCluster fails where it is given to, and nowhere else."""

from __future__ import annotations

import inspect

import pytest

from bundler.errors.cluster import UnavailableError
from bundler.model.cluster import ListQuery
from bundler.model.refs import ObjectRef
from bundler.ports import ClusterClient
from tests.contract.bodies import config_map
from tests.lib.faulty import MUTATING, READING, FaultyCluster
from tests.lib.sandboxes import open_sandbox
from tests.unit.sandbox.builders import payload

REFS = [ObjectRef("", "ConfigMap", "default", name) for name in ("a", "b", "c")]


def lost() -> UnavailableError:
    return UnavailableError("writing", context=["the line is cut"], hint="try again")


def test_it_wraps_every_method_of_the_port() -> None:
    methods = {name for name, _ in inspect.getmembers(ClusterClient, inspect.isfunction) if not name.startswith("_")}
    assert methods == MUTATING | READING | {"guarded"}
    for name in methods:
        assert inspect.signature(getattr(FaultyCluster, name)).parameters.keys() == (
            inspect.signature(getattr(ClusterClient, name)).parameters.keys()
        )


@pytest.mark.parametrize(("kind", "is_written"), [("before", False), ("after", True)])
def test_a_write_fails_before_or_after_it_takes_effect(kind: str, is_written: bool) -> None:
    cluster = FaultyCluster(open_sandbox())
    cluster.fail_at(2, **{kind: lost()})
    cluster.apply(payload(config_map("a")))
    with pytest.raises(UnavailableError):
        cluster.apply(payload(config_map("b")))
    cluster.apply(payload(config_map("c")))
    assert [cluster.get(ref) is not None for ref in REFS] == [True, is_written, True]
    assert [(call.number, call.verb, call.ref) for call in cluster.calls] == [
        (number, "apply", ref) for number, ref in enumerate(REFS, start=1)
    ]


def test_dry_runs_and_reads_are_not_counted_unless_asked_for() -> None:
    cluster = FaultyCluster(open_sandbox())
    cluster.fail_at(1, before=lost())
    cluster.apply(payload(config_map("a")), is_dry_run=True)
    cluster.list(ListQuery(group="", kind="ConfigMap", namespace="default"))
    assert cluster.calls == []
    every = FaultyCluster(open_sandbox(), counts=lambda _verb, _is_dry_run: True)
    every.fail_when(lambda call: call.verb == "list", before=lost(), is_lasting=True)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            every.list(ListQuery(group="", kind="ConfigMap", namespace="default"))
    assert every.get(REFS[0]) is None
