"""What is read of a revision later agrees with the plan that made it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.release_queries import computed_values_of, load_revision
from bundler.actions.inspect.status import wait_for_release
from bundler.actions.release.lifecycle import RunOptions
from bundler.cluster.errors import api_unavailable
from bundler.errors.bundle import ValuesError
from bundler.errors.change import WaitTimeoutError
from bundler.model.events import HealthChanged
from bundler.model.health import Status
from bundler.model.json import canonical_json
from bundler.model.lean import replace
from bundler.storage.decoding import read_pack_secret
from bundler.storage.encoding import encode_revision
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.faulty import Call
    from tests.lib.operator import Operator
    from tests.scenario.conftest import World


@IN_MEMORY
def test_a_recorded_plan_counts_and_orders_as_the_plan_did(world: World) -> None:
    result = world.operator.install("shop", qps="1000")
    recorded = load_revision(world.operator.ports(), world.operator.namespace, "shop")
    planned = [change.ref for change in result.proposal.plan.changes]
    assert [entry.ref for entry in recorded.inventory if entry.ref not in recorded.dormant] == planned
    assert recorded.summary.objects == len(planned)


def with_silence(world: World, is_silent: Callable[[Call], bool], **fields: object) -> Operator:
    """Return an operator for whom Services are of an API that does not answer while ``is_silent``."""
    faulty = FaultyCluster(world.cluster, counts=lambda verb, _dry: verb == "list")
    error = api_unavailable("services.example/v1", doing="listing Service")
    faulty.fail_when(lambda call: call.subject.kind == "Service" and is_silent(call), before=error, is_lasting=True)
    operator = world.another_operator(**fields)
    operator.cluster = faulty
    return operator


@IN_MEMORY  # real APIs are silent in `tests/e2e/test_silent_apis.py`
def test_waiting_goes_on_while_an_api_is_silent_and_ends_once_it_answers(world: World) -> None:
    world.operator.install(world.menu, options=RunOptions(waits=False))
    asked: list[int] = []
    operator = with_silence(world, lambda call: len(asked) < 8 and not asked.append(call.number))
    state = wait_for_release(operator.ports(), world.operator.namespace, "shop")
    assert state.is_ready
    told = {event.health.message for event in operator.events if isinstance(event, HealthChanged)}
    assert any(message.startswith("APIService/v1.services.example does not answer") for message in told)


@IN_MEMORY
def test_waiting_for_a_silent_api_alone_ends_with_the_time_and_names_it(world: World) -> None:
    world.operator.install(world.menu, options=RunOptions(waits=False))
    operator = with_silence(world, lambda _call: True, timeout_s=15)
    with pytest.raises(WaitTimeoutError) as raised:
        wait_for_release(operator.ports(), world.operator.namespace, "shop")
    text = "\n".join(raised.value.context)
    assert "Service/shop-web" in text
    assert "APIService/v1.services.example does not answer" in text
    assert "Deployment" not in text
    ready = {
        event.ref.kind
        for event in operator.events
        if isinstance(event, HealthChanged) and event.health.status is Status.CURRENT
    }
    assert {"Deployment", "ConfigMap"} <= ready


SECRETS = {
    "password": "correct-horse-battery",
    "pin": 48151623,
    "short": "Qx7",
    "rate": 73.50,
    "keys": ["first-key-material"],
}
MENU = """
qps: 500
replicas: 1
password: correct-horse-battery
pin: 48151623
short: Qx7
rate: 73.50
keys: [first-key-material]
url: ""
db: {size: 2}
"""
SCHEMA = {
    "type": "object",
    "additionalProperties": True,
    "properties": {name: {"writeOnly": True} for name in SECRETS},
}
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: all}
data: {replicas: "{{ values.replicas }}"}
"""


def with_defaults(tmp_path: Path) -> Path:
    root = make_bundle(
        tmp_path,
        {"values.yaml": MENU, "values.schema.json": json.dumps(SCHEMA), "templates/all.yaml": CONFIG},
        derive={"replicas": "values.qps / 250", "url": "'postgres://shop:' ~ values.password ~ '@db'"},
        components=[{"name": "db", "bundle": "./db", "values": {"of": "{{ values.qps }}"}}],
    )
    make_bundle(root, {"values.yaml": "size: 1\nof: 0\nown: true\n"}, name="db")
    return root


@IN_MEMORY
def test_all_values_of_a_revision_are_recorded_as_the_templates_saw_them(world: World, tmp_path: Path) -> None:
    world.operator.install(with_defaults(tmp_path), qps="1000")
    ports = world.operator.ports()
    shown = computed_values_of(load_revision(ports, world.operator.namespace, "shop"))
    masked = dict.fromkeys(SECRETS, "***") | {"keys": ["***"], "url": "***"}
    assert shown == {"qps": 1000, "replicas": 4.0, "db": {"size": 2, "of": 1000, "own": True}, **masked}
    whole = computed_values_of(load_revision(ports, world.operator.namespace, "shop", shows_secrets=True))
    assert whole == {**shown, **SECRETS, "url": "postgres://shop:correct-horse-battery@db"}
    world.operator.upgrade(tmp_path / "demo", qps="500")
    world.operator.rollback()
    restored = computed_values_of(load_revision(world.operator.ports(), world.operator.namespace, "shop"))
    assert restored == shown


@IN_MEMORY
def test_no_secret_of_the_recorded_values_is_in_clear(world: World, tmp_path: Path) -> None:
    world.operator.install(with_defaults(tmp_path))
    ports = world.operator.ports()
    revision = load_revision(ports, world.operator.namespace, "shop", shows_secrets=True)
    encoded = encode_revision(revision, {})
    pieces = b"".join(piece.content for pack in encoded.packs for piece in read_pack_secret(pack.body()))
    clear = pieces + canonical_json(encoded.head.body())
    for secret in ("correct-horse-battery", "48151623", "Qx7", "73.5", "first-key-material"):
        assert secret.encode() not in clear, secret


@IN_MEMORY
def test_a_record_without_computed_values_says_how_to_get_them(world: World, tmp_path: Path) -> None:
    world.operator.install(with_defaults(tmp_path))
    revision = replace(load_revision(world.operator.ports(), world.operator.namespace, "shop"), computed_values=None)
    with pytest.raises(ValuesError) as raised:
        computed_values_of(revision)
    assert "older bundler" in raised.value.context[0]
    assert "`bundler values " in raised.value.hint
