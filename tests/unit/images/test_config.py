"""The configuration of an image that is built: what stays of the base's, what is set, what is refused."""

from __future__ import annotations

import pytest

from bundler.images.config import MAX_LAYERS, config_problems, empty_config, make_config, platform_json
from bundler.model.digest import digest_of
from bundler.model.image_build import ImageSettings

BASE_LAYER, LAYER = digest_of(b"base"), digest_of(b"layer")
BASE = {
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "author": "ada",
    "created": "2024-05-06T07:08:09Z",
    "container": "builder-7",
    "config": {
        "Entrypoint": ["/bin/sh"],
        "Cmd": ["-c", "true"],
        "Env": ["PATH=/bin", "LANG=C"],
        "Labels": {"a": "1", "b": "2"},
        "User": "root",
        "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "true"]},
        "Volumes": None,
    },
    "rootfs": {"type": "layers", "diff_ids": [BASE_LAYER]},
    "history": [{"created_by": "ADD rootfs"}, {"created_by": "ENV", "empty_layer": True}],
}


def run(settings: ImageSettings, base=BASE):
    return make_config(base, settings, diff_id=LAYER, time_s=0)["config"]


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        (ImageSettings(), {}),
        (ImageSettings(entrypoint=("/app",)), {"Entrypoint": ["/app"], "Cmd": None}),
        (ImageSettings(entrypoint=("/app",), command=("-v",)), {"Entrypoint": ["/app"], "Cmd": ["-v"]}),
        (ImageSettings(command=("-v",)), {"Cmd": ["-v"]}),
        (ImageSettings(entrypoint=()), {"Entrypoint": None, "Cmd": None}),
        (ImageSettings(env=(("LANG", "de"), ("A", "x=y"))), {"Env": ["PATH=/bin", "LANG=de", "A=x=y"]}),
        (ImageSettings(env=(("A", "1"), ("A", "2"))), {"Env": ["PATH=/bin", "LANG=C", "A=2"]}),
        (ImageSettings(labels=(("b", "3"), ("c", ""))), {"Labels": {"a": "1", "b": "3", "c": ""}}),
        (ImageSettings(user="1000:1000", workdir="/app"), {"User": "1000:1000", "WorkingDir": "/app"}),
        (ImageSettings(user=""), {"User": ""}),
        (ImageSettings(ports=("8080/tcp",)), {"ExposedPorts": {"80/tcp": {}, "8080/tcp": {}}}),
    ],
)
def test_what_is_set_is_on_top_of_what_the_base_says(settings, changed) -> None:
    kept = {key: value for key, value in BASE["config"].items() if key != "Volumes"}
    wanted = {key: value for key, value in {**kept, **changed}.items() if value is not None}
    assert run(settings) == wanted


def test_the_platform_and_the_history_stay_and_the_machine_of_the_base_does_not() -> None:
    made = make_config(BASE, ImageSettings(), diff_id=LAYER, time_s=86_400)
    assert (made["architecture"], made["os"], made["variant"], made["author"]) == ("arm64", "linux", "v8", "ada")
    assert made["created"] == "1970-01-02T00:00:00Z"
    assert made["rootfs"] == {"type": "layers", "diff_ids": [BASE_LAYER, LAYER]}
    assert made["history"][:2] == BASE["history"]
    assert made["history"][2] == {"created": "1970-01-02T00:00:00Z", "created_by": "bundler image build"}
    assert "container" not in made
    assert platform_json(made) == {"architecture": "arm64", "os": "linux", "variant": "v8"}


def test_an_image_without_a_new_layer_says_so_in_its_history() -> None:
    made = make_config(BASE, ImageSettings(user="1"), diff_id="", time_s=0)
    assert made["rootfs"]["diff_ids"] == [BASE_LAYER]
    assert made["history"][-1]["empty_layer"] is True


@pytest.mark.parametrize("history", [None, [], [{"created_by": "a"}, {"created_by": "b"}], ["a"]])
def test_a_history_of_other_layers_is_replaced_by_one_line_for_each(history) -> None:
    made = make_config({**BASE, "history": history}, ImageSettings(), diff_id=LAYER, time_s=0)
    assert made["history"][0] == {}
    assert len(made["history"]) == 2


def test_an_image_from_nothing_has_a_platform_alone() -> None:
    assert empty_config("linux/arm/v7") == {"architecture": "arm", "os": "linux", "variant": "v7"}
    assert config_problems(empty_config("linux/amd64"), layers=0) == []


def test_a_time_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no calendar has"):
        make_config(BASE, ImageSettings(), diff_id=LAYER, time_s=10**15)


@pytest.mark.parametrize(
    ("config", "layers", "found"),
    [
        ([], 1, "is not a JSON object"),
        (None, 1, "is not a JSON object"),
        ({**BASE, "os": ""}, 1, "names no platform"),
        ({**BASE, "architecture": 7}, 1, "names no platform"),
        ({**BASE, "rootfs": {}}, 1, "lists 0 layers, its manifest 1"),
        (BASE, 2, "lists 1 layer, its manifest 2"),
        ({**BASE, "rootfs": {"diff_ids": ["sha256:short"]}}, 1, "are not digests"),
        ({**BASE, "rootfs": {"diff_ids": [BASE_LAYER] * MAX_LAYERS}}, MAX_LAYERS, "container engines run at most"),
        ({**BASE, "config": "x"}, 1, "config of its configuration is not a JSON object"),
        ({**BASE, "config": {"Env": "PATH=/bin"}}, 1, "config.Env of its configuration is not a list of texts"),
        ({**BASE, "config": {"Cmd": [1]}}, 1, "config.Cmd of its configuration is not a list of texts"),
        ({**BASE, "config": {"User": 0}}, 1, "config.User of its configuration is not a text"),
        ({**BASE, "config": {"Labels": []}}, 1, "config.Labels of its configuration is not a JSON object"),
        ({**BASE, "config": {"X": float("inf")}}, 1, "what JSON cannot"),
        ({**BASE, "config": {"X": "\ud800"}}, 1, "what JSON cannot"),
    ],
)
def test_a_base_that_cannot_be_built_on_is_refused(config, layers, found) -> None:
    problems = config_problems(config, layers=layers)
    assert any(found in problem for problem in problems), problems
