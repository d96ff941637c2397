"""``bundler order``: made, changed and taken back, its plan first; what the controller does with it comes later."""

from __future__ import annotations

import base64
import json

import pytest

from bundler.model.cluster import Payload
from bundler.model.refs import ref_of
from tests.lib.bundles import make_bundle
from tests.lib.orders import order, read, serve_orders

pytestmark = pytest.mark.medium
NS = ("-n", "prod")
SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "password": {"type": "string", "writeOnly": True},
    },
}
SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-settings"}
data: {text: "{{ values.text }}", count: "{{ values.count }}"}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ release.name }}-login"}
stringData: {password: "{{ values.password }}"}
"""


def put(cluster, body):
    meta = {"namespace": "prod", **body["metadata"]}
    whole = {"apiVersion": "v1", **body, "metadata": meta}
    cluster.apply(Payload(ref=ref_of(whole), api_version="v1", content=json.dumps(whole).encode()))


def text_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def site(cli):
    """A bundle in a Secret, in a cluster that serves orders; release shop is installed from its folder."""
    files = {
        "templates/settings.yaml": SETTINGS,
        "values.yaml": "text: hello\ncount: 1\npassword: none\n",
        "values.schema.json": json.dumps(SCHEMA),
    }
    bundle = make_bundle(cli.home, files)
    cli("install", "shop", bundle, "--set", "count=2", *NS).ok()
    archive = cli.home / "bundle.tgz"
    cli("package", bundle, "--out", archive).ok()
    with cli.sandbox() as cluster:
        serve_orders(cluster, cli.clock)
        put(
            cluster,
            {"kind": "Secret", "metadata": {"name": "bundle"}, "data": {"b.tgz": text_of(archive.read_bytes())}},
        )
        values = {"values.yaml": text_of(b"password: hidden\n")}
        put(cluster, {"kind": "Secret", "metadata": {"name": "values"}, "data": values})
    return bundle


def make(cli, **spec):
    with cli.sandbox() as cluster:
        return order(cluster, namespace="prod", **{"bundle": {"source": "secret://bundle"}, **spec})


def kept(cli):
    with cli.sandbox() as cluster:
        return read(cluster, namespace="prod")


CREATE = ("order", "shop", "--create", "secret://bundle", "--service-account", "cook", "--no-wait", *NS)


def test_a_release_that_the_command_line_installed_is_taken_up_as_it_is(cli, site):
    assert cli("order", "shop", "--set", "count=3", *NS).code == 1
    done = cli(*CREATE).ok()
    spec = kept(cli)["spec"]
    assert spec["serviceAccountName"] == "cook"
    assert spec["values"] == {"count": 2}
    assert spec["bundle"]["source"] == "secret://bundle"
    assert spec["bundle"]["digest"] == cli("list", "-o", "json", *NS).document[0]["bundle"]["digest"]
    assert "plan: 2 unchanged" in done.err
    assert (cli(*CREATE).code, "there is one already" in cli(*CREATE).err) == (2, True)


def test_a_value_of_an_order_is_typed_by_the_schema_and_its_plan_is_shown(cli, site):
    make(cli, values={"count": 2, "text": "kept"})
    shown = cli("order", "shop", "--set", "count=3", "--dry-run", *NS).ok()
    assert "ConfigMap/shop-settings" in shown.err
    assert kept(cli)["spec"]["values"]["count"] == 2
    cli("order", "shop", "--set", "count=3", "--unset", "text", "--no-wait", *NS).ok()
    assert kept(cli)["spec"]["values"] == {"count": 3}
    assert kept(cli)["spec"]["serviceAccountName"] == "shop"
    assert "the order says this already" in cli("order", "shop", "--set", "count=3", *NS).ok().err
    wrong = cli("order", "shop", "--set", "count=many", *NS)
    assert (wrong.code, "count" in wrong.err) == (1, True)


def test_nothing_sensitive_is_written_into_an_order(cli, site):
    make(cli)
    refused = cli("order", "shop", "--set", "password=correct-horse", "--no-wait", *NS)
    assert refused.code == 1
    assert "password is sensitive, and an order can be read by many" in refused.err
    assert ".spec.valuesFrom" in refused.err
    assert "correct-horse" not in refused.err
    assert "values" not in kept(cli)["spec"]


def test_going_back_orders_the_bundle_and_the_values_of_a_revision(cli, site):
    cli("install", "shop", site, "--set", "count=7", "--set", "text=seven", *NS).ok()
    make(cli, values={"count": 9})
    cli("order", "shop", "--from-revision", "2", "--no-wait", *NS).ok()
    spec = kept(cli)["spec"]
    assert spec["values"] == {"count": 7, "text": "seven"}
    assert spec["bundle"]["digest"].startswith("sha256:")


def test_a_sensitive_value_of_a_revision_has_to_be_in_a_secret_that_the_order_names(cli, site):
    cli("install", "shop", site, "--set", "password=correct-horse", *NS).ok()
    make(cli)
    refused = cli("order", "shop", "--from-revision", "2", "--no-wait", *NS)
    assert (refused.code, "password is sensitive" in refused.err) == (1, True)
    make(cli, valuesFrom=[{"kind": "Secret", "name": "values"}])
    cli("order", "shop", "--from-revision", "2", "--no-wait", *NS).ok()
    assert kept(cli)["spec"]["values"] == {"count": 2}


def test_resuming_shows_what_it_would_change(cli, site):
    make(cli, suspend=True, values={"count": 5})
    done = cli("resume", "shop", "--no-wait", *NS).ok()
    assert "resuming the order would change this:" in done.err
    assert "ConfigMap/shop-settings" in done.err
    assert kept(cli)["spec"]["suspend"] is False
