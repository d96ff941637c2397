"""Deployment windows on the command line: what waits, what only warns, and how a reason is kept."""

from __future__ import annotations

import pytest

from bundler.model.refs import ObjectRef
from tests.lib.menus import small_bundle

NS = ("-n", "prod")
FROZEN = """
apiVersion: bundler.dev/v1
kind: Site
metadata: {name: acme}
spec:
  deploymentWindows:
    timeZone: Europe/Vienna
    freezes: [{from: 2000-01-01, until: 2199-12-31, reason: no one is here}]
"""
URGENT = ("--outside-window", "the shop is down")


@pytest.mark.medium
def test_a_saved_plan_is_made_at_any_time_and_carried_out_in_a_window_or_with_a_reason(cli):
    menu, site, plan = small_bundle(cli.home), cli.home / "acme.yaml", cli.home / "shop.plan"
    site.write_text(FROZEN)
    refused = cli("install", "shop", menu, "--site", site, *NS)
    assert refused.code == 25
    assert "error[site-closed]" in refused.err
    assert "no one is here" in refused.err
    planned = cli("plan", "shop", menu, "--site", site, "--out", plan, "-o", "json", *NS).ok()
    assert "no one is here" in " ".join(planned.document["warnings"])
    assert "would be refused now" in planned.err
    assert cli("diff", "shop", menu, "--site", site, *NS).ok().err.count("no one is here") == 1
    assert cli("apply", plan).code == 25
    cli("apply", plan, "--dry-run").ok()
    assert cli("apply", plan, "--outside-window", " ").code == 25, "a reason says something"
    cli("apply", plan, *URGENT).ok()
    (listed,) = cli("history", "shop", "-o", "json", *NS).document
    assert listed["description"] == "outside the deployment windows: the shop is down"
    assert cli("history", "shop", "--revision", "1", "-o", "json", *NS).document["outsideWindow"] == "the shop is down"
    assert "the shop is down" in cli("history", "shop", "--revision", "1", *NS).out

    with cli.sandbox() as sandbox:
        sandbox.edit(ObjectRef("", "ConfigMap", "prod", "shop-config"), {"data": {"text": "theirs"}})
    assert cli("drift", "shop", "--site", site, "--fix", "--yes", *NS).code == 25
    cli("drift", "shop", "--site", site, "--fix", "--yes", *URGENT, *NS).ok()
    assert cli("rollback", "shop", "1", "--site", site, *NS).code == 25
    cli("rollback", "shop", "1", "--site", site, *URGENT, *NS).ok()
    assert cli("uninstall", "shop", "--site", site, "--yes", *NS).code == 25
    cli("uninstall", "shop", "--site", site, "--yes", *URGENT, *NS).ok()


OTHER = """
apiVersion: bundler.dev/v1
kind: Site
metadata: {name: acme}
spec: {namespace: prod, clusterUid: another}
"""


@pytest.mark.medium
def test_checks_run_at_any_time_in_the_namespace_and_on_the_cluster_of_the_site(cli):
    menu, site = small_bundle(cli.home), cli.home / "acme.yaml"
    cli("install", "shop", menu, *NS).ok()
    site.write_text(FROZEN.replace("spec:\n", "spec:\n  namespace: prod\n"))
    cli("test", "shop", "--site", site).ok()
    site.write_text(OTHER)
    assert cli("test", "shop", "--site", site).text.count("error[wrong-cluster]") == 1


@pytest.mark.medium
@pytest.mark.parametrize("until", ["9999-12-31", "9999-12-20", "9999-12-31T23:59+14:00"])
def test_a_freeze_without_an_end_is_one_to_the_end_of_the_calendar(cli, until):
    menu, site = small_bundle(cli.home), cli.home / "acme.yaml"
    frozen = FROZEN.replace("2199-12-31", until).replace("2000-01-01", "0001-01-01")
    site.write_text(f"{frozen}    windows: [{{days: [Mon], from: 20:00, until: 21:00}}]\n")
    refused = cli("install", "shop", menu, "--site", site, *NS)
    assert refused.code == 25
    assert "changes are frozen until" in refused.err
