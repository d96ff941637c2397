"""List operators of values files: `key+:`, `key[name=x]:`, `key[2]:`."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.errors.bundle import ValuesInvalidError, ValuesPathError
from bundler.model.values import LayerKind, UserLayers
from bundler.values.compute import compute_values
from bundler.values.explain import explain
from bundler.values.list_operators import readings
from bundler.values.schema_view import bundle_view
from bundler.values.user import recorded_layer
from tests.unit.values.builders import bundle, changes_between, compute, layer, of, user

VALUES = """\
args: [a, b]
deep: {list: [1]}
web:
  - name: front
    image: nginx:1
    ports: [80]
    env: {A: "1", B: "2"}
  - name: back
    image: api:1
matrix: [[1, 2], [3]]
text: x
"""
SHOP = bundle(VALUES, components={"db": bundle("flags: [-v]\nusers: [{name: app, size: 1}]", name="db")})
FRONT: dict[str, Any] = {"name": "front", "image": "nginx:1", "ports": [80], "env": {"A": "1", "B": "2"}}
BACK: dict[str, Any] = {"name": "back", "image": "api:1"}


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("args+: [c]", {"args": ["a", "b", "c"]}),
        ("args+: []", {"args": ["a", "b"]}),
        ("args: [z]\nargs+: [c]", {"args": ["z", "c"]}),
        ("args+: [c]\nargs: [z]", {"args": ["z", "c"]}),
        ("args: null\nargs+: [c]", {"args": ["c"]}),
        ("args[0]: z", {"args": ["z", "b"]}),
        ("args[1]: {x: 1}", {"args": ["a", {"x": 1}]}),
        ("args[0]: null", {"args": ["b"]}),
        ("args+: [c]\nargs[0]: null", {"args": ["b", "c"]}),
        ("deep: {list+: [2, 3]}", {"deep": {"list": [1, 2, 3]}}),
        ("deep: {other+: [2]}", {"deep": {"list": [1], "other": [2]}}),
        ("web[name=front]: {image: nginx:2}", {"web": [{**FRONT, "image": "nginx:2"}, BACK]}),
        ("web[name=front]: {env: {B: null, C: '3'}}", {"web": [{**FRONT, "env": {"A": "1", "C": "3"}}, BACK]}),
        ("web[name=front]: {ports+: [443]}", {"web": [{**FRONT, "ports": [80, 443]}, BACK]}),
        ('web[name=front]: {"ports[0]": 8080}', {"web": [{**FRONT, "ports": [8080]}, BACK]}),
        ("web[name=back]: null", {"web": [FRONT]}),
        ("web[name=back]: gone", {"web": [FRONT, "gone"]}),
        ("web[1]: {name: new}\nweb[name=new]: {a: 1}", {"web": [FRONT, {"name": "new", "image": "api:1", "a": 1}]}),
        ("web+: [{name: third}]\nweb[name=back]: {a: 1}", {"web": [FRONT, {**BACK, "a": 1}, {"name": "third"}]}),
        ("matrix[0][1]: 9", {"matrix": [[1, 9], [3]]}),
        ("matrix[1]+: [4]", {"matrix": [[1, 2], [3, 4]]}),
    ],
)
def test_an_operator_changes_the_merged_list(text: str, changed: dict[str, Any]) -> None:
    merged = compute(SHOP, layer(text))
    assert merged.data == {**compute(SHOP).data, **changed}


def test_operators_see_the_files_below_them_and_set_sees_theirs() -> None:
    low, high = layer("args+: [c]", LayerKind.SITE, "acme.yaml"), layer("args+: [d]\nargs[2]: C")
    assert compute(SHOP, low, high, sets=["args[3]=D"]).data["args"] == ["a", "b", "C", "D"]


def test_operators_reach_into_components() -> None:
    merged = compute(SHOP, layer("db:\n  flags+: [-x]\n  users[name=app]: {size: 2}"))
    assert of(merged, "db").data == {"flags": ["-v", "-x"], "users": [{"name": "app", "size": 2}]}
    assert merged.user.data == {"db": {"flags": ["-v", "-x"], "users": [{"name": "app", "size": 2}]}}


def test_what_is_recorded_is_the_whole_list_as_it_was() -> None:
    merged = compute(SHOP, layer("args+: [c]\nweb[name=back]: {image: api:2}"))
    assert merged.user.data == {"args": ["a", "b", "c"], "web": [FRONT, {**BACK, "image": "api:2"}]}
    newer = bundle(VALUES.replace("[a, b]", "[a, b, new]"), components=SHOP.component_bundles)
    again = compute_values(newer, UserLayers(layers=(recorded_layer(merged.user.data, 1),)))
    assert again.data["args"] == ["a", "b", "c"]


def test_a_file_over_recorded_values_appends_to_what_is_recorded() -> None:
    merged = compute(SHOP, recorded_layer({"args": ["a", "b", "c"]}, 1), layer("args+: [c]"))
    assert merged.data["args"] == ["a", "b", "c", "c"]


def test_a_recorded_key_of_that_spelling_is_itself() -> None:
    made = bundle("args: [a]\n'x+': 1")
    merged = compute_values(made, UserLayers(layers=(recorded_layer({"x+": [2]}, 1),)))
    assert merged.data == {"args": ["a"], "x+": [2]}


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"properties": {"x+": {"type": "array"}, "x": {"type": "array"}}}, "x: [1]"),
        ({"additionalProperties": {"type": ["string", "integer"]}}, "x: one"),
        ({"patternProperties": {"^x": {"type": "integer"}}}, ""),
        (None, "'x+': 0\nx: [1]"),
    ],
)
def test_a_key_that_the_bundle_knows_by_that_spelling_is_itself(schema: dict[str, Any] | None, values: str) -> None:
    given = "[5]" if schema and "properties" in schema else "5"
    merged = compute(bundle(values, schema=schema), layer(f"x+: {given}"))
    assert merged.data["x+"] == ([5] if given == "[5]" else 5)


def test_free_keys_that_may_hold_lists_have_operators() -> None:
    made = bundle("m: {x: [1]}", schema={"properties": {"m": {"additionalProperties": {"type": "array"}}}})
    assert compute(made, layer("m: {x+: [2]}")).data == {"m": {"x": [1, 2]}}


@pytest.mark.parametrize("text", ["+: 1", "'[0]': 1", "'x[-1]': 1", "'x[a]': 1", "'x[a.b=c]': 1", "'x]': 1"])
def test_what_is_not_spelled_as_an_operator_is_a_key(text: str) -> None:
    made = bundle("x: [1]", schema={"additionalProperties": True})
    assert len(compute(made, layer(text)).data) == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nargs[2]: z", "prod.yaml:2: args: it has 2 items, the first is number 0"),
        ("web[name=bakc]: {}", "prod.yaml:1: web: no item has name=bakc (there are: back, front)"),
        ("args[name=a]: {}", "prod.yaml:1: args: no item has name=a (there are: none)"),
        ("text+: [a]", "prod.yaml:1: text: it is not a list"),
        ("text[0]: a", "prod.yaml:1: text: it is not a list"),
        ("nothing[0]: a", "prod.yaml:1: nothing: it is not set"),
        ("args+: c", "prod.yaml:1: args: args+ appends, and its value is not a list"),
        ("args+:", "prod.yaml:1: args: args+ appends, and its value is not a list"),
        ("deep:\n  list+: {a: 1}", "prod.yaml:2: deep.list: list+ appends, and its value is not a list"),
        ("web[0]:\n  ports[5]: 1", "prod.yaml:1: web[0].ports: it has 1 item, the first is number 0"),
        ("web[0]:\n  image+: [1]", "prod.yaml:1: web[0].image: it is not a list"),
        ("db:\n  flags[7]: 1", "prod.yaml:2: db.flags: it has 1 item, the first is number 0"),
        ("db+: [1]", "prod.yaml:1: db: it is not a list"),
    ],
)
def test_an_operator_that_cannot_be_followed_is_told_with_file_and_line(text: str, line: str) -> None:
    with pytest.raises(ValuesPathError) as caught:
        compute(SHOP, layer(text))
    assert caught.value.context == (line,)
    assert caught.value.hint


def test_every_operator_that_cannot_be_followed_is_told_at_once() -> None:
    with pytest.raises(ValuesPathError) as caught:
        compute(SHOP, layer("args[5]: 1\ntext+: [1]\nargs+: [c]"), sets=["args[9]=1"])
    assert caught.value.context == (
        "changing the list args: prod.yaml:1: args: it has 2 items, the first is number 0",
        "changing the list text: prod.yaml:2: text: it is not a list",
        "following the path args[9]: args: it has 3 items, the first is number 0",
    )


def test_two_items_of_one_name_are_no_choice() -> None:
    with pytest.raises(ValuesPathError) as caught:
        compute(bundle("l: [{n: 1}, {n: 1}]"), layer("l[n=1]: {a: 1}"))
    assert caught.value.context == ("prod.yaml:1: l: 2 items have n=1",)


def test_a_mistyped_list_is_an_unknown_key() -> None:
    with pytest.raises(ValuesInvalidError) as caught:
        compute(SHOP, layer("agrs+: [c]"))
    assert 'unknown key "agrs"; did you mean "args"?' in caught.value.context[0]
    assert "prod.yaml:1" in caught.value.context[0]


@pytest.mark.parametrize("given", [{"layers": ("list+: [9]",)}, {"sets": ("list[0]=9",)}])
def test_a_derived_list_is_not_changed_in_part(given: dict[str, Any]) -> None:
    made = bundle("n: 1\nlist: [0]", derive={"list": "[values.n]"})
    with pytest.raises(ValuesPathError) as caught:
        compute(made, *map(layer, given.get("layers", ())), sets=given.get("sets", ()))
    assert "list: it is derived (bundle.yaml:20: [values.n])" in caught.value.context[0]
    given_whole = compute(made, layer("list: [7]"), *map(layer, given.get("layers", ())), sets=given.get("sets", ()))
    assert given_whole.data["list"] in ([7, 9], [9])


def test_origins_name_the_line_of_what_was_changed_and_older_parts_keep_theirs() -> None:
    merged = compute(SHOP, layer("args+: [c]\nweb[name=front]:\n  image: nginx:2\n  ports+: [443]"), sets=["args[0]=z"])
    shown = {pointer: str(origin) for pointer, origin in merged.origins.items()}
    assert shown["/args/0"] == "--set args[0]=z"
    assert shown["/args/1"] == "values.yaml:1"
    assert shown["/args/2"] == "prod.yaml:1"
    assert shown["/web/0/image"] == "prod.yaml:3"
    assert shown["/web/0/name"] == "values.yaml:4"
    assert shown["/web/0/ports/0"] == "values.yaml:6"
    assert shown["/web/0/ports/1"] == "prod.yaml:4"
    assert shown["/web/1/name"] == "values.yaml:8"


def test_origins_move_up_with_their_items_when_one_goes() -> None:
    for given in (
        compute(SHOP, layer("args[0]: null\nargs+: [c]")),
        compute(SHOP, layer("args+: [c]"), sets=["args[0]=null"]),
    ):
        assert given.data["args"] == ["b", "c"]
        assert [str(given.origins[f"/args/{index}"]) for index in (0, 1)] == [
            "values.yaml:1",
            f"prod.yaml:{given.origins['/args/1'].line}",
        ]


def test_explain_shows_the_parts_of_a_list_that_several_made() -> None:
    merged = compute(SHOP, layer("args+: [c]\nweb[name=back]:\n  image: api:2\ndb:\n  flags+: [-x]"))
    rows = [(row.path, row.value, row.source) for row in explain(merged)]
    assert [row for row in rows if row[0].startswith(("args", "web[1]", "db.flags"))] == [
        ("args", '["a", "b", "c"]', "prod.yaml:1"),
        ("args[0]", '"a"', "values.yaml:1"),
        ("args[1]", '"b"', "values.yaml:1"),
        ("args[2]", '"c"', "prod.yaml:1"),
        ("db.flags", '["-v", "-x"]', "prod.yaml:5"),
        ("db.flags[0]", '"-v"', "db/values.yaml:1"),
        ("db.flags[1]", '"-x"', "prod.yaml:5"),
        ("web[1].name", '"back"', "values.yaml:8"),
        ("web[1].image", '"api:2"', "prod.yaml:3"),
    ]
    assert ("web[0]", "4 items", "values.yaml:4") in rows
    assert [row.path for row in explain(merged, "args[2]")] == ["args", "args[2]"]
    assert [row.path for row in explain(merged, "web[name=back].image")] == [
        "web",
        "web[0]",
        "web[1].name",
        "web[1].image",
    ]


def test_a_plan_says_who_changed_a_list() -> None:
    assert changes_between(compute(SHOP), compute(SHOP, layer("args+: [c]"))) == (
        'args ["a", "b"]→["a", "b", "c"] (prod.yaml:1)',
    )


SECRET = {
    "properties": {
        "users": {"items": {"properties": {"name": {}, "password": {"type": "string", "writeOnly": True}}}},
        "tokens": {"writeOnly": True},
    }
}


def test_secrets_in_operators_are_known_as_secrets() -> None:
    view = bundle_view(bundle("", schema=SECRET))
    data = layer("users+: [{password: one}]\nusers[name=a]: {password: two}\ntokens+: [three]").data
    assert list(readings(data, view)) == [
        {},
        {"users": [{"password": "two"}]},
        {"users": [{"password": "one"}]},
        {"tokens": ["three"]},
    ]


def test_secrets_are_masked_part_by_part() -> None:
    made = bundle("users: [{name: a, password: old-secret}]", schema=SECRET)
    merged = compute(made, layer("users+: [{name: b, password: new-secret}]"))
    assert "secret" not in repr(explain(merged))


@pytest.mark.parametrize(
    "given", [{"layers": ("users[password=old-secret]: {name: c}",)}, {"sets": ("users[password=x].name=c",)}]
)
def test_items_are_not_named_by_a_secret(given: dict[str, Any]) -> None:
    made = bundle("users: [{name: a, password: old-secret}]", schema=SECRET)
    with pytest.raises(ValuesPathError) as caught:
        compute_values(made, user(*map(layer, given.get("layers", ())), sets=given.get("sets", ())))
    assert "users: items cannot be named by password, which is a secret" in caught.value.context[0]
    assert "old-secret" not in f"{caught.value}{caught.value.context}{caught.value.hint}"
