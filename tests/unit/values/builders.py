"""Small bundles in memory, written as YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bundler.model.bundle import Bundle, BundleMetadata, ComponentSpec, DeriveRule
from bundler.model.digest import Digest
from bundler.model.manifest import Source
from bundler.model.values import AssignmentKind, LayerKind, MergedValues, UserLayers, ValuesLayer
from bundler.syntax.reader import read_document
from bundler.values.assignments import parse_assignment
from bundler.values.changes import changed_values
from bundler.values.compute import compute_values
from bundler.values.merge import make_layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.json import Body

RELEASE: Mapping[str, object] = {"release": {"name": "shop", "namespace": "default"}}


def layer(text: str, kind: LayerKind = LayerKind.FILE, source: str = "prod.yaml") -> ValuesLayer:
    document = read_document(text)
    data: Any = document.value or {}
    return make_layer(data, kind, source, document.lines)


def component(name: str, *, when: str = "", values: Body | None = None, line: int = 10) -> ComponentSpec:
    return ComponentSpec(
        name=name, bundle=f"./{name}", when=when, values=values or {}, source=Source("bundle.yaml", line)
    )


def bundle(
    values: str = "",
    *,
    name: str = "shop",
    schema: Mapping[str, Any] | None = None,
    derive: Mapping[str, str] | None = None,
    components: Mapping[str, Bundle] | None = None,
    specs: Sequence[ComponentSpec] | None = None,
) -> Bundle:
    components = components or {}
    rules = [
        DeriveRule(path=path, formula=formula, source=Source("bundle.yaml", 20 + index))
        for index, (path, formula) in enumerate((derive or {}).items())
    ]
    return Bundle(
        metadata=BundleMetadata(name=name, version="1.0.0"),
        digest=Digest("sha256:" + "0" * 64),
        origin=name,
        components=tuple(specs if specs is not None else [component(each) for each in components]),
        component_bundles=components,
        derive=tuple(rules),
        defaults=layer(values, LayerKind.DEFAULTS, "values.yaml" if name == "shop" else f"{name}/values.yaml"),
        schema=schema,
    )


def user(
    *layers: ValuesLayer, sets: Sequence[str] = (), json: Sequence[str] = (), unset: Sequence[str] = ()
) -> UserLayers:
    assignments = [parse_assignment(text) for text in sets]
    assignments += [parse_assignment(text, kind=AssignmentKind.JSON) for text in json]
    return UserLayers(layers=layers, assignments=tuple(assignments), unset=tuple(unset))


def compute(made: Bundle, *layers: ValuesLayer, sets: Sequence[str] = (), json: Sequence[str] = ()) -> MergedValues:
    return compute_values(made, user(*layers, sets=sets, json=json), names=RELEASE)


def of(merged: MergedValues, name: str) -> MergedValues:
    assert merged.components is not None
    return merged.components[name]


def changes_between(before: MergedValues, after: MergedValues) -> tuple[str, ...]:
    """Return what a plan says of two sets of values."""
    found = changed_values(before.data, after.data, origins=after.origins, sensitive=after.sensitive)
    return tuple(map(str, found))
