"""What the user gave: typed, recorded, taken back, compared and explained."""

from __future__ import annotations

import pytest

from bundler.errors.bundle import ValuesInvalidError, ValuesPathError
from bundler.model.values import AssignmentKind, UserLayers
from bundler.values.assignments import parse_assignment
from bundler.values.changes import changed_user_values
from bundler.values.compute import compute_values
from bundler.values.explain import explain
from bundler.values.flatten import mask_values, whole_data
from bundler.values.user import fold_user_values, recorded_layer
from tests.unit.values.builders import RELEASE, bundle, changes_between, compute, layer, of, user

SCHEMA = {
    "properties": {
        "qps": {"type": "integer"},
        "name": {"type": "string"},
        "password": {"type": "string", "writeOnly": True},
        "ttl": {"default": 60},
        "list": {"type": "array"},
    }
}
SHOP = bundle("qps: 500\nlist: [1, 2]", schema=SCHEMA, components={"db": bundle("size: 1\nold: 2", name="db")})


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a=b", "a", "b"),
        ("a=", "a", ""),
        ("a=b=c", "a", "b=c"),
        ("a=x,y={1,2}", "a", "x,y={1,2}"),
        ("dir=C:\\a\\b", "dir", "C:\\a\\b"),
        ('a["x=y"].b=1', 'a["x=y"].b', "1"),
        ("list[name=web].f= 1 ", "list[name=web].f", " 1 "),
        ("a=line\nline", "a", "line\nline"),
    ],
)
def test_one_option_is_one_assignment_and_its_text_is_literal(text: str, path: str, value: str) -> None:
    assignment = parse_assignment(text)
    assert (assignment.path, assignment.text) == (path, value)


@pytest.mark.parametrize("text", ["qps", "=1", "a..b=1", "a.b"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ValuesPathError):
        parse_assignment(text)


@pytest.mark.parametrize("kind", AssignmentKind)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pass:s3cret-Word", "pass…"),
        ("db.pass[0]:s3cret-Word", "db.pass[0]:"),
        ("pass:s3cret-Word and more", "pass…"),
        ('pass:s3cret-Word"=1', "pass…"),
        ("", ""),
        ("~s3cret-Word", "…"),
    ],
)
def test_a_word_without_a_value_shows_no_more_than_the_start_of_its_path(
    kind: AssignmentKind, text: str, shown: str
) -> None:
    with pytest.raises(ValuesPathError) as caught:
        parse_assignment(text, kind=kind)
    said = "\n".join([str(caught.value), *caught.value.context, caught.value.hint])
    assert "s3cret-Word" not in said
    assert str(caught.value).endswith(shown)


def test_a_value_of_the_wrong_type_names_option_path_and_schema() -> None:
    with pytest.raises(ValuesInvalidError) as caught:
        compute(SHOP, sets=["qps=fast", "list=1"], json=["name={"])
    assert caught.value.context == (
        "--set list=1: list must be array (schema values.schema.json#/properties/list)",
        "--set qps=fast: qps must be integer (schema values.schema.json#/properties/qps)",
        "--set-json name={: not JSON: Expecting property name enclosed in double quotes at line 1 column 2",
    )


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "NaN", "[1", "[" * 200 + "]" * 200])
def test_json_that_says_two_things_or_none_is_refused(text: str) -> None:
    with pytest.raises(ValuesInvalidError) as caught:
        compute(bundle("v: 1"), json=[f"v={text}"])
    assert "not JSON: " in caught.value.context[0]


def test_json_merges_as_a_layer_does() -> None:
    made = bundle("v: {a: 1, b: 2}")
    assert compute(made, json=['v={"b": null, "c": [1.5, 12345678901234567890]}']).data == {
        "v": {"a": 1, "c": [1.5, 12345678901234567890]}
    }


def test_content_of_files_and_variables_is_text_unless_the_schema_asks_otherwise() -> None:
    def given(kind: AssignmentKind, path: str, content: str) -> object:
        assignment = parse_assignment(f"{path}=here", kind=kind, content=content)
        merged = compute_values(SHOP, UserLayers(assignments=(assignment,)))
        assert str(merged.origins[f"/{path}"]) == f"{kind} {path}=here"
        return merged.data[path]

    assert given(AssignmentKind.FILE, "name", "5\n") == "5\n"
    assert given(AssignmentKind.FILE, "qps", "5\n") == 5
    assert given(AssignmentKind.FILE, "ttl", "5") == "5"
    assert given(AssignmentKind.ENV, "qps", "5") == 5
    assert given(AssignmentKind.ENV, "password", "s3cret-word") == "s3cret-word"


def test_what_is_recorded_is_one_mapping_with_nulls_for_deletions() -> None:
    given = user(layer("qps: 700\ndb: {old: null}"), layer("name: null"), sets=["list[1]=5", "db.size=3"])
    assert fold_user_values(SHOP, given).data == {
        "qps": 700,
        "db": {"old": None, "size": 3},
        "name": None,
        "list": [1, 5],
    }


def test_recorded_values_go_under_what_is_given_now() -> None:
    first = compute(SHOP, sets=["qps=700", "db.size=3"])
    again = compute_values(SHOP, user(recorded_layer(first.user.data, 6), sets=["qps=800"]))
    assert again.data["qps"] == 800
    assert of(again, "db").data["size"] == 3
    assert str(of(again, "db").origins["/size"]) == "recorded with revision 6"
    assert again.user.data == {"qps": 800, "db": {"size": 3}}


def test_unset_drops_a_recorded_override() -> None:
    recorded = recorded_layer({"qps": 700, "db": {"size": 3, "old": None}}, 1)
    merged = compute_values(SHOP, user(recorded, unset=["qps", "db.old"]))
    assert merged.data["qps"] == 500
    assert merged.user.data == {"db": {"size": 3}}


@pytest.mark.parametrize(
    ("paths", "lines"),
    [
        (["qqs"], ['unknown key "qqs"; did you mean "qps"?', "recorded here: qps"]),
        (["zzz"], ['unknown key "zzz"', "recorded here: qps"]),
        (["list[0]"], ["a list is recorded as a whole"]),
        (["qps", "nmae"], ['unknown key "nmae"; did you mean "name"?', "recorded here: nothing"]),
    ],
)
def test_unsetting_what_cannot_be_unset_says_why(paths: list[str], lines: list[str]) -> None:
    with pytest.raises(ValuesPathError) as caught:
        fold_user_values(SHOP, user(recorded_layer({"qps": 700}, 1), unset=paths))
    assert list(caught.value.context) == lines


def test_unsetting_what_is_not_recorded_is_said_and_no_error() -> None:
    folded = fold_user_values(SHOP, user(recorded_layer({"db": {"size": 3}}, 1), unset=["qps", "db.size", "db.size"]))
    assert folded.data == {}
    assert folded.notices == ("--unset qps: nothing is recorded there", "--unset db.size: nothing is recorded there")


INNER = bundle("size: 64\n", name="cache", schema={"properties": {"size": {"type": "integer"}}})
MENU = bundle("qps: 1\n", components={"cache": INNER}, derive={"replicas": "values.qps"})


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        ("qps", ""),
        ("replicas", ""),
        ("cache", ""),
        ("cache.size", ""),
        ("cache.sise", 'unknown key "cache.sise"; did you mean "cache.size"?'),
        ("cahce.size", 'unknown key "cahce"; did you mean "cache"?'),
    ],
)
def test_what_may_be_unset_is_what_the_bundle_or_a_component_knows(path: str, unknown: str) -> None:
    given = user(recorded_layer({}, 1), unset=[path])
    if not unknown:
        assert fold_user_values(MENU, given).notices == (f"--unset {path}: nothing is recorded there",)
        return
    with pytest.raises(ValuesPathError) as caught:
        fold_user_values(MENU, given)
    assert caught.value.context[0] == unknown
    assert str(caught.value) == f"removing {path} from the recorded values"


def test_unset_needs_recorded_values() -> None:
    with pytest.raises(ValuesPathError) as caught:
        fold_user_values(SHOP, user(layer("qps: 1"), unset=["qps"]))
    assert caught.value.context == ("this run does not start from recorded values",)
    assert "a site file" in caught.value.hint  # which starts afresh, as a values file does


def test_every_path_that_leads_nowhere_is_told_at_once() -> None:
    with pytest.raises(ValuesPathError) as caught:
        compute(SHOP, sets=["list[7]=1", "qps[0]=1"])
    assert caught.value.context == (
        "following the path list[7]: list: it has 2 items, the first is number 0",
        "following the path qps[0]: qps: it is not a list",
    )


def test_a_deletion_that_a_bundle_no_longer_needs_is_no_error() -> None:
    closed = bundle("", schema=SCHEMA)
    assert compute_values(closed, user(recorded_layer({"gone": None}, 1))).data == {"ttl": 60}
    with pytest.raises(ValuesInvalidError):
        compute_values(closed, user(recorded_layer({"gone": 1}, 1)))


def test_changes_name_the_values_and_the_layer_that_made_them() -> None:
    before = compute(SHOP, sets=["password=first-secret", "db.old=9"])
    newer = bundle(
        "qps: 500\nlist: [1, 2, 3]", schema=SCHEMA, derive={"db.size": "values.qps / 100"},
        components={"db": bundle("size: 1\nextra: {a: 1}", name="db")},
    )  # fmt: skip
    after = compute(newer, layer("name: x"), sets=["qps=1000", "password=second-secret"])
    assert changes_between(before, after) == (
        "db.old=9 is gone",
        "db.size=10.0 is new (derived)",
        "list [1, 2]→[1, 2, 3] (bundle, values.yaml:2)",
        'name="x" is new (prod.yaml:1)',
        "password changed (--set)",
        "qps 500→1000 (--set)",
    )  # fmt: skip
    assert changes_between(after, after) == ()


def test_changes_of_what_the_user_gave_are_told_without_the_old_bundle() -> None:
    after = compute(SHOP, layer("name: null"), sets=["qps=1000", "password=second-secret"])
    changes = changed_user_values({"qps": 500, "password": "first-secret", "db": {"size": 2}}, after)
    assert [str(change) for change in changes] == [
        "db.size=2 is gone",
        "name deleted (prod.yaml:1)",
        "password changed (--set)",
        "qps 500→1000 (--set)",
    ]


def test_true_is_not_one_and_a_changed_spelling_is_a_change() -> None:
    made = bundle("a: 1\nb: 1.1")
    assert changes_between(compute(made), compute(made, layer("a: true\nb: 1.10"))) == (
        "a 1→true (prod.yaml:1)",
        "b 1.1→1.10 (prod.yaml:2)",
    )


def test_the_order_of_keys_inside_a_list_is_no_change() -> None:
    made = bundle('list: [{name: web, image: "a:1", sizes: [{x: 1, y: 1.10}]}]')
    same = layer('list: [{sizes: [{y: 1.10, x: 1}], image: "a:1", name: web}]')
    assert changes_between(compute(made), compute(made, same)) == ()
    respelled = layer('list: [{name: web, image: "a:1", sizes: [{x: 1, y: 1.1}]}]')
    assert changes_between(compute(made), compute(made, respelled)) != ()


def test_a_change_inside_a_long_list_is_named_where_it_is() -> None:
    lines = ", ".join(f'{{name: part-{number}, image: "registry.example/part:{number}"}}' for number in range(3))
    before = compute(bundle(f"parts: [{lines}]"))
    after = compute(bundle(f"parts: [{lines}]"), layer(f"parts: [{lines.replace('part:1', 'part:9')}]"))
    assert changes_between(before, after) == (
        'parts[1].image "registry.example/part:1"→"registry.example/part:9" (prod.yaml:1)',
    )
    longer = compute(bundle(f"parts: [{lines}]"), layer(f"parts: [{lines}, {{name: more}}]"))
    assert changes_between(before, longer) == ("parts 3 items→4 items (prod.yaml:1)",)


def test_a_change_inside_a_list_shows_no_secret() -> None:
    schema = {"properties": {"users": {"items": {"properties": {"name": {}, "password": {"writeOnly": True}}}}}}
    made = bundle(f"users: [{{name: {'a' * 70}, password: old-secret}}]", schema=schema)
    after = compute(made, layer(f"users: [{{name: {'b' * 70}, password: new-secret}}]"))
    assert changes_between(compute(made), after) == ("users changed (prod.yaml:1)",)


def test_explain_names_layer_line_formula_and_what_was_overridden() -> None:
    made = bundle(
        "qps: 500\nlist: [1, 2]", schema=SCHEMA, derive={"db.size": "values.qps * 2"},
        components={"db": bundle("size: 1\nold: 2", name="db")},
    )  # fmt: skip
    merged = compute(made, layer("qps: 700\ndb: {old: null}"), sets=["qps=1000", "password=s3cret-word"])
    rows = {row.path: row for row in explain(merged)}
    assert list(rows) == ["db.old", "db.size", "list", "password", "qps", "ttl"]
    qps = rows["qps"]
    assert (qps.value, qps.layer, qps.source) == ("1000", "set", "--set qps=1000")
    assert [(said.source, said.value) for said in qps.overridden] == [("prod.yaml:1", "700"), ("values.yaml:1", "500")]
    size = rows["db.size"]
    assert (size.value, size.layer, size.source, size.formula) == (
        "2000",
        "derived",
        "bundle.yaml:20",
        "values.qps * 2",
    )
    assert (rows["db.old"].value, rows["db.old"].source) == ("deleted", "prod.yaml:2")
    assert (rows["password"].value, rows["password"].source) == ("***", "--set password=***")
    assert (rows["ttl"].layer, rows["ttl"].source) == ("schema", "values.schema.json")
    assert [row.path for row in explain(merged, "db")] == ["db.old", "db.size"]
    assert [row.path for row in explain(merged, "list[0]")] == ["list"]


def test_explaining_what_is_not_there_suggests_what_is() -> None:
    with pytest.raises(ValuesPathError) as caught:
        explain(compute(SHOP), "qqps")
    assert caught.value.context == ("no layer sets qqps; did you mean qps?",)


def test_the_whole_of_the_values_is_shown_with_components_in_place_and_secrets_masked() -> None:
    merged = compute(SHOP, sets=["password=s3cret-word", "db.size=3"])
    whole = {"ttl": 60, "qps": 500, "list": [1, 2], "password": "***", "db": {"size": 3, "old": 2}}
    assert whole_data(merged) == whole
    assert whole_data(merged, is_masked=False)["password"] == "s3cret-word"
    assert mask_values(merged.user.data, merged.user.sensitive) == {"password": "***", "db": {"size": 3}}


def test_names_reach_expressions() -> None:
    made = bundle("a: 1", derive={"host": "release.name ~ '-db'"})
    assert compute_values(made, UserLayers(), names=RELEASE).data["host"] == "shop-db"
