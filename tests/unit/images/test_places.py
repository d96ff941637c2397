"""Every place where an image can stand."""

from __future__ import annotations

from functools import partial

import pytest

from bundler.errors.delivery import ImageReferenceError
from bundler.images.image_paths import ImagePathError, ImageRule, parse_image_path, places_of, replaced_at
from bundler.images.inventory import find_suspects, find_uses, where_of
from bundler.model.image import ImageRef
from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef, group_of

POD = {
    "initContainers": [{"name": "wait", "image": "busybox:1"}],
    "containers": [{"name": "web", "image": "nginx:1.27"}, {"name": "empty"}],
    "ephemeralContainers": [{"name": "debug", "image": "quay.io/tools/debug:2"}],
    "volumes": [{"name": "model", "image": {"reference": "registry.example:5000/models/m@sha256:" + "a" * 64}}],
}
EVERY = {"wait": "busybox:1", "web": "nginx:1.27", "debug": "quay.io/tools/debug:2", "volume model": "registry.example:5000/models/m@sha256:" + "a" * 64}  # fmt: skip


def manifest(api_version: str, kind: str, body: dict, name: str = "x", line: int = 7) -> Manifest:
    ref = ObjectRef(group_of(api_version), kind, "prod", name)
    whole = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **body}
    return Manifest(ref=ref, api_version=api_version, body=whole, source=Source("templates/x.yaml", line))


def nested(*path: str) -> dict:
    body: dict = POD
    for key in reversed(path):
        body = {key: body}
    return body


@pytest.mark.parametrize(
    ("api_version", "kind", "path"),
    [
        ("v1", "Pod", ("spec",)),
        ("v1", "PodTemplate", ("template", "spec")),
        ("v1", "ReplicationController", ("spec", "template", "spec")),
        ("apps/v1", "Deployment", ("spec", "template", "spec")),
        ("apps/v1", "ReplicaSet", ("spec", "template", "spec")),
        ("apps/v1", "StatefulSet", ("spec", "template", "spec")),
        ("apps/v1", "DaemonSet", ("spec", "template", "spec")),
        ("batch/v1", "Job", ("spec", "template", "spec")),
        ("batch/v1", "CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
    ],
)
def test_every_workload_shows_containers_of_every_sort_and_image_volumes(api_version, kind, path) -> None:
    places = places_of(manifest(api_version, kind, nested(*path)))
    assert {place.label: place.text for place in places} == EVERY
    assert all(place.steps[: len(path)] == path for place in places)


GIZMO = {
    "spec": {
        "image": "a/b:1",
        "pods": [{"name": "one", "image": "c/d:2"}, {"name": "two", "image": ""}, {"name": "three"}],
        "args": ["--verbose", "--sidecar-image=e/f:3", "g/h:4"],
        "env": [{"name": "IMAGE", "value": "i/j:5"}, {"name": "OTHER", "value": "k"}],
        "by.name": {"x": "l/m:6", "y": 7},
    }
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("spec.image", [("", "a/b:1")]),
        ("spec.pods[*].image", [("", "c/d:2")]),
        ("spec.pods[0].image", [("", "c/d:2")]),
        ("spec.pods[9].image", []),
        ("spec.pods[name=one].image", [("", "c/d:2")]),
        ("spec.args[1]", [("--sidecar-image=", "e/f:3")]),
        ("spec.args[0]", []),
        ("spec.args[2]", [("", "g/h:4")]),
        ("spec.env[name=IMAGE].value", [("", "i/j:5")]),
        ('spec["by.name"][*]', [("", "l/m:6")]),
        ("spec.missing.image", []),
    ],
)
def test_declared_paths_reach_into_custom_resources(path, found) -> None:
    rule = ImageRule.of("example.org", "Gizmo", path)
    places = places_of(manifest("example.org/v1", "Gizmo", GIZMO), [rule])
    assert [(place.before, place.text) for place in places] == found
    assert places_of(manifest("example.org/v1", "Other", GIZMO), [rule]) == []
    assert places_of(manifest("other.org/v1", "Gizmo", GIZMO), [rule]) == []


@pytest.mark.parametrize("text", ["", "[0]", ".a", "a..b", "a[", "a[x]", "a b", "a[*", 'a["b]', r'a["\x"]'])
def test_what_is_no_path_is_refused(text) -> None:
    with pytest.raises(ImagePathError):
        parse_image_path(text)


def test_a_place_is_found_once_however_often_it_is_declared() -> None:
    rule = ImageRule.of("apps", "Deployment", "spec.template.spec.containers[*].image")
    places = places_of(manifest("apps/v1", "Deployment", nested("spec", "template", "spec")), [rule, rule])
    assert len(places) == len(EVERY)


def test_replacing_leaves_the_original_and_everything_else_as_it_is() -> None:
    body = {"a": [{"b": 1}, {"c": 2}], "d": {"e": 3}}
    changed = replaced_at(body, {("a", 1, "c"): 9, ("f",): 0})
    assert changed == {"a": [{"b": 1}, {"c": 9}], "d": {"e": 3}}
    assert body == {"a": [{"b": 1}, {"c": 2}], "d": {"e": 3}}
    assert changed["d"] is body["d"]


def test_uses_name_object_container_and_template_line() -> None:
    uses = find_uses([manifest("v1", "Pod", nested("spec"), name="p")], [])
    assert next((str(ref), use.where) for ref, use in uses) == (
        "docker.io/library/busybox:1",
        "Pod/p wait (templates/x.yaml:7)",
    )


def test_suspects_are_told_unless_they_are_known_declared_or_secret() -> None:
    config = manifest("v1", "ConfigMap", {"data": {"a.yaml": "image: quay.io/org/tool:1.2\nurl: https://x.example/a:80\n"}})  # fmt: skip
    gizmo = manifest("example.org/v1", "Gizmo", GIZMO)
    secret = manifest("v1", "Secret", {"stringData": {"a": "quay.io/org/tool:1.2"}})
    found = find_suspects([config, gizmo, secret], [], set())
    assert found == [
        "templates/x.yaml:7: ConfigMap/x: data.a.yaml may name the image quay.io/org/tool:1.2",
        "templates/x.yaml:7: Gizmo/x: spec.image may name the image a/b:1",
        "templates/x.yaml:7: Gizmo/x: spec.pods.0.image may name the image c/d:2",
    ]
    rules = [ImageRule.of("example.org", "Gizmo", path) for path in ("spec.image", "spec.pods[*].image")]
    assert find_suspects([config, gizmo], rules, {ImageRef.parse("quay.io/org/tool:1.2")}) == []


GADGET = {
    "spec": {
        "image": {"repository": "a/b", "tag": "1", "pullPolicy": "Always"},
        "split": {"registry": "quay.io", "repository": "c/d", "tag": "2"},
        "digested": {"repository": "e/f", "tag": "3", "digest": ""},
        "by-digest": {"image": "g/h", "digest": "sha256:" + "c" * 64},
        "whole": {"name": "i/j:5"},
        "named": {"image": "k/l", "tag": ""},
        "none": {"repository": "", "tag": "9"},
        "empty": {},
        "nothing": None,
        "list": [{"repository": "m/n", "tag": "6"}],
        "policy": {"pullPolicy": "Always"},
        "untagged": {"repository": "o/p"},
        "number": {"repository": "q/r", "tag": 7},
        "version": 8,
    }
}


def gadget_places(path: str) -> list:
    rule = ImageRule.of("example.org", "Gadget", path)
    return places_of(manifest("example.org/v1", "Gadget", GADGET), [rule])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("spec.image", "a/b:1"),
        ("spec.split", "quay.io/c/d:2"),
        ("spec.digested", "e/f:3"),
        ("spec.by-digest", "g/h@sha256:" + "c" * 64),
        ("spec.whole", "i/j:5"),
        ("spec.named", "k/l"),
        ("spec.list[*]", "m/n:6"),
    ],
)
def test_an_image_that_is_spelled_by_keys_is_one_place(path, text) -> None:
    (place,) = gadget_places(path)
    assert (place.text, place.problem) == (text, "")


@pytest.mark.parametrize("path", ["spec.none", "spec.empty", "spec.nothing", "spec.missing"])
def test_keys_that_name_nothing_are_no_image(path) -> None:
    assert gadget_places(path) == []


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("spec.policy", "it is a mapping of pullPolicy; an image has a repository"),
        ("spec.untagged", "it has neither a tag nor a digest"),
        ("spec.number", "its tag is not a string; quote it"),
        ("spec.list", "it is a list; write [*]"),
        ("spec.version", "it is 8, which is not a string"),
    ],
)
def test_a_declared_place_that_cannot_be_rewritten_says_why(path, problem) -> None:
    rules = [ImageRule.of("example.org", "Gadget", path)]
    with pytest.raises(ImageReferenceError) as caught:
        find_uses([manifest("example.org/v1", "Gadget", GADGET)], rules)
    (line,) = caught.value.context
    assert line.startswith(f"Gadget/x {path} (templates/x.yaml:7): {problem}")


def test_keys_that_look_like_an_image_are_suspects_where_nobody_declared_them() -> None:
    gadget = manifest("example.org/v1", "Gadget", {"spec": {"image": {"repository": "a/b", "tag": "1"}}})
    assert find_suspects([gadget], [], set()) == ["templates/x.yaml:7: Gadget/x: spec.image may name the image a/b:1"]


def test_the_line_of_an_image_is_that_of_its_text_or_its_repository() -> None:
    asked = []

    def find(ref: ObjectRef, steps: object) -> Source:
        asked.append((ref.short, steps))
        return Source("templates/x.yaml", 40 + len(asked))

    gadget = manifest("example.org/v1", "Gadget", GADGET)
    pod = manifest("v1", "Pod", {"spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}, name="p")
    uses = find_uses(
        [pod, gadget], [ImageRule.of("example.org", "Gadget", "spec.split")], partial(where_of, find_source=find)
    )
    assert asked == [("Pod/p", ("spec", "containers", 0, "image")), ("Gadget/x", ("spec", "split", "repository"))]
    assert [use.where for _, use in uses] == [
        "Pod/p web (templates/x.yaml:41)",
        "Gadget/x spec.split (templates/x.yaml:42)",
    ]
