"""Values that have a new path: carried over, or answered with a hint that works."""

import json

import pytest

from bundler.errors.bundle import ValuesInvalidError
from bundler.model.values import UserLayers
from bundler.values.assignments import parse_assignment
from bundler.values.compute import compute_values
from bundler.values.user import recorded_layer
from tests.lib.bundles import load_from, make_bundle

WEB = {"type": "object", "additionalProperties": False, "properties": {"replicas": {"type": "integer"}}}
OLD = {"type": "integer", "deprecated": True, "x-moved-to": "web.replicas"}
VALUES = "web: {replicas: 1}\n"


def bundle_with(parent, properties, **options):
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return load_from(make_bundle(parent, {"values.yaml": VALUES, "values.schema.json": json.dumps(schema)}, **options))


def values_of(bundle, recorded, *sets, unset=()):
    layers = (recorded_layer(recorded, 1),)
    return compute_values(
        bundle, UserLayers(layers=layers, assignments=tuple(map(parse_assignment, sets)), unset=unset)
    )


def test_what_was_recorded_is_carried_over_to_the_path_that_the_schema_names(tmp_path):
    merged = values_of(bundle_with(tmp_path, {"web": WEB, "replicas": OLD}), {"replicas": 3})
    assert merged.data == {"web": {"replicas": 3}}
    assert merged.user.data == {"web": {"replicas": 3}}
    assert merged.user.notices == ("replicas is now web.replicas: carried over",)
    assert not merged.warnings


def test_what_is_given_anew_wins_over_what_is_carried_over(tmp_path):
    bundle = bundle_with(tmp_path, {"web": WEB, "replicas": OLD})
    assert values_of(bundle, {"replicas": 3}, "web.replicas=5").data == {"web": {"replicas": 5}}


def test_a_new_path_that_is_recorded_too_is_not_written_over(tmp_path):
    bundle = bundle_with(tmp_path, {"web": WEB, "replicas": OLD})
    assert values_of(bundle, {"replicas": 3, "web": {"replicas": 2}}).data["web"] == {"replicas": 2}


def test_a_value_below_the_old_path_of_itself_can_move(tmp_path):
    old = {"oneOf": [{"type": "integer"}, WEB], "deprecated": True, "x-moved-to": "web.replicas"}
    assert values_of(bundle_with(tmp_path, {"web": old}), {"web": 3}).data == {"web": {"replicas": 3}}


def test_the_warning_about_a_deprecated_value_names_the_new_path(tmp_path):
    bundle = bundle_with(tmp_path, {"web": WEB, "replicas": OLD})
    assert values_of(bundle, {}, "replicas=3").warnings == (
        "replicas is deprecated (--set replicas=3): use web.replicas",
    )


def test_a_component_says_its_own_new_paths(tmp_path):
    schema = {"type": "object", "properties": {"web": WEB, "replicas": OLD}}
    root = make_bundle(tmp_path, components=[{"name": "cache", "bundle": "./cache"}])
    make_bundle(root, {"values.yaml": VALUES, "values.schema.json": json.dumps(schema)}, name="cache")
    merged = values_of(load_from(root), {"cache": {"replicas": 3}})
    assert merged.user.data == {"cache": {"web": {"replicas": 3}}}
    assert merged.user.notices == ("cache.replicas is now cache.web.replicas: carried over",)


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ({"replicas": 3}, "--unset replicas --set web.replicas=…"),
        ({"nodes": 3}, "--unset nodes --set NEW.NAME=…"),
        ({"nodes": {"a": 3}}, "--unset nodes --set NEW.NAME=…"),
    ],
)
def test_the_hint_about_a_recorded_value_that_is_no_longer_known_works(tmp_path, recorded, expected):
    bundle = bundle_with(tmp_path, {"web": WEB})
    with pytest.raises(ValuesInvalidError) as raised:
        values_of(bundle, recorded)
    assert raised.value.hint.endswith(expected)
    name = next(iter(recorded))
    assert values_of(bundle, recorded, "web.replicas=3", unset=(name,)).data == {"web": {"replicas": 3}}


def test_a_key_that_was_just_typed_is_not_called_recorded(tmp_path):
    with pytest.raises(ValuesInvalidError) as raised:
        values_of(bundle_with(tmp_path, {"web": WEB}), {}, "web.replica=3")
    assert "--explain" in raised.value.hint
