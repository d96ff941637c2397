"""A release is kept while the registry of its bundle is away, and its order goes on when it is back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from bundler import Payload
from bundler.actions.acquire.push import push
from bundler.archive.writer import pack_files
from bundler.library.network import NetworkRules
from bundler.model.oci import OciAddress
from bundler.model.refs import ObjectRef
from tests.lib.bundles import bundle_yaml, load_from
from tests.lib.keeping import kept_at
from tests.lib.menus import GENERATE, small_bundle
from tests.lib.quirky_registry import QuirkyRegistry
from tests.lib.sessions import session_on
from tests.lib.stub_server import HangUp, Say
from tests.unit.oci.support import client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.keeping import Kept
    from tests.lib.stub_server import Step
    from tests.scenario.conftest import World


@pytest.fixture
def source() -> Iterator[QuirkyRegistry]:
    with QuirkyRegistry() as running:
        yield running


@pytest.fixture
def kept(failing_sandbox: World, source: QuirkyRegistry, tmp_path: Path) -> Iterator[Kept]:
    """A controller that may speak with the registry, which has two versions of a bundle."""
    world, rules = failing_sandbox, NetworkRules(insecure_http=frozenset({source.host}))
    made = kept_at(world.cluster, world.operator.clock, world.operator.namespace, tmp_path)
    made.world = world
    made.cluster.apply(Payload.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.namespace}}))
    closing = ExitStack()
    made.open_as = lambda account: closing.enter_context(
        session_on(made.cluster, made.clock, made.namespace, timeout_s=account.timeout_s, rules=rules)
    )
    made.restart()
    for version in ("1.0.0", "2.0.0"):
        folder = small_bundle(tmp_path / version)
        (folder / "bundle.yaml").write_text(bundle_yaml("small", version, generate=GENERATE))  # type: ignore[arg-type]
        bundle = load_from(folder)
        address = OciAddress.parse(f"oci://{source.host}/small")
        push(client(source.host, is_writing=True), bundle, pack_files(bundle.files.values(), top="small"), address)
    with closing:
        yield made


@pytest.mark.parametrize("says", [Say(status=503), HangUp()], ids=["it is overloaded", "it hangs up"])
def test_what_runs_is_kept_while_its_registry_is_away_and_the_order_goes_on_when_it_is_back(
    kept: Kept, source: QuirkyRegistry, says: Step
) -> None:
    address = f"oci://{source.host}/small"
    kept.order(bundle={"source": address, "version": "1.0.0"})
    assert kept.settle()["phase"] == "Ready"
    source.server.says, began_s = says, kept.clock.monotonic()
    kept.order(bundle={"source": address, "version": "2.0.0"})
    kept.settle()
    assert kept.clock.monotonic() - began_s < 90.0, "a change waits for its bundle for as long as it may take in all"
    kept.world.edit("ConfigMap", "shop-config", {"data": {"text": "mine"}})
    conditions = kept.settle()["conditions"]
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "hello"}
    assert conditions["Reconciling"]["reason"] == "SourceUnavailable"
    assert conditions["Ready"]["message"].startswith("running 1.0.0, ordered 2.0.0; reading")
    source.server.says = None
    kept.clock.sleep(300.0)
    status = kept.settle()
    assert (status["phase"], status["bundle"]["version"]) == ("Ready", "2.0.0")
