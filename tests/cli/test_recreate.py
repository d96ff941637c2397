"""`--recreate` on the command line: what is refused, shown, saved, and carried out."""

from __future__ import annotations

import json

import pytest

from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.scenario.conftest import create_as_kubectl

NS = ("-n", "prod")
WEB = ObjectRef("apps", "Deployment", "prod", "web")
TEMPLATE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: {{ values.app }}}}
  template:
    metadata: {labels: {app: {{ values.app }}, tier: web}}
    spec: {containers: [{name: web, image: docker.io/library/web:1}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  {% if values.headless %}
  clusterIP: None
  {% else %}
  type: LoadBalancer
  {% endif %}
  selector: {tier: web}
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [{{ values.mode }}], resources: {requests: {storage: 1Gi}}}
"""
VALUES = "app: one\nheadless: false\nmode: ReadWriteOnce\n"


@pytest.fixture
def menu(cli):
    path = make_bundle(cli.home, {"templates/web.yaml": TEMPLATE, "values.yaml": VALUES}, name="app")
    cli("install", "shop", path, *NS).ok()
    return path


@pytest.mark.slow
def test_the_plan_says_what_is_lost_and_a_saved_one_carries_the_decision(cli, menu):
    cli.golden("recreate-refused", "upgrade", "shop", menu, "--set", "app=two", *NS)
    flags = ("--set", "app=two", "--recreate", "Deployment/web")
    cli.golden("recreate-diff", "diff", "shop", menu, *flags, *NS)
    changes = cli("diff", "shop", menu, *flags, "-o", "json", *NS).document["changes"]
    lost = ["its pods: all of them stop before new ones start"]
    assert [one["lost"] for one in changes if one["action"] == "recreate"] == [lost]
    path = cli.home / "shop.plan"
    cli("plan", "shop", menu, "--out", path, *flags, *NS).ok()
    shown = cli("show", path, "-o", "json").document
    assert shown["request"]["recreates"] == ["Deployment/web"]
    assert ["lost", "its pods: all of them stop before new ones start"] in [
        list(note.values()) for one in shown["changes"] for note in one["notes"]
    ]
    assert "delete and create again Deployment/web" in cli("show", path).ok().out
    with cli.sandbox() as sandbox:
        sandbox.delete(WEB, uid="")
    refused = cli("apply", path)
    assert refused.code == 1
    assert "Deployment/web was deleted" in refused.err
    cli("install", "shop", menu, *NS).ok()
    cli("plan", "shop", menu, "--out", path, *flags, *NS).ok()
    cli("apply", path).ok()
    with cli.sandbox() as sandbox:
        assert sandbox.get(WEB)["spec"]["selector"] == {"matchLabels": {"app": "two"}}
    recorded = cli("history", "shop", "--revision", "3", "-o", "json", *NS).document
    assert recorded["recreated"] == ["apps/Deployment/prod/web"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "name", "lost"),
    [
        ("headless=true", "Service/web", "the address of its load balancer"),
        ("mode=ReadWriteMany", "PersistentVolumeClaim/data", "the data of the claim"),
    ],
)
def test_what_cannot_be_had_back_needs_a_second_flag(cli, menu, value, name, lost):
    flags = ("--set", value, "--recreate", name, "--yes", *NS)
    refused = cli("upgrade", "shop", menu, *flags)
    assert refused.code == 2
    assert f"recreate {name}: " in refused.err
    assert lost in refused.err
    cli("upgrade", "shop", menu, *flags, "--accept-data-loss").ok()
    assert json.loads(cli("diff", "shop", menu, "--set", value, "-o", "json", *NS).out)["changes"] == []


@pytest.mark.slow
def test_drift_shows_a_field_that_cannot_change_and_its_fix_takes_the_flag_that_it_asks_for(cli, menu):
    with cli.sandbox() as sandbox:
        live = sandbox.get(WEB)
        sandbox.delete(WEB, uid="")
        labels = {"app": "other", "tier": "web"}
        spec = {"selector": {"matchLabels": {"app": "other"}}, "template": {**live["spec"]["template"]}}
        spec["template"]["metadata"] = {"labels": labels}
        kept = {key: live["metadata"][key] for key in ("name", "namespace", "labels")}
        create_as_kubectl(sandbox, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": kept, "spec": spec})
    shown = cli("drift", "shop", *NS)
    assert shown.code == 3
    assert '.spec.selector.matchLabels.app: recorded "one", live "other"' in shown.out
    refused = cli("drift", "shop", "--fix", "--yes", *NS)
    assert refused.code == 1
    assert "pass --recreate Deployment/web" in refused.err
    cli("drift", "shop", "--fix", "--yes", "--recreate", "Deployment/web", *NS).ok()
    assert cli("drift", "shop", *NS).code == 0


def test_a_pattern_is_no_name_of_an_object(cli):
    for name in ("Deployment/*", "*", "web", "/web", "Deployment/"):
        refused = cli("upgrade", "shop", "app", "--recreate", name, *NS)
        assert refused.code == 2
        assert "names no single object; write KIND/NAME" in refused.err
