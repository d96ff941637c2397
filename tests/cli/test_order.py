"""``bundler order``: made, changed and taken back, its plan first; what the controller does with it comes later."""

from __future__ import annotations

import base64
import io
import json
import random
import tarfile

import pytest

from bundler.model.cluster import ListQuery, Payload
from bundler.model.refs import ObjectRef, ref_of
from tests.lib.bundles import make_bundle
from tests.lib.orders import order, read, serve_orders, write

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


def packed_as(text: str, name: str = "bundle.yaml") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo(f"a/{name}" if name == "bundle.yaml" else name)
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


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


def bundles(cli):
    """The Secrets that hold bundles of order shop, by name."""
    with cli.sandbox() as cluster:
        query = ListQuery(group="", kind="Secret", namespace="prod", label_selector="bundler.dev/order=shop")
        return {one["metadata"]["name"]: one for one in cluster.list(query).items}


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


def test_a_folder_is_ordered_from_an_immutable_secret_that_is_named_by_its_digest(cli, site):
    done = cli("order", "shop", "--create", site, "--set", "count=3", "--no-wait", *NS).ok()
    ((name, secret),) = bundles(cli).items()
    bundle = kept(cli)["spec"]["bundle"]
    assert bundle["source"] == f"secret://{name}"
    assert name == f"shop-bundle-{bundle['digest'].removeprefix('sha256:')[:12]}"
    assert secret["immutable"] is True
    assert secret["data"] == {"bundle.tgz": text_of((cli.home / "bundle.tgz").read_bytes())}
    assert f"bundle secret://{name} " in done.err
    assert "bundler-order-" not in done.err
    assert "the order says this already" in cli("order", "shop", "--source", site, "--no-wait", *NS).ok().err
    assert [one["name"] for one in secret["metadata"]["ownerReferences"]] == ["shop"]
    with cli.sandbox() as cluster:
        cluster.delete(ref_of(kept(cli)))
    cli("order", "shop", "--create", site, "--no-wait", *NS).ok()
    assert list(bundles(cli)) == [name]
    with cli.sandbox() as cluster:
        cluster.delete(ref_of(kept(cli)))
    assert not bundles(cli)


def test_the_namespace_of_a_new_order_is_made_as_an_install_makes_it(cli, site):
    there = ("order", "shop", "--create", site, "--no-wait", "-n", "new")
    assert "--no-create-namespace says not to make it" in cli(*there, "--no-create-namespace").err
    assert "namespace new created" in cli(*there).ok().err
    with cli.sandbox() as cluster:
        assert read(cluster, namespace="new")["spec"]["bundle"]["source"].startswith("secret://shop-bundle-")


def test_nothing_is_written_of_a_local_bundle_that_is_only_looked_at_or_not_ordered(cli, site):
    cli("order", "shop", "--create", site, "--dry-run", *NS).ok()
    assert cli("order", "shop", "--create", site, "--set", "password=x", "--no-wait", *NS).code == 1
    assert not bundles(cli)


def test_an_archive_is_ordered_with_the_signature_beside_it_and_earlier_bundles_go_once_no_order_names_them(cli, site):
    cli("order", "shop", "--create", site, "--no-wait", *NS).ok()
    (first,) = bundles(cli)
    key = cli.home / "k.key"
    cli("keygen", "team", "--out", key).ok()
    changed = make_bundle(
        cli.home / "other", {"templates/settings.yaml": SETTINGS, "values.yaml": "text: a\ncount: 1\npassword: b\n"}
    )
    archive = cli.home / "changed.tgz"
    cli("package", changed, "--out", archive, "--key", key).ok()
    with cli.sandbox() as cluster:
        order(cluster, "other", namespace="prod", bundle={"source": f"secret://{first}"})
    cli("order", "shop", "--source", archive, "--no-wait", *NS).ok()
    second = kept(cli)["spec"]["bundle"]["source"].removeprefix("secret://")
    assert set(bundles(cli)) == {first, second}
    beside = archive.with_name("changed.tgz.sig").read_bytes()
    assert bundles(cli)[second]["data"]["bundle.tgz.sig"] == text_of(beside)
    with cli.sandbox() as cluster:
        order(cluster, "other", namespace="prod", bundle={"source": f"secret://{second}"})
    done = cli("order", "shop", "--set", "count=5", "--no-wait", *NS).ok()
    assert f"deleted Secret/{first}: it held an earlier bundle of this order" in done.err
    assert set(bundles(cli)) == {second}


def test_a_bundle_that_is_signed_later_is_put_into_its_secret_again(cli, site):
    archive = cli.home / "bundle.tgz"
    cli("order", "shop", "--create", archive, "--no-wait", *NS).ok()
    cli("keygen", "team", "--out", cli.home / "k.key").ok()
    cli("sign", archive, "--key", cli.home / "k.key").ok()
    cli("order", "shop", "--source", archive, "--no-wait", *NS).ok()
    (secret,) = bundles(cli).values()
    assert set(secret["data"]) == {"bundle.tgz", "bundle.tgz.sig"}


def test_a_bundle_too_large_for_a_secret_is_refused_with_its_size(cli, site):
    (site / "files").mkdir()
    (site / "files" / "noise").write_bytes(random.Random(1).randbytes(950 * 1024))
    refused = cli("order", "shop", "--create", site, "--no-wait", *NS)
    assert refused.code == 1
    assert "KiB packed, and a Secret holds at most 900 KiB" in refused.err
    assert "bundler push" in refused.err


def test_a_secret_of_someone_else_is_left_as_it_is(cli, site):
    cli("order", "shop", "--create", site, "--no-wait", *NS).ok()
    (name,) = bundles(cli)
    with cli.sandbox() as cluster:
        cluster.delete(ObjectRef("", "Secret", "prod", name))
        put(cluster, {"kind": "Secret", "metadata": {"name": name}, "data": {}})
    refused = cli("order", "shop", "--source", site, "--no-wait", *NS)
    assert (refused.code, "without the label bundler.dev/order=shop" in refused.err) == (1, True)
    wrong = cli("order", "shop", "--source", site, "--version", "2.0.0", *NS)
    assert (wrong.code, "--version chooses in a registry" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    "content",
    [b"no archive", packed_as("x: ["), packed_as("", name="../bundle.yaml")],
    ids=["no archive", "no YAML", "outside of its folder"],
)
def test_a_bundle_that_cannot_be_read_is_named_by_its_secret(cli, site, content):
    with cli.sandbox() as cluster:
        put(cluster, {"kind": "Secret", "metadata": {"name": "bad"}, "data": {"bundle.tgz": text_of(content)}})
    refused = cli("order", "shop", "--create", "secret://bad", "--no-wait", *NS)
    assert refused.code != 0
    assert "secret://bad" in refused.err
    assert "bundler-order-" not in refused.err
    assert "bundler lint secret://" not in refused.err


def test_the_order_that_is_made_for_an_object_of_a_menus_kind_is_not_changed_here(cli, site):
    spec = make(cli)["spec"]
    with cli.sandbox() as cluster:
        maker = cluster.get(ObjectRef("", "Secret", "prod", "bundle"))
        owner = {"apiVersion": "v1", "kind": "Secret", "name": "bundle", "uid": maker["metadata"]["uid"]}
        meta = {"name": "shop", "namespace": "prod", "ownerReferences": [{**owner, "controller": True}]}
        write(cluster, {"apiVersion": "bundler.dev/v1", "kind": "Release", "metadata": meta, "spec": spec})
    refused = cli("order", "shop", "--set", "count=3", *NS)
    assert (refused.code, "Release/shop is made for Secret/bundle" in refused.err) == (2, True)


def test_an_order_that_is_part_of_a_release_is_changed_with_that_one(cli, site):
    spec = make(cli)["spec"]
    marks = {"bundler.dev/release-uid": "9e1d", "app.kubernetes.io/instance": "mall"}
    with cli.sandbox() as cluster:
        meta = {"name": "shop", "namespace": "prod", "labels": marks}
        write(cluster, {"apiVersion": "bundler.dev/v1", "kind": "Release", "metadata": meta, "spec": spec})
    refused = cli("order", "shop", "--set", "count=3", *NS)
    assert (refused.code, "Release/shop is part of release mall" in refused.err) == (2, True)
