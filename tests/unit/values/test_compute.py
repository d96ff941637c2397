"""The whole computation: layers, components, switches, derived values."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.errors import BundlerError
from bundler.errors.bundle import DeriveError, ExpressionError, ValuesInvalidError
from bundler.model.values import LayerKind
from tests.unit.values.builders import bundle, component, compute, layer, of

DB_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "host": {"type": "string"},
        "port": {"type": "integer", "default": 5432},
        "replicas": {"type": "integer"},
        "auth": {"type": "object", "properties": {"user": {"type": "string"}, "password": {"writeOnly": True}}},
    },
}


def test_each_layer_wins_over_those_below() -> None:
    schema = {"properties": {key: {"default": "schema"} for key in "abcde"}}
    made = bundle(
        "b: defaults\nc: defaults\nd: defaults\ne: defaults", schema=schema, derive={"c": "'derived'", "d": "'derived'"}
    )
    merged = compute(made, layer("d: site\ne: site", LayerKind.SITE, "site.yaml"), layer("e: file"), sets=["e=set"])
    assert merged.data == {"a": "schema", "b": "defaults", "c": "derived", "d": "site", "e": "set"}
    assert {pointer: str(origin.kind) for pointer, origin in merged.origins.items()} == {
        "/a": "schema", "/b": "defaults", "/c": "derived", "/d": "site", "/e": "set",
    }  # fmt: skip


def test_a_component_takes_what_its_parent_says_then_what_the_component_entry_says() -> None:
    db = bundle("host: own\nreplicas: 1\nauth: {user: own}", name="db", schema=DB_SCHEMA)
    spec = component("db", values={"host": "{{ release.name }}-db", "auth": {"user": "{{ values.owner }}"}})
    made = bundle("owner: app\ndb: {replicas: 2}", components={"db": db}, specs=[spec])
    merged = compute(made, sets=["db.replicas=3", "db.auth.password=s"])
    assert of(merged, "db").data == {
        "port": 5432, "host": "shop-db", "replicas": 3, "auth": {"user": "app", "password": "s"},
    }  # fmt: skip
    assert merged.data["db"] == {"replicas": 3, "auth": {"password": "s"}}


def test_a_text_of_one_expression_keeps_its_type_below_lists_too() -> None:
    db = bundle("port: 1\nlist: []\ntext: x", name="db")
    spec = component(
        "db", values={"port": "{{ values.base + 1 }}", "list": ["{{ values.base }}"], "text": "p{{ values.base }}"}
    )
    made = bundle("base: 10", components={"db": db}, specs=[spec])
    assert of(compute(made), "db").data == {"port": 11, "list": [10], "text": "p10"}


def test_a_parents_derived_value_reaches_the_component_and_the_user_still_wins() -> None:
    db = bundle("replicas: 1", name="db", schema=DB_SCHEMA)
    made = bundle("qps: 1000", components={"db": db}, derive={"db.replicas": "(values.qps / 250) | ceil"})
    merged = compute(made)
    assert of(merged, "db").data["replicas"] == 4
    assert of(merged, "db").origins["/replicas"].detail == "(values.qps / 250) | ceil"
    assert of(compute(made, sets=["db.replicas=9"]), "db").data["replicas"] == 9


def test_a_component_switched_off_is_neither_checked_nor_in_the_result() -> None:
    cache = bundle("", name="cache", schema={"properties": {"size": {"type": "integer"}}, "required": ["size"]})
    made = bundle(
        "cache: {enabled: true, size: many}", components={"cache": cache},
        specs=[component("cache", when="values.cache.enabled")],
    )  # fmt: skip
    with pytest.raises(ValuesInvalidError):
        compute(made)
    assert compute(made, sets=["cache.enabled=false"]).components == {}


def test_the_parents_switch_is_not_passed_to_a_component_that_does_not_know_it() -> None:
    closed = bundle("size: 1", name="cache", schema={"properties": {"size": {"type": "integer"}}})
    knowing = bundle("", name="cache", schema={"properties": {"enabled": {"type": "boolean"}}})
    for inner, expected in ((closed, {"size": 1}), (knowing, {"enabled": True})):
        made = bundle("cache: {enabled: true}", components={"cache": inner})
        merged = compute(made)
        assert of(merged, "cache").data == expected
        assert merged.data["cache"] == {"enabled": True}


@pytest.mark.parametrize("when", ["values.mode", "1", "'yes'", "none"])
def test_a_switch_must_be_true_or_false(when: str) -> None:
    made = bundle("mode: on", components={"c": bundle("", name="c")}, specs=[component("c", when=when)])
    with pytest.raises(ExpressionError) as caught:
        compute(made)
    assert caught.value.context[0].startswith("bundle.yaml:10: ")


def test_null_deletes_a_components_own_default() -> None:
    db = bundle("host: own\nauth: {user: a, password: b}", name="db")
    merged = compute(bundle("", components={"db": db}), layer("db: {auth: {password: null}, host: null, none: null}"))
    assert of(merged, "db").data == {"auth": {"user": "a"}}


def test_derived_values_are_computed_in_the_order_they_need() -> None:
    made = bundle("a: 1", derive={"d": "values.c + 1", "c": "values.b + 1", "b": "values.a + 1"})
    assert compute(made).data == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert compute(made, layer("c: 10")).data == {"a": 1, "b": 2, "c": 10, "d": 11}


def test_two_formulas_do_not_take_away_what_the_other_made() -> None:
    made = bundle("x: 1", derive={"a": "values.x", "a.b": "2"})
    with pytest.raises(DeriveError, match=r"a\.b") as caught:
        compute(made)
    assert caught.value.context[0].endswith("a.b is below a, which is derived too and no mapping")
    assert compute(bundle("x: {c: 1}", derive={"a": "values.x", "a.b": "2"})).data["a"] == {"c": 1, "b": 2}


def test_a_cycle_of_derived_values_names_its_chain() -> None:
    made = bundle("x: 1", derive={"x": "1", "a": "values.b", "b": "values.c.deep", "c": "values.a"})
    with pytest.raises(DeriveError) as caught:
        compute(made)
    assert caught.value.context[0].endswith(": a → b → c → a")
    assert "  bundle.yaml:22: b: values.c.deep" in caught.value.context


def test_a_derived_leaf_that_the_user_deletes_stays_deleted() -> None:
    made = bundle("qps: 1", derive={"web.max": "values.qps * 2", "web.min": "1"})
    assert compute(made, layer("web: {max: null}")).data == {"qps": 1, "web": {"min": 1}}
    assert compute(made, layer("web: null")).data == {"qps": 1}


def test_a_derived_mapping_is_merged_under_what_the_user_gave() -> None:
    made = bundle(
        "x: 1", derive={"limits": "{'cpu': 1, 'memory': 2}", "sum": "values.limits.cpu + values.limits.memory"}
    )
    assert compute(made, layer("limits: {cpu: 5}")).data == {"x": 1, "limits": {"cpu": 5, "memory": 2}, "sum": 7}


def test_a_formula_that_fails_names_its_line() -> None:
    with pytest.raises(DeriveError) as caught:
        compute(bundle("a: 1", derive={"b": "values.nothing + 1"}))
    assert str(caught.value) == "computing the derived value b"
    assert caught.value.context[0].startswith("bundle.yaml:20: ")


def test_a_formula_that_fails_on_a_wrong_value_leaves_the_word_to_the_value() -> None:
    made = bundle(
        "qps: 1",
        schema={"properties": {"qps": {"type": "integer"}, "b": {}}, "required": ["b"]},
        derive={"b": "values.qps * 2.5 / 'x'"},
    )
    with pytest.raises(ValuesInvalidError) as caught:
        compute(made, layer("qps: fast"))
    assert caught.value.context == ('/qps: "fast" must be integer  (prod.yaml:1)',)


def test_items_of_lists_and_of_free_keys_get_the_defaults_of_their_schema() -> None:
    item = {"type": "object", "properties": {"port": {"default": 80}, "name": {}}}
    schema = {"properties": {"list": {"type": "array", "items": item}, "map": {"additionalProperties": item}}}
    made = bundle("list: [{name: a}, {name: b, port: 1}]\nmap: {x: {}, y: {port: null}}", schema=schema)
    assert compute(made).data == {
        "list": [{"port": 80, "name": "a"}, {"port": 1, "name": "b"}], "map": {"x": {"port": 80}, "y": {}},
    }  # fmt: skip


def test_a_patch_of_a_list_keeps_its_siblings() -> None:
    db = bundle("hosts: [{name: a, w: 1}, {name: b, w: 2}]", name="db")
    made = bundle("list: [1, 2, 3]", components={"db": db})
    merged = compute(made, layer("list: [4, 5]"), sets=["list[1]=6", "db.hosts[name=b].w=9", "db.hosts[0].name=z"])
    assert merged.data["list"] == [4, 6]
    assert of(merged, "db").data == {"hosts": [{"name": "z", "w": 1}, {"name": "b", "w": 9}]}
    origins = {pointer: str(origin) for pointer, origin in of(merged, "db").origins.items()}
    assert origins["/hosts/0/w"] == "db/values.yaml:1"
    assert origins["/hosts/1/w"] == "--set db.hosts[name=b].w=9"


def test_deprecated_values_are_warned_of_when_somebody_sets_them() -> None:
    schema = {"properties": {"old": {"deprecated": True, "description": "use new"}, "new": {}}}
    made = bundle("old: 1", components={"db": bundle("old: 1", name="db", schema=schema)}, schema=schema)
    assert compute(made).warnings == ()
    assert compute(made, layer("old: 2"), sets=["db.old=3"]).warnings == (
        "old is deprecated (prod.yaml:1): use new",
        "db.old is deprecated (--set db.old=3): use new",
    )


def test_components_of_components_are_computed_and_checked() -> None:
    leaf = bundle("port: 1", name="leaf", schema={"properties": {"port": {"type": "integer"}}})
    middle = bundle("leaf: {port: 2}", name="middle", components={"leaf": leaf})
    top = bundle("", components={"middle": middle})
    merged = compute(top, sets=["middle.leaf.port=3"])
    assert of(of(merged, "middle"), "leaf").data == {"port": 3}
    with pytest.raises(ValuesInvalidError) as caught:
        compute(top, layer("middle: {leaf: {prt: 3}}"))
    assert caught.value.context == (
        '/middle/leaf/prt: unknown key "middle.leaf.prt"; did you mean "middle.leaf.port"?  (prod.yaml:1)',
    )


def test_a_component_that_is_given_no_mapping_is_an_error() -> None:
    made = bundle("", components={"db": bundle("", name="db")})
    with pytest.raises(ValuesInvalidError) as caught:
        compute(made, layer("db: 5"))
    assert caught.value.context == ("/db: 5 must be a mapping: these are the values of component db  (prod.yaml:1)",)


def test_computing_leaves_the_layers_alone() -> None:
    given = layer("db: {a: {b: 1}}\nlist: [{a: null}]")
    made = bundle("db: {a: {c: 1}}\nlist: []", components={"db": bundle("a: {d: 1}", name="db")})
    first = compute(made, given)
    assert given.data == {"db": {"a": {"b": 1}}, "list": [{"a": None}]}
    assert compute(made, given) == first


def test_every_error_has_context_and_hint() -> None:
    broken = [
        lambda: compute(bundle("a: 1", derive={"a.b[0]": "1"})),
        lambda: compute(bundle("a: 1", derive={"b": "1 +"})),
        lambda: compute(bundle("a: 1"), sets=["a[0]=1"]),
        lambda: compute(bundle("a: 1"), json=["a={"]),
        lambda: compute(bundle("a: 1"), sets=["b=1"]),
    ]
    for provoke in broken:
        with pytest.raises(BundlerError) as caught:
            provoke()
        assert caught.value.context
        assert caught.value.hint
