"""``bundler menu``: as what kind a bundle can be ordered."""

from __future__ import annotations

import pytest

from bundler.syntax.reader import read_documents
from tests.lib.golden import check_golden

pytestmark = pytest.mark.medium


def test_the_definition_and_the_menu_are_printed_for_kubectl(cli):
    documents = [one.value for one in read_documents(cli("menu", "shop", "--print").ok().out)]
    assert [one["kind"] for one in documents] == ["CustomResourceDefinition", *["ClusterRole"] * 3, "Menu"]
    assert [documents[index]["metadata"]["name"] for index in (0, -1)] == ["shops.bundles.example"] * 2
    assert documents[1]["metadata"]["labels"] == {"bundler.dev/aggregate-to-controller": "true"}
    assert documents[-1]["spec"]["bundle"]["source"] == "oci://REGISTRY/bundles/shop"
    said = cli("menu", "shop", "--print", "--source", "oci://r.example/shop", "-o", "json").ok().document["items"]
    assert said[-1]["spec"]["bundle"]["source"] == "oci://r.example/shop"


def test_each_field_is_shown_with_who_checks_what(cli):
    check_golden("cli/menu-webapp.txt", cli("menu", "webapp").ok().out)
    fields = {one["path"]: one for one in cli("menu", "webapp", "-o", "json").ok().document["fields"]}
    assert fields["port"]["rules"] == ["≥ 1024", "≤ 65535"]
    assert fields["settings.*"]["controllerChecks"] == [{"keyword": "*", "reason": "it can be of several types"}]


def test_a_bundle_without_a_menu_says_how_to_add_one(cli):
    failed = cli("menu", "etcd")
    assert failed.code == 1
    assert "add spec.menu" in failed.err.lower()
