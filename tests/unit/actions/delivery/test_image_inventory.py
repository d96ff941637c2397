"""Which images a bundle can need: behind numbers and texts as well as behind switches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bundler.actions.compose.render_request import RenderRequest
from bundler.actions.delivery.image_inventory import take_inventory
from bundler.model.values import UserLayers
from tests.lib.bundles import load_from, make_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.image import ImageInventory

POD = """
apiVersion: v1
kind: Pod
metadata: {name: "{{ release.name }}-CONTAINER"}
spec: {containers: [{name: CONTAINER, image: "registry.example/CONTAINER:1"}]}
"""


def pod(name: str, *, only_if: str = "") -> str:
    text = POD.replace("CONTAINER", name)
    return f"{{% if {only_if} %}}{text}{{% endif %}}" if only_if else text


def inventory(folder: Path, templates: str, values: str, schema: dict[str, Any], **spec: Any) -> ImageInventory:
    files = {
        "templates/a.yaml": templates,
        "values.yaml": values,
        "values.schema.json": json.dumps({"type": "object", "properties": schema}),
    }
    bundle = load_from(make_bundle(folder, files, **spec))
    return take_inventory(RenderRequest(bundle=bundle, release="app", namespace="prod", user=UserLayers(), site={}))


def settings(found: ImageInventory) -> dict[str, tuple[str, ...]]:
    return {one.ref.repository: one.settings for one in found.images}


def test_an_image_that_only_many_replicas_need_is_found_with_the_number_that_leads_to_it(tmp_path: Path) -> None:
    number = {"type": "integer", "minimum": 1, "maximum": 9}
    templates = pod("router", only_if="values.replicas > 3")
    found = inventory(tmp_path, templates, "replicas: 1\nport: 8\n", {"replicas": number, "port": number})
    assert settings(found) == {"router": ("replicas=9",)}
    assert found.warnings == ()


def test_a_number_without_a_maximum_is_tried_at_much_more_than_it_is(tmp_path: Path) -> None:
    templates = pod("router", only_if="values.replicas > 3")
    found = inventory(tmp_path, templates, "replicas: 1\n", {"replicas": {"type": "integer", "minimum": 1}})
    assert settings(found) == {"router": ("replicas=10",)}


def test_an_image_of_the_smallest_number_is_found(tmp_path: Path) -> None:
    templates = pod("single", only_if="values.replicas == 1")
    schema = {"replicas": {"type": "integer", "exclusiveMinimum": 0}}
    assert settings(inventory(tmp_path, templates, "replicas: 3\n", schema)) == {"single": ("replicas=1",)}


def test_a_number_that_may_be_one_or_in_a_range_is_tried_at_the_ends_of_what_it_may_be(tmp_path: Path) -> None:
    templates = pod("far", only_if="values.port >= 30000") + pod("none", only_if="values.port == 0")
    port = {"anyOf": [{"const": 0}, {"type": "integer", "minimum": 30000, "maximum": 32767}]}
    found = inventory(tmp_path, templates, "port: 30001\n", {"port": port})
    assert settings(found) == {"far": ("",), "none": ("port=0",)}


def test_numbers_that_cannot_all_be_at_their_ends_are_tried_alone_and_without_a_warning(tmp_path: Path) -> None:
    number = {"type": "integer", "minimum": 1, "maximum": 9}
    templates = "{% if values.a + values.b > 12 %}{{ fail('too many') }}{% endif %}" + pod("x", only_if="values.a > 5")
    found = inventory(tmp_path, templates, "a: 1\nb: 1\n", {"a": number, "b": number})
    assert (settings(found), found.warnings) == ({"x": ("a=9",)}, ())


def test_what_a_condition_compares_with_is_tried(tmp_path: Path) -> None:
    """A threshold is within the bounds, so the ends alone do not show what is between two of them."""
    images = [
        {"ref": "registry.example/cache:1", "when": "values.qps > 500 and values.qps < 2000"},
        {"ref": "registry.example/queue:1", "when": "values.mode == 'queue'"},
    ]
    schema = {"qps": {"type": "integer", "minimum": 1, "maximum": 20_000}, "mode": {"type": "string"}}
    found = inventory(tmp_path, pod("web"), "qps: 200\nmode: direct\n", schema, images=images)
    assert settings(found) == {
        "cache": ("qps=501", "qps=1999"),
        "queue": ("mode=queue",),
        "web": ("",),
    }


def test_an_image_that_a_text_switches_on_is_found_with_a_text_that_fits(tmp_path: Path) -> None:
    schema = {
        "database": {"type": "string"},
        "schedule": {"type": "string", "pattern": r"^((\S+ ){4}\S+)?$"},
        "name": {"type": "string", "maxLength": 6},
    }
    templates = [pod(f"for-{text}", only_if=f"values.{text}") for text in schema]
    found = inventory(tmp_path, "---\n".join(templates), "database: ''\nschedule: ''\nname: ''\n", schema)
    assert settings(found) == {
        "for-database": ("database=bundler-sample",),
        "for-schedule": ("schedule=1 1 * * *",),
        "for-name": ("name=10101",),
    }


def test_names_that_are_made_of_what_was_tried_are_no_images(tmp_path: Path) -> None:
    number = {"type": "integer", "minimum": 14, "maximum": 18}
    text = {"type": "string"}
    schema = {"version": number, "registry": text, "sidecar": text}
    images = ["{{ values.registry or 'docker.io' }}/org/db:{{ values.version }}", "registry.example/v18:14"]
    images += ["docker.io/org/tool:v{{ values.version }}-slim"]
    containers = "".join(f'    - {{name: c{index}, image: "{image}"}}\n' for index, image in enumerate(images))
    sidecar = '{% if values.sidecar %}    - {name: s, image: "{{ values.sidecar }}"}\n{% endif %}'
    templates = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n{containers}{sidecar}"
    found = inventory(tmp_path, templates, "version: 16\nregistry: ''\nsidecar: ''\n", schema)
    assert [str(one.ref) for one in found.images] == [
        "docker.io/org/db:16",
        "docker.io/org/tool:v16-slim",
        "registry.example/v18:14",
    ]
    assert found.warnings == ()


def test_an_image_in_parts_is_found_although_a_number_that_was_tried_is_in_its_tag(tmp_path: Path) -> None:
    schema = {"replicas": {"type": "integer", "minimum": 1, "maximum": 27}, "host": {"type": "string"}}
    schema |= {"migration": {"type": "object", "properties": {"tag": {"type": "string"}}}}
    templates = pod("a") + "---\n" + pod("b", only_if="values.host").replace("b:1", "b:{{ values.migration.tag }}")
    found = inventory(tmp_path, templates, "replicas: 2\nhost: ''\nmigration: {tag: '1.27'}\n", schema)
    assert settings(found) == {"a": ("",), "b": ("host=bundler-sample",)}
    assert [one.ref.tag for one in found.images] == ["1", "1.27"]


def component(folder: Path) -> None:
    schema = {"nodes": {"enum": [1, 3]}, "ui": {"type": "boolean"}}
    files = {
        "templates/a.yaml": pod("server")
        + "---\n"
        + pod("router", only_if="values.nodes > 1")
        + pod("ui", only_if="values.ui"),
        "values.yaml": "nodes: 1\nui: false\n",
        "values.schema.json": json.dumps({"type": "object", "properties": schema}),
    }
    make_bundle(folder, files, name="cache")


def test_what_a_bundle_sets_for_its_component_is_no_switch_of_it(tmp_path: Path) -> None:
    component(tmp_path)
    open_to_all = [{"name": "cache", "bundle": "../cache"}]
    found = inventory(tmp_path / "one", pod("web"), "{}", {}, components=[{**open_to_all[0], "bundle": "../../cache"}])
    assert settings(found) == {
        "web": ("",),
        "server": ("",),
        "router": ("cache.nodes=3",),
        "ui": ("cache.ui=true",),
    }
    fixed = [{"name": "cache", "bundle": "../../cache", "values": {"nodes": 1, "ui": False}}]
    found = inventory(tmp_path / "two", pod("web"), "{}", {}, components=fixed)
    assert settings(found) == {"web": ("",), "server": ("",)}
    assert found.variants == 1
