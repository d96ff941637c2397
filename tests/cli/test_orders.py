"""Releases that orders keep, at the command line: shown, refused, and taken in hand."""

from __future__ import annotations

import pytest

from tests.lib.menus import small_bundle
from tests.lib.orders import order, serve_orders

pytestmark = pytest.mark.medium
NS = ("-n", "prod")


@pytest.fixture
def bundle(cli):
    """A bundle, installed as release shop, in a cluster that serves orders."""
    made = small_bundle(cli.home)
    cli("install", "shop", made, *NS).ok()
    with cli.sandbox() as cluster:
        serve_orders(cluster, cli.clock)
    return made


def write_order(cli, **spec):
    with cli.sandbox() as cluster:
        return order(cluster, namespace="prod", **spec)


def test_what_keeps_a_release_is_shown_wherever_the_release_is(cli, bundle):
    assert "KEPT BY" not in cli("list", *NS).ok().out
    assert cli("list", *NS, "-o", "json").document[0]["keptBy"] is None
    write_order(cli)
    cli("install", "other", bundle, *NS).ok()
    kept = {"kind": "Release", "name": "shop", "generation": 1, "suspended": False}
    assert "KEPT BY" in cli("list", *NS).out.splitlines()[0]
    assert [line.endswith("Release/shop") for line in cli("list", *NS).out.splitlines()[1:]] == [False, True]
    assert [one["keptBy"] for one in cli("list", "-A", "-o", "json").document] == [None, kept]
    assert "kept by   Release/shop" in cli("status", "shop", *NS).out
    assert cli("status", "shop", *NS, "-o", "json").document["keptBy"] == kept
    assert "the release is kept by Release/shop" in cli("history", "shop", *NS).err
    assert cli("history", "shop", *NS, "-o", "json").document[0]["keptBy"] == kept
    write_order(cli, suspend=True)
    assert "Release/shop, suspended" in cli("list", *NS).out


def test_a_refusal_names_the_order_and_both_ways(cli, bundle):
    write_order(cli)
    refused = cli("install", "shop", bundle, "--set", "text=new", *NS)
    assert refused.code == 2
    assert "release shop is kept by Release/shop (generation 1)" in refused.err
    assert "`bundler order shop -n prod --set …`" in refused.err
    assert "--suspend" in refused.err
    shown = cli("install", "shop", bundle, "--set", "text=new", "--dry-run", *NS).ok()
    assert "this change would be refused now: release shop is kept by Release/shop" in shown.err
    done = cli("install", "shop", bundle, "--set", "text=new", "--suspend", *NS).ok()
    assert "suspended Release/shop: no one corrects the release until `bundler resume shop -n prod`" in done.err
