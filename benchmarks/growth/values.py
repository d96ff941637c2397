"""Values: formulas, schemas, lists, unknown keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.growth.frame import growth
from bundler.errors import BundlerError
from bundler.loader.ignore import IgnoreRules
from bundler.model.bundle import Bundle, BundleMetadata, DeriveRule
from bundler.model.digest import Digest
from bundler.model.manifest import Source
from bundler.model.values import AssignmentKind, LayerKind, UserLayers
from bundler.syntax.reader import read_document
from bundler.values.assignments import parse_assignment
from bundler.values.compute import compute_values
from bundler.values.merge import make_layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.growth.frame import Work


def _bundle(
    values: Mapping[str, Any], *, schema: Mapping[str, Any] | None = None, derive: Mapping[str, str] | None = None
) -> Bundle:
    rules = [
        DeriveRule(path=path, formula=text, source=Source("bundle.yaml", 1)) for path, text in (derive or {}).items()
    ]
    return Bundle(
        metadata=BundleMetadata(name="shop", version="1.0.0"),
        digest=Digest("sha256:" + "0" * 64),
        origin="shop",
        derive=tuple(rules),
        defaults=make_layer(values, LayerKind.DEFAULTS, "values.yaml"),
        schema=schema,
    )


def _file(text: str) -> UserLayers:
    document = read_document(text)
    data: Any = document.value
    return UserLayers(layers=(make_layer(data, LayerKind.FILE, "site.yaml", document.lines),))


def _refused(bundle: Bundle, user: UserLayers) -> None:
    try:
        compute_values(bundle, user)
    except BundlerError:
        return
    raise SystemExit("these values were to be refused")


@growth("derive: each formula needs the one after it", small=250, large=1000)
def derive_chain(size: int) -> Work:
    rules = {f"web.v{n}": f"values.web.v{n + 1} + 1" for n in range(size)}
    bundle = _bundle({"web": {f"v{size}": 1}}, derive=rules)
    return lambda: compute_values(bundle, UserLayers())


@growth("derive: mappings, over what the user gave", small=250, large=1000)
def derive_mappings(size: int) -> Work:
    bundle = _bundle({"qps": 1}, derive={f"parts.p{n}": "{'a': values.qps, 'b': 2}" for n in range(size)})
    user = _file("parts:\n" + "".join(f"  p{n}: {{a: 5}}\n" for n in range(size)))
    return lambda: compute_values(bundle, user)


@growth("schema: definitions that refer to the next one twice", small=50, large=200)
def shared_references(size: int) -> Work:
    definitions: dict[str, Any] = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(size)}
    definitions[f"l{size}"] = {"type": "string"}
    schema = {"properties": {f"p{n}": {"$ref": f"#/$defs/l{n}"} for n in range(size)}, "$defs": definitions}
    bundle = _bundle({f"p{size - 1}": "a"}, schema=schema)
    return lambda: compute_values(bundle, UserLayers())


@growth("schema: definitions that all refer to each other", small=10, large=40)
def mutual_references(size: int) -> Work:
    links = {f"to{n}": {"$ref": f"#/$defs/d{n}"} for n in range(size)}
    # the work is the links, which are the square of the definitions
    definitions = {f"d{n}": {"type": "object", "properties": links} for n in range(size)}
    bundle = _bundle(
        {"a": {"to1": {"to2": {}}}}, schema={"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions}
    )
    return lambda: [compute_values(bundle, UserLayers()) for _ in range(20)]


@growth("schema: uniqueItems over mappings", small=5_000, large=20_000)
def unique_items(size: int) -> Work:
    schema = {"properties": {"list": {"type": "array", "uniqueItems": True}}}
    bundle = _bundle({"list": [{"name": f"n{n}", "port": n} for n in range(size)]}, schema=schema)
    return lambda: compute_values(bundle, UserLayers())


@growth("--set list[i]=", small=250, large=1000)
def set_items(size: int) -> Work:
    bundle = _bundle({"list": [{"port": 0, "name": f"n{n}"} for n in range(size)]})
    given = tuple(parse_assignment(f"list[{n}].port={n}", kind=AssignmentKind.SET) for n in range(size))
    return lambda: compute_values(bundle, UserLayers(assignments=given))


@growth("list[i]: in a values file", small=250, large=1000)
def list_operators(size: int) -> Work:
    bundle = _bundle({"list": [{"port": 0, "name": f"n{n}"} for n in range(size)]})
    user = _file("".join(f"list[{n}]: {{port: {n}}}\n" for n in range(size)))
    return lambda: compute_values(bundle, user)


@growth("list[name=x]: in a values file", small=250, large=1000)
def list_operators_by_name(size: int) -> Work:
    bundle = _bundle({"list": [{"port": 0, "name": f"n{n}"} for n in range(size)]})
    user = _file("".join(f"list[name=n{n}]: {{port: {n}}}\n" for n in range(size)))
    return lambda: compute_values(bundle, user)


@growth("--set, one value each", small=500, large=2000)
def set_values(size: int) -> Work:
    bundle = _bundle({"web": {f"v{n}": 0 for n in range(size)}})
    given = tuple(parse_assignment(f"web.v{n}={n}", kind=AssignmentKind.SET) for n in range(size))
    return lambda: compute_values(bundle, UserLayers(assignments=given))


@growth("unknown keys beside as many known ones", small=500, large=2000)
def unknown_keys(size: int) -> Work:
    known = {f"known-key-{n}": {"type": "object"} for n in range(size)}
    bundle = _bundle({}, schema={"properties": known, "additionalProperties": False})
    user = _file("".join(f"unknown-{n}: {{a: {n}}}\n" for n in range(size)))
    return lambda: _refused(bundle, user)


@growth(".bundleignore: lines, and files they may match", small=200, large=800)
def ignored_files(size: int) -> Work:
    # both grow: an exponent of 2 is what asking each line about each file costs
    rules = IgnoreRules("".join(f"generated-{n}/*.tmp\n" for n in range(size)))
    paths = [f"templates/part-{n}/deployment.yaml" for n in range(size * 10)]
    return lambda: [rules.is_ignored(path, is_folder=False) for path in paths]
