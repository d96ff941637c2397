"""Orders that name a range of versions: newer ones are taken from the registry as they come, and none is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler import Payload
from bundler.actions.acquire.push import push
from bundler.archive.writer import pack_files
from bundler.library.network import NetworkRules
from bundler.model.oci import OciAddress
from tests.lib.bundles import load_from, make_bundle
from tests.lib.keeping import kept_at
from tests.lib.quirky_registry import QuirkyRegistry
from tests.lib.sessions import session_on
from tests.lib.stub_server import Say
from tests.unit.oci.support import client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.keeping import Kept
    from tests.scenario.conftest import World

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ release.name }}"}}


class Market:
    """A registry with versions of one bundle, and a controller with an order of it."""

    def __init__(self, kept: Kept, registry: QuirkyRegistry) -> None:
        self.kept, self.registry = kept, registry
        self.source = f"oci://{registry.host}/bundles/demo"
        rules = NetworkRules(insecure_http=frozenset({registry.host}))
        kept.session = session_on(kept.cluster, kept.clock, kept.namespace, rules=rules, timeout_s=20)
        kept.open_as = lambda _: kept.session
        kept.restart()

    def publish(self, *versions: str) -> None:
        for version in versions:
            files = {"templates/config.yaml": {**CONFIG, "data": {"version": version}}}
            bundle = load_from(make_bundle(self.kept.scratch / version, files, version=version))
            packed = pack_files(bundle.files.values(), top="demo")
            push(client(self.registry.host, is_writing=True), bundle, packed, OciAddress.parse(self.source))

    def withdraw(self, version: str) -> None:
        del self.registry.repositories["bundles/demo"].tags[version]

    def order(self, versions: str) -> dict[str, Any]:
        bundle = {"source": self.source, "version": versions, "update": "Within"}
        self.kept.order(bundle=bundle, serviceAccountName="cook", interval="60s")
        return self.kept.settle()

    def later(self) -> dict[str, Any]:
        """Let an interval pass; return the status of the order."""
        self.kept.clock.sleep(61.0)
        self.kept.look()
        return self.kept.settle()


@pytest.fixture
def market(failing_sandbox: World, tmp_path: Path) -> Iterator[Market]:
    kept = kept_at(failing_sandbox.cluster, failing_sandbox.operator.clock, "prod", tmp_path)
    kept.cluster.apply(Payload.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}))
    kept.put("ServiceAccount", "cook")
    with QuirkyRegistry() as registry:
        yield Market(kept, registry)
        kept.session.close()


def runs(status: dict[str, Any]) -> tuple[str, str, int]:
    return status["conditions"]["Ready"]["status"], status["bundle"]["version"], status["revision"]


def test_a_newer_version_within_the_range_is_taken_by_itself_and_no_other(market: Market) -> None:
    market.publish("1.0.0", "2.0.0")
    status = market.order("^1")
    assert runs(status) == ("True", "1.0.0", 1)
    assert status["update"] == {"version": "1.0.0"}
    assert status["bundle"]["digest"].startswith("sha256:")
    market.publish("1.1.0", "1.2.0-rc.1")
    assert runs(market.kept.settle()) == ("True", "1.0.0", 1)  # the interval is not over
    assert runs(market.later()) == ("True", "1.1.0", 2)
    written = market.kept.cluster.get(market.kept.order_ref)
    market.later()
    assert market.kept.cluster.get(market.kept.order_ref) == written


def test_a_version_that_is_withdrawn_stays_and_an_older_range_waits_for_an_approval(market: Market) -> None:
    market.publish("1.0.0", "1.1.0")
    market.order("^1")
    market.withdraw("1.1.0")
    assert runs(market.later()) == ("True", "1.1.0", 1)
    status = market.order("~1.0")
    assert runs(status) == ("True", "1.1.0", 1)
    assert status["conditions"]["Stalled"]["reason"] == "AwaitingApproval"
    assert status["update"] == {"version": "1.0.0"}


def test_what_runs_is_kept_while_the_registry_is_away_also_by_a_controller_that_begins_then(market: Market) -> None:
    market.publish("1.0.0")
    market.order("^1")
    market.registry.server.says = Say(status=503, body=b"")
    status = market.later()
    assert runs(status) == ("True", "1.0.0", 1)
    assert "1.0.0" in status["update"]["version"]
    assert status["update"].get("message")
    market.kept.restart()
    assert runs(market.later()) == ("True", "1.0.0", 1)


def test_a_range_without_a_version_is_said_and_met_as_soon_as_there_is_one(market: Market) -> None:
    market.publish("1.0.0")
    status = market.order("^3")
    assert (status["conditions"]["Ready"]["status"], "1.0.0" in status["conditions"]["Ready"]["message"]) == (
        "False",
        True,
    )
    market.publish("3.1.0")
    assert runs(market.later()) == ("True", "3.1.0", 1)
