"""Orders as values, and the kinds of the bundles that are shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler import Session, secrets_of_order, values_of_order
from bundler.errors.bundle import BundleInvalidError, ValuesInvalidError
from bundler.menu.offer import order_kind
from bundler.model.kind import OrderProblem, SecretKey
from tests.lib.bundles import load_from, make_bundle
from tests.lib.order_kinds import bundle_of

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.kind import OrderKind

MENU = {"group": "acme.example", "kind": "Shop", "plural": "shops"}
PASSWORD = {"type": "string", "writeOnly": True}
USER = {"type": "object", "properties": {"name": {"type": "string"}, "password": PASSWORD}}


def kind_with_secrets() -> OrderKind:
    """Return a kind with secrets at every sort of place."""
    return order_kind(
        bundle_of(
            {
                "password": PASSWORD,
                "users": {"type": "array", "items": USER},
                "teams": {"type": "object", "additionalProperties": USER},
                "tokens": {"type": "array", "items": PASSWORD},
                "a.b": {"type": "string"},
            }
        )
    )


def test_an_order_says_the_values_of_the_bundle() -> None:
    assert values_of_order({"a.b": "x", "users": [{"name": "ada"}]}, kind_with_secrets(), {}) == {
        "a.b": "x",
        "users": [{"name": "ada"}],
    }


def test_a_null_counts_as_not_written() -> None:
    assert values_of_order({"a.b": None, "users": None}, kind_with_secrets(), {}) == {}


def test_secrets_take_the_place_of_what_names_them_wherever_they_are() -> None:
    kind = kind_with_secrets()
    first, second = {"name": "one", "key": "password"}, {"name": "two", "key": "tokens"}
    spec: Any = {
        "passwordFrom": first,
        "users": [{"name": "ada", "passwordFrom": first}],
        "teams": {"red": {"passwordFrom": first}},
        "tokensFrom": second,
    }
    assert secrets_of_order(spec, kind) == (SecretKey("one", "password"), SecretKey("two", "tokens"))
    texts = {SecretKey("one", "password"): "12", SecretKey("two", "tokens"): "[a, b]\n"}
    assert values_of_order(spec, kind, texts) == {
        "password": "12",
        "users": [{"name": "ada", "password": "12"}],
        "teams": {"red": {"password": "12"}},
        "tokens": ["a", "b"],
    }


def test_every_secret_that_cannot_be_used_is_named_by_its_place() -> None:
    spec: Any = {
        "passwordFrom": {"name": "gone", "key": "password"},
        "users": [{"passwordFrom": "plain"}],
        "tokensFrom": {"name": "two", "key": "tokens"},
    }
    with pytest.raises(ValuesInvalidError) as caught:
        values_of_order(spec, kind_with_secrets(), {SecretKey("two", "tokens"): "[a"})
    assert caught.value.context == (
        "/passwordFrom: there is no key password in a Secret gone",
        "/users/0/passwordFrom: must be the name and the key of a Secret",
        "/tokensFrom: what is in the Secret is not YAML: line 2",
    )


def test_a_field_is_named_with_what_each_side_checks() -> None:
    kind = order_kind(bundle_of({"size": {"type": "integer", "minimum": 1, "multipleOf": 5}}, required=["size"]))
    (field,) = kind.fields
    assert (field.path, field.type, field.is_required) == ("size", "integer", True)
    assert field.rules == ("≥ 1", "multiple of 5")
    assert [check.keyword for check in field.checks] == ["multipleOf"]


def shop(tmp_path: Path, **menu: Any) -> Path:
    """Write a bundle with a menu."""
    schema = """
        {
          "type": "object",
          "properties": {"qps": {"type": "integer", "maximum": 9}, "cache": {"type": "object"}},
          "required": ["qps"]
        }
    """
    files: Any = {"values.schema.json": schema, "values.yaml": "cache: {enabled: true}\n"}
    return make_bundle(tmp_path, files, name="shop", menu={**MENU, **menu})


def test_a_menu_that_leads_nowhere_is_refused_with_file_and_line(tmp_path: Path) -> None:
    columns = [{"name": "QPS", "path": ".spec.cache"}]
    with pytest.raises(BundleInvalidError) as caught:
        order_kind(load_from(shop(tmp_path, expose=["qsp", "cache.enabled", "a[0]"], columns=columns)))
    assert [line.partition("; ")[0] for line in caught.value.context] == [
        'bundle.yaml:12: exposes "qsp", and neither the schema nor the values have "qsp"',
        'bundle.yaml:14: exposes "a[0]", which does not lead through keys alone',
        'bundle.yaml:16: the column QPS shows ".spec.cache", and an order has no plain value there',
    ]


def test_lint_names_a_menu_that_leads_nowhere(tmp_path: Path) -> None:
    with Session.local() as session:
        findings = session.lint(str(shop(tmp_path, expose=["qsp"]))).findings
    assert [(one.place, one.level.value) for one in findings if "qsp" in one.message] == [("bundle.yaml:12", "error")]


@pytest.mark.parametrize(
    ("menu", "said"),
    [
        ({"kind": "shop"}, 'spec.menu.kind is "shop" and must begin with a capital'),
        ({"group": "acme"}, 'spec.menu.group is "acme" and must be a domain in lower case'),
        ({"group": "apps.k8s.io"}, 'spec.menu.group is "apps.k8s.io", which belongs to Kubernetes or bundler'),
        ({"plural": "Shops"}, 'spec.menu.plural is "Shops" and must be of lower-case letters'),
        ({"version": "2"}, 'spec.menu.version is "2" and must be like v1'),
        ({"shortNames": ["S"]}, 'spec.menu.shortNames is "S" and must be of lower-case letters'),
        ({"plurals": "x"}, 'spec.menu.plurals: unknown key "plurals"; did you mean "plural"?'),
    ],
)
def test_an_impossible_kind_is_refused_where_it_is_written(tmp_path: Path, menu: Any, said: str) -> None:
    with pytest.raises(BundleInvalidError) as caught:
        load_from(shop(tmp_path, **menu))
    assert any(said in line for line in caught.value.context), caught.value.context


def test_a_menu_names_where_the_bundle_comes_from(tmp_path: Path) -> None:
    kind = order_kind(load_from(shop(tmp_path)), source="oci://registry.example/bundles/shop")
    menu: Any = kind.menu
    assert menu["metadata"]["name"] == "shops.acme.example"
    assert menu["spec"]["bundle"]["source"] == "oci://registry.example/bundles/shop"
    assert menu["spec"]["bundle"]["digest"].startswith("sha256:")


def test_orders_that_a_new_bundle_would_refuse_are_named_with_place_and_rule(tmp_path: Path) -> None:
    orders: Any = [
        {"metadata": {"namespace": "prod", "name": "good"}, "spec": {"qps": 9}},
        {"metadata": {"namespace": "prod", "name": "large"}, "spec": {"qps": 10}},
        {"metadata": {"namespace": "test", "name": "empty"}},
    ]
    with Session.local() as session:
        broken = session.broken_orders(str(shop(tmp_path)), orders)
    assert [(one.namespace, one.name) for one in broken] == [("prod", "large"), ("test", "empty")]
    assert isinstance(broken[0], OrderProblem)
    assert broken[0].message.startswith("/qps: 10 is more than the maximum of 9")


def test_an_order_has_the_columns_and_the_rule_of_names_that_a_release_has() -> None:
    from bundler.controller.definitions import all_definitions
    from bundler.syntax.reader import read_documents

    release: Any = next(one.value for one in read_documents(all_definitions()) if "releases" in str(one.value))
    theirs = release["spec"]["versions"][0]
    ours: Any = order_kind(bundle_of({"qps": {"type": "integer"}})).definition
    mine = ours["spec"]["versions"][0]
    assert mine["additionalPrinterColumns"] == theirs["additionalPrinterColumns"]
    rules = "x-kubernetes-validations"
    assert mine["schema"]["openAPIV3Schema"][rules] == theirs["schema"]["openAPIV3Schema"][rules]
