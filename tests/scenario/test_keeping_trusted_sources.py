"""What is not to be trusted is refused, whatever the order says; what runs stays kept meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler import Payload
from bundler.model.refs import ObjectRef
from bundler.signing.keys import generate_key
from bundler.signing.sign import KeySigner
from tests.lib.bundles import load_from
from tests.lib.faulty import FaultyCluster
from tests.lib.keeping import kept_at
from tests.lib.menus import small_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.keeping import Kept
    from tests.scenario.conftest import World

ACME, OTHER = KeySigner(generate_key("acme")), KeySigner(generate_key("other"))
TRUSTS_ACME = {"keys": [{"key": ACME.key.line}], "policy": {"requireSignature": True}}


@pytest.fixture
def kept(failing_sandbox: World, tmp_path: Path) -> Kept:
    """A release of a bundle that the site trusts."""
    world = failing_sandbox
    made = kept_at(FaultyCluster(world.cluster), world.operator.clock, world.operator.namespace, tmp_path)
    made.world = world
    made.cluster.apply(Payload.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.namespace}}))
    made.say_site(**TRUSTS_ACME)
    made.publish(small_bundle(tmp_path), "one", ACME)
    made.order()
    assert made.settle()["phase"] == "Ready"
    return made


def test_a_bundle_in_a_secret_is_verified_by_the_signature_beside_it(kept: Kept) -> None:
    verified = kept.status()["conditions"]["SourceVerified"]
    assert (verified["status"], verified["reason"]) == ("True", "Signed")
    assert "acme" in verified["message"]


def tampered(kept: Kept) -> dict[str, Any]:
    digest = load_from(kept.world.menu).digest
    kept.publish(_edited(kept), "one", ACME)
    return {"bundle": {"source": "secret://one", "digest": digest}}


def signed_before_it_was_edited(kept: Kept) -> dict[str, Any]:
    signature = kept.cluster.get(ObjectRef("", "Secret", kept.namespace, "one"))["data"]["bundle.tgz.sig"]
    kept.publish(_edited(kept), "two")
    kept.put("Secret", "two", data={"bundle.tgz.sig": signature})
    return {"bundle": {"source": "secret://two"}}


def of_another_key(kept: Kept) -> dict[str, Any]:
    kept.publish(_edited(kept), "one", OTHER)
    return {}


def unsigned(kept: Kept) -> dict[str, Any]:
    kept.publish(_edited(kept), "one")
    return {}


def of_a_revoked_key(kept: Kept) -> dict[str, Any]:
    kept.say_site(**TRUSTS_ACME | {"policy": {"requireSignature": True, "revoked": [ACME.key.key_id[:16]]}})
    return {}


def older_than_the_site_takes(kept: Kept) -> dict[str, Any]:
    name = load_from(kept.world.menu).metadata.name
    kept.say_site(**TRUSTS_ACME | {"policy": {"requireSignature": True, "minimumVersions": {name: "9.0.0"}}})
    return {}


def _edited(kept: Kept) -> Path:
    folder = small_bundle(kept.scratch / "edited")
    (folder / "templates" / "more.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop-more}\ndata: {}\n"
    )
    return folder


@pytest.mark.parametrize(
    "spoil",
    [tampered, signed_before_it_was_edited, of_another_key, unsigned, of_a_revoked_key, older_than_the_site_takes],
)
def test_what_is_not_to_be_trusted_is_refused_and_what_runs_is_kept(
    kept: Kept, spoil: Callable[[Kept], dict[str, Any]]
) -> None:
    kept.order(**spoil(kept))
    stalled = kept.settle()["conditions"]["Stalled"]
    assert stalled["reason"] == "SourceRefused", stalled
    assert "bundler-order-" not in stalled["message"], "a file of one try is named, which is another one each time"
    kept.world.edit("ConfigMap", "shop-config", {"data": {"text": "mine"}})
    status = kept.settle()
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "hello"}
    assert (status["revision"], status["conditions"]["Ready"]["status"]) == (1, "True")
    assert "shop-more" not in kept.names("ConfigMap")
