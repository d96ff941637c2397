"""Releases that orders keep, at the command line: shown, refused, and taken in hand."""

from __future__ import annotations

import pytest

from tests.lib.menus import small_bundle
from tests.lib.orders import order, read, serve_orders, write_status

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


def say(cli, **status):
    """Write a status, as the controller does."""
    with cli.sandbox() as cluster:
        body = read(cluster, namespace="prod")
        seen = {"observedGeneration": body["metadata"]["generation"], **status}
        write_status(cluster, {**body, "status": seen})


def kept(cli):
    with cli.sandbox() as cluster:
        return read(cluster, namespace="prod")


def test_suspending_says_what_it_means_and_is_one_write(cli, bundle):
    write_order(cli)
    done = cli("suspend", "shop", *NS).ok()
    assert "nothing of the release is written by its controller from now on" in done.err
    assert "Release/shop, generation 2, suspended" in done.out
    assert kept(cli)["spec"]["suspend"] is True
    assert kept(cli)["spec"]["serviceAccountName"] == "shop"
    assert "it is suspended already" in cli("suspend", "shop", *NS).ok().err
    assert kept(cli)["metadata"]["generation"] == 2
    assert cli("suspend", "shop", *NS, "-o", "json").document["suspended"] is True


def test_the_plan_that_waits_is_shown_and_approved_by_its_digest(cli, bundle):
    write_order(cli)
    refused = cli("approve", "shop", *NS)
    assert (refused.code, "the controller has not seen generation 1 yet" in refused.err) == (2, True)
    say(cli, phase="Ready")
    nothing = cli("approve", "shop", *NS).err
    assert "no plan of it waits" in nothing
    assert "`kubectl describe rls shop -n prod`" in nothing
    plan = {"digest": "sha256:1234", "recreate": 1, "why": ["data may be lost"], "text": "-/+ StatefulSet/db"}
    say(cli, phase="Waiting", plan=plan)
    done = cli("approve", "shop", "--no-wait", *NS).ok()
    for text in ("plan sha256:1234: 1 to recreate", "data may be lost", "-/+ StatefulSet/db"):
        assert text in done.err
    assert kept(cli)["metadata"]["annotations"]["bundler.dev/approve"] == "sha256:1234"


def test_a_retry_says_what_failed_and_writes_a_new_token_each_time(cli, bundle):
    write_order(cli)
    say(cli, lastAttempt={"result": "Failed", "message": "web 0/1"})
    assert "the last attempt: Failed: web 0/1" in cli("retry", "shop", "--no-wait", *NS).ok().err
    first = kept(cli)["metadata"]["annotations"]["bundler.dev/retry"]
    cli.clock.sleep(1)
    cli("retry", "shop", "--no-wait", *NS).ok()
    assert kept(cli)["metadata"]["annotations"]["bundler.dev/retry"] > first


@pytest.mark.parametrize("verb", ["suspend", "resume", "approve", "retry"])
def test_a_release_without_an_order_cannot_be_spoken_of_to_a_controller(cli, bundle, verb):
    refused = cli(verb, "shop", *NS)
    assert (refused.code, "error[order-not-found]" in refused.err) == (1, True)
    assert "there is no Release/shop in namespace prod" in refused.err
