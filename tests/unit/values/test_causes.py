"""Which values changed since a revision, and which of them made the others change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.model.causes import chain_of, roots_of
from bundler.model.values import UserLayers
from bundler.values.assignments import parse_assignment
from bundler.values.causes import ValueChanges
from bundler.values.compute import compute_values
from bundler.values.flatten import whole_data
from tests.lib.bundles import load_from, make_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.bundle import Bundle
    from bundler.model.values import MergedValues

NAMES = {"release": {"name": "shop", "namespace": "prod"}, "site": {}}
WEB_SCHEMA = '{"properties": {"token": {"type": "string", "writeOnly": true}, "max": {}, "half": {}, "db": {}}}'


def shop(tmp_path: Path) -> Bundle:
    root = make_bundle(
        tmp_path,
        {"values.yaml": "qps: 1000\nmode: small\ncache: {on: true}\n"},
        name="shop",
        components=[
            {"name": "db", "bundle": "./db"},
            {
                "name": "web",
                "bundle": "./web",
                "when": "values.cache.on",
                "values": {"db": {"port": "{{ components.db.outputs.port }}", "mode": "{{ values.mode }}"}},
            },
        ],
        derive={"web.max": "values.qps / 250", "db.port": "values.qps + 1"},
    )
    make_bundle(root, {"values.yaml": "port: 5432\n"}, name="db", outputs={"port": "{{ values.port }}"})
    make_bundle(
        root,
        {"values.yaml": "max: 1\ntoken: ''\ndb: {}\n", "values.schema.json": WEB_SCHEMA},
        name="web",
        derive={"half": "values.max / 2"},
    )
    return load_from(root)


def computed(bundle: Bundle, *sets: str) -> MergedValues:
    return compute_values(bundle, UserLayers(assignments=tuple(map(parse_assignment, sets))), names=NAMES)


def changes(bundle: Bundle, before: list[str], after: list[str], secrets: tuple[str, ...] = ()) -> ValueChanges:
    recorded = whole_data(computed(bundle, *before), is_masked=False)
    return ValueChanges(bundle, computed(bundle, *after), recorded, is_secret=lambda text: text in secrets)


def ways(found: ValueChanges, path: str) -> list[str]:
    values = {value.path: value for value in found.told(found.pointers)}
    return sorted(" → ".join(map(str, way)) for way in chain_of(values, path))


QPS = "qps 1000 → 2000 (--set)"
WEB_MAX = "web.max 4.0 → 8.0 (bundle.yaml:18)"


@pytest.mark.parametrize(
    ("path", "chain"),
    [
        ("qps", [QPS]),
        ("web.max", [f"{QPS} → {WEB_MAX}"]),
        ("web.half", [f"{QPS} → {WEB_MAX} → web.half 2.0 → 4.0 (web/bundle.yaml:8)"]),
        ("db.port", [f"{QPS} → db.port 1001 → 2001 (bundle.yaml:19)"]),
        (
            "web.db.port",
            [f"{QPS} → db.port 1001 → 2001 (bundle.yaml:19) → web.db.port 1001 → 2001 (bundle.yaml:15)"],
        ),
        ("web.db.mode", []),
    ],
)
def test_a_value_names_what_it_was_computed_from_through_formulas_components_and_outputs(
    tmp_path: Path, path: str, chain: list[str]
) -> None:
    assert ways(changes(shop(tmp_path), [], ["qps=2000"]), path) == chain


def test_a_value_that_the_user_gives_over_a_formula_begins_its_own_chain(tmp_path: Path) -> None:
    found = changes(shop(tmp_path), [], ["qps=2000", "web.max=50"])
    assert ways(found, "web.max") == ["web.max 4.0 → 50 (--set)"]
    assert ways(found, "web.half") == ["web.max 4.0 → 50 (--set) → web.half 2.0 → 25.0 (web/bundle.yaml:8)"]


def test_a_value_that_goes_back_to_the_default_says_so(tmp_path: Path) -> None:
    assert ways(changes(shop(tmp_path), ["mode=large"], []), "web.db.mode") == [
        'mode "large" → "small" (default, values.yaml:2) → web.db.mode "large" → "small" (bundle.yaml:16)'
    ]


def test_what_is_read_touches_what_is_below_and_around_it(tmp_path: Path) -> None:
    found = changes(shop(tmp_path), [], ["qps=2000", "cache.on=false"])
    assert found.read_by("", [("values", "cache")]) == {"/cache/on"}
    assert found.read_by("", [("values", "cache", "on", "deep")]) == {"/cache/on"}
    assert found.read_by("db", [("values", "qps")]) == frozenset()
    assert found.read_by("db", [("values", "port")]) == {"/db/port"}
    assert found.read_by("", [("components", "db", "outputs", "port")]) == {"/db/port"}
    assert found.read_by("", [("components", "web", "enabled"), ("release", "name")]) == {"/cache/on"}
    assert found.switches("web") == {"/cache/on"}
    assert found.switches("db") == frozenset()


@pytest.mark.parametrize("after", ["web.token=s3cret", "mode=s3cret"])
def test_a_sensitive_value_is_shown_as_changed_and_nothing_more(tmp_path: Path, after: str) -> None:
    found = changes(shop(tmp_path), [], [after], secrets=("s3cret",))
    told = found.told(found.pointers)
    assert {str(value) for value in told} <= {"web.token changed (--set)", "mode changed (--set)", _WEB_MODE}
    assert "s3cret" not in repr(told)


_WEB_MODE = "web.db.mode changed (bundle.yaml:16)"


def test_the_values_with_which_a_change_begins_are_found_however_many_ways_there_are(tmp_path: Path) -> None:
    found = changes(shop(tmp_path), [], ["qps=2000"])
    values = {value.path: value for value in found.told(found.pointers)}
    assert [root.path for root in roots_of(values, "web.db.port")] == ["qps"]
    assert roots_of(values, "unknown") == ()
