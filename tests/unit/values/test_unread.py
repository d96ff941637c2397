"""Declared values that nothing in a bundle reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bundler.model.bundle import BundleFile, GenerateSpec, ImageSpec
from bundler.model.manifest import Source
from bundler.values.unread import unread_values
from tests.unit.values.builders import bundle, component

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle

VALUES = "a: 1\nweb:\n  image: x\n  old: {one: 1, two: 2}\nlist: [1]\nfree: {}\n"
HERE = Source("bundle.yaml", 1)


def found(made: Bundle, template: str = "") -> list[str]:
    made = replace(made, templates={"a.yaml": template})
    return [f"{one.path} {one.file}:{one.line}" for one in unread_values(made)]


@pytest.mark.parametrize(
    ("template", "unread"),
    [
        ("{{ values }}", []),
        ("{{ values[release.name] }}", []),
        ("", ["a values.yaml:1", "free values.yaml:6", "list values.yaml:5", "web values.yaml:2"]),
        (
            "{{ values.a }}{{ values.web.image }}{{ values.list }}{{ values.free.any.key }}",
            ["web.old values.yaml:4"],
        ),
        (
            "{{ values.a }}{{ values.web.old.one }}{{ values.list[0] }}{{ values.free }}",
            ["web.image values.yaml:3", "web.old.two values.yaml:4"],
        ),
        ("{{ values.a }}{{ values.web | to_yaml }}{{ values.list }}{{ values.free }}", []),
        ("{{ values.a }}{{ values.web.items() }}{{ values.list }}{{ values.free }}", []),
    ],
)
def test_what_no_template_reads_is_named_as_a_whole(template: str, unread: list[str]) -> None:
    assert found(bundle(VALUES), template) == unread


def test_a_schema_declares_values_too() -> None:
    text = """{
  "properties": {
    "a": {"type": "integer"},
    "b": {"$ref": "#/$defs/pair"},
    "gone": {"deprecated": true},
    "tree": {"$ref": "#/$defs/tree"}
  },
  "$defs": {
    "pair": {"properties": {"x": {}, "y": {}}},
    "tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}}
  }
}"""
    schema: dict[str, Any] = {
        "properties": {
            "a": {"type": "integer"},
            "b": {"$ref": "#/$defs/pair"},
            "gone": {"deprecated": True},
            "tree": {"$ref": "#/$defs/tree"},
        },
        "$defs": {
            "pair": {"properties": {"x": {}, "y": {}}},
            "tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}},
        },
    }
    file = BundleFile(path="values.schema.json", content=text.encode())
    made = replace(bundle("gone: 1", schema=schema), files={file.path: file})
    assert found(made, "{{ values.b.x }}") == [
        "a values.schema.json:3",
        "b.y values.schema.json:9",
        "tree values.schema.json:6",
    ]
    assert found(made, "{{ values.b }}{{ values.a }}{{ values.tree }}") == []


def test_expressions_of_the_bundle_read_values() -> None:
    made = bundle(
        "a: 1\nb: 1\nc: 1\nd: true\ne: 1\nf: 1",
        derive={"out": "values.a * 2"},
        specs=[component("db", when="values.d", values={"x": ["{{ values.b }}", {"y": "p-{{ values.c }}"}]})],
        components={"db": bundle("x: 1", name="db")},
    )
    made = replace(
        made,
        generate=(GenerateSpec(name="p", secret="{{ values.e }}-s", key="k", kind="hex", length=32, source=HERE),),
        images=(ImageSpec(ref="nginx:1", when="values.f", source=HERE),),
        notes="{{ values.out }}",
    )
    assert found(made) == []


def test_a_derived_value_may_be_unread_too() -> None:
    assert found(bundle("a: 1", derive={"out.x": "values.a"})) == ["out bundle.yaml:20"]


def test_values_of_a_component_are_judged_by_what_it_reads() -> None:
    db = replace(bundle("size: 1\nunused: 1", name="db"), templates={"s.yaml": "{{ values.size }}{{ values.port }}"})
    made = bundle("db: {size: 2, port: 1, unused: 3}\ncache: {enabled: true}", components={"db": db})
    assert found(made, "{{ values.cache.enabled }}") == ["db.unused values.yaml:1"]


def test_a_parent_may_read_what_it_hands_to_a_component() -> None:
    made = bundle("db: {size: 2}", components={"db": bundle("size: 1", name="db")})
    assert found(made) == ["db values.yaml:1"]
    assert found(made, "{{ values.db.size }}") == []
