"""What components tell each other and the bundle that uses them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.bundle import BundleInvalidError, ExpressionError, UndefinedValueError, ValuesInvalidError
from bundler.model.values import UserLayers
from bundler.render.bundle import render_bundle
from bundler.render.types import Capabilities, RenderContext
from bundler.values.assignments import parse_assignment
from bundler.values.compute import compute_values
from tests.lib.bundles import load_from, make_bundle
from tests.unit.values.builders import layer

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.bundle import Bundle
    from bundler.model.values import MergedValues

NAMES = {"release": {"name": "shop", "namespace": "prod"}, "site": {}}
NAME = "{{ release.name }}-{{ component.name }}"
DB = {"host": NAME, "port": "{{ values.port }}", "url": "pg://{{ values.user }}@{{ component.path }}"}


def parts(tmp_path: Path, *components: dict[str, Any], files: dict[str, str] | None = None, **bundles: Any) -> Bundle:
    """Write a bundle with components; ``bundles``: name -> its spec, values as text under ``values``."""
    root = make_bundle(tmp_path, files, name="shop", components=[{"bundle": f"./{c['name']}", **c} for c in components])
    for name, spec in bundles.items():
        values = spec.pop("values", "port: 5432\nuser: app\n")
        make_bundle(root, {"values.yaml": values, **spec.pop("files", {})}, name=name, **spec)
    return load_from(root)


def computed(bundle: Bundle, *sets: str) -> MergedValues:
    return compute_values(bundle, UserLayers(assignments=tuple(map(parse_assignment, sets))), names=NAMES)


def of(bundle: Bundle, name: str, *sets: str) -> dict[str, Any]:
    components = computed(bundle, *sets).components
    assert components is not None
    return dict(components[name].data)


WEB = {"db": {"host": "{{ components.db.outputs.host }}", "port": "{{ components.db.outputs.port }}"}}


def test_a_component_is_given_what_another_one_tells_whatever_comes_first(tmp_path: Path) -> None:
    web = {"name": "web", "values": WEB}
    for number, listed in enumerate(([web, {"name": "db"}], [{"name": "db"}, web])):
        bundle = parts(tmp_path / str(number), *listed, db={"outputs": DB}, web={"values": "db: {}\n"})
        assert of(bundle, "web") == {"db": {"host": "shop-db", "port": 5432}}
        assert of(bundle, "web", "db.port=5433") == {"db": {"host": "shop-db", "port": 5433}}


def test_outputs_are_any_data_and_see_values_generated_secrets_and_the_outputs_of_their_own_components(
    tmp_path: Path,
) -> None:
    secret = {"name": "password", "secret": NAME, "key": "pw", "kind": "password"}
    outputs = {
        "port": 5432,
        "ports": ["{{ values.port }}", 1],
        "secret": {"name": "{{ generated.password.secret }}", "key": "{{ generated.password.key }}"},
        "inner": "{{ components.exporter.outputs.host }}",
        "version": "{{ bundle.version }}",
    }
    bundle = parts(
        tmp_path,
        {"name": "web", "values": {"all": "{{ components.db.outputs }}"}},
        {"name": "db"},
        web={"values": "all: {}\n"},
        db={"outputs": outputs, "generate": [secret], "components": [{"name": "exporter", "bundle": "../exporter"}]},
        exporter={"outputs": {"host": NAME}},
    )
    assert of(bundle, "web")["all"] == {
        "port": 5432,
        "ports": [5432, 1],
        "secret": {"name": "shop-db", "key": "pw"},
        "inner": "shop-exporter",
        "version": "1.0.0",
    }


def test_two_components_may_tell_each_other_what_follows_from_names(tmp_path: Path) -> None:
    bundle = parts(
        tmp_path,
        {"name": "web", "values": {"db": "{{ components.db.outputs.host }}"}},
        {"name": "db", "values": {"from": "{{ components.web.outputs.name }}"}},
        web={"values": "db: ''\n", "outputs": {"name": NAME}},
        db={"values": "from: ''\n", "outputs": {"host": NAME}},
    )
    assert (of(bundle, "web"), of(bundle, "db")) == ({"db": "shop-db"}, {"from": "shop-web"})


def test_a_circle_is_named_with_its_way(tmp_path: Path) -> None:
    told = {"values": "x: 1\n", "outputs": {"x": "{{ values.x }}"}}
    bundle = parts(
        tmp_path,
        {"name": "a", "values": {"x": "{{ components.b.outputs.x }}"}},
        {"name": "b", "values": {"x": "{{ components.c.outputs.x }}"}},
        {"name": "c", "values": {"x": "{{ components.a.outputs.x }}"}},
        a=dict(told),
        b=dict(told),
        c=dict(told),
    )
    with pytest.raises(ExpressionError) as raised:
        computed(bundle)
    first, *lines = raised.value.context
    assert first.endswith("in a circle: a -> b -> c -> a")
    assert [line.partition(": ")[2] for line in lines] == [
        "the values of a read outputs of b",
        "the values of b read outputs of c",
        "the values of c read outputs of a",
    ]


def test_a_component_does_not_read_its_own_outputs(tmp_path: Path) -> None:
    own = {"name": "a", "values": {"x": "{{ components.a.outputs.x }}"}}
    bundle = parts(tmp_path, own, a={"values": "x: 1\n", "outputs": {"x": "{{ values.x }}"}})
    with pytest.raises(ExpressionError, match="computing the values of components") as raised:
        computed(bundle)
    assert "a -> a" in raised.value.context[0]


def test_what_a_component_that_is_off_would_tell_is_not_set_and_that_can_be_asked(tmp_path: Path) -> None:
    cache = "{{ components.cache.outputs.host if components.cache.enabled else 'none' }}"
    defaulted = "{{ components.cache.outputs.host | default('none') }}"
    bundle = parts(
        tmp_path,
        {"name": "web", "values": {"a": cache, "b": defaulted}},
        {"name": "cache", "when": "values.cache.enabled"},
        files={"values.yaml": "cache: {enabled: true}\n"},
        web={"values": "a: ''\nb: ''\n"},
        cache={"values": "x: 1\n", "outputs": {"host": NAME}},
    )
    assert of(bundle, "web") == {"a": "shop-cache", "b": "shop-cache"}
    assert of(bundle, "web", "cache.enabled=false") == {"a": "none", "b": "none"}


@pytest.mark.parametrize("path", ["components.db.outputs.hots", "components.dbx.outputs.host", "components.db.host"])
def test_an_output_that_is_not_there_is_an_error_with_its_path(tmp_path: Path, path: str) -> None:
    web = {"name": "web", "values": {"x": "{{ " + path + " }}"}}
    bundle = parts(tmp_path, web, {"name": "db"}, web={"values": "x: ''\n"}, db={"outputs": DB})
    with pytest.raises(UndefinedValueError) as raised:
        computed(bundle)
    assert "components.db" in raised.value.context[0]
    if path.endswith("hots"):
        assert "host, port, url" in raised.value.context[0]


def test_templates_see_what_the_components_of_their_own_bundle_tell(tmp_path: Path) -> None:
    template = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: a}
    data: {host: "{{ components.db.outputs.host }}", on: "{{ components.off.enabled }}"}
    """
    bundle = parts(
        tmp_path,
        {"name": "db"},
        {"name": "off", "when": "false"},
        files={"templates/a.yaml": template},
        db={"outputs": DB},
        off={},
    )
    context = RenderContext(
        release_name="shop", namespace="prod", capabilities=Capabilities(kube_version="1.30", has_api=lambda _: False)
    )
    (made,) = render_bundle(bundle, computed(bundle), context).manifests
    assert made.body["data"] == {"host": "shop-db", "on": "false"}


def test_an_output_that_fails_is_named_with_its_line(tmp_path: Path) -> None:
    bundle = parts(tmp_path, {"name": "db"}, db={"outputs": {"host": "{{ values.nothing }}"}})
    with pytest.raises(UndefinedValueError) as raised:
        computed(bundle)
    assert raised.value.context[0].startswith("db/bundle.yaml:")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"outputs": {"the-host": "x"}}, 'is an output named "the-host"'),
        ({"outputs": ["x"]}, "must be a mapping"),
        ({"needs": ["db"]}, 'names "db", which is not a component; components are: none'),
    ],
)
def test_what_cannot_be_an_output_or_a_need_is_reported(tmp_path: Path, spec: dict[str, Any], said: str) -> None:
    with pytest.raises(BundleInvalidError) as raised:
        load_from(make_bundle(tmp_path, **spec))
    assert said in "\n".join(raised.value.context)


def test_a_wrong_value_hides_no_wrong_value_of_a_component_that_is_told_outputs(tmp_path: Path) -> None:
    own, wrong = (json.dumps({"properties": {name: {"type": "integer"}, "db": {}}}) for name in ("own", "n"))
    bundle = parts(
        tmp_path,
        {"name": "web", "values": {"db": "{{ components.db.outputs.port }}-"}},
        {"name": "db"},
        files={"values.schema.json": own},
        db={"outputs": {"port": "{{ values.port }}"}},
        web={"values": "db: ''\n", "files": {"values.schema.json": wrong}},
    )
    with pytest.raises(ValuesInvalidError) as raised:
        compute_values(bundle, UserLayers(layers=(layer("own: x\nweb: {n: y}"),)), names=NAMES)
    assert [line.split(":")[0] for line in raised.value.context] == ["/own", "/web/n"]


def test_the_values_of_a_component_read_files_of_the_bundle_that_gives_them(tmp_path: Path) -> None:
    web = {"name": "web", "values": {"page": "{{ files.get('pages/front.html') }}"}}
    bundle = parts(tmp_path, web, files={"pages/front.html": "<h1>shop</h1>"}, web={"values": "page: ''\n"})
    assert of(bundle, "web") == {"page": "<h1>shop</h1>"}


def test_a_file_that_is_missing_is_named_where_the_values_of_a_component_read_it(tmp_path: Path) -> None:
    web = {"name": "web", "values": {"page": "{{ files.get('pages/none.html') }}"}}
    bundle = parts(tmp_path, web, web={"values": "page: ''\n"})
    with pytest.raises(ExpressionError) as raised:
        computed(bundle)
    assert "the bundle has no file 'pages/none.html'" in "\n".join(map(str, raised.value.context))
