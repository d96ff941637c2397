"""The configuration of an image: what its base says, and what is set on top. Layer: images, pure.

Source: OCI image-spec v1.1, config.md; Dockerfile reference, ENTRYPOINT (it takes the base's command away).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bundler.model.digest import is_digest
from bundler.model.json import Body, JSONValue, is_list, is_mapping, list_at, mapping_at
from bundler.model.oci import platform_of
from bundler.model.size import counted

if TYPE_CHECKING:
    from bundler.model.image_build import ImageSettings

MADE_BY: Final = "bundler image build"
MAX_LAYERS: Final = 127
"""Source: moby, daemon/graphdriver/overlay2, maxDepth."""
_KEPT: Final = ("author", "architecture", "os", "variant", "os.version", "os.features")
"""The rest of what the base says is about the machine that it was built on."""
_PLATFORM: Final = ("architecture", "os", "variant", "os.version", "os.features")


def config_problems(config: JSONValue, *, layers: int) -> list[str]:
    """Return what is wrong with the configuration of a base, as far as an image that is built on it depends on it.

    Args:
        config: as it is in the base.
        layers: how many the base's manifest lists.
    """
    if not is_mapping(config):
        return ["its configuration is not a JSON object"]
    return list(_problems(config, layers))


def _problems(config: Body, layers: int) -> Iterator[str]:
    if not is_plain_json(config):
        yield "its configuration holds what JSON cannot: numbers without end, or broken texts"
    if not platform_of(config):
        yield "its configuration names no platform (os, architecture)"
    diff_ids = list_at(config, "rootfs", "diff_ids")
    if not all(isinstance(one, str) and is_digest(one) for one in diff_ids):
        yield "rootfs.diff_ids of its configuration are not digests"
    if len(diff_ids) != layers:
        yield f"its configuration lists {counted(len(diff_ids), 'layer')}, its manifest {layers}"
    if layers >= MAX_LAYERS:
        yield f"it has {layers} layers, and container engines run at most {MAX_LAYERS}"
    yield from _run_problems(config.get("config") or {})


def _run_problems(run: JSONValue) -> Iterator[str]:
    if not is_mapping(run):
        yield "config of its configuration is not a JSON object"
        return
    for keys, kind, is_one in _SHAPES:
        for key in keys:
            if run.get(key) is not None and not is_one(run[key]):
                yield f"config.{key} of its configuration is not {kind}"


def _is_text(value: JSONValue) -> bool:
    return isinstance(value, str)


def _is_texts(value: JSONValue) -> bool:
    return is_list(value) and all(isinstance(one, str) for one in value)


_SHAPES: Final[Sequence[tuple[Sequence[str], str, Callable[[JSONValue], bool]]]] = (
    (("User", "WorkingDir", "StopSignal"), "a text", _is_text),
    (("Env", "Entrypoint", "Cmd"), "a list of texts", _is_texts),
    (("Labels", "ExposedPorts", "Volumes"), "a JSON object", is_mapping),
)


def is_plain_json(value: JSONValue) -> bool:
    """Return whether a value can be written as it was read."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def empty_config(platform: str) -> dict[str, JSONValue]:
    """Return the configuration of an image that has nothing in it: ``linux/arm64/v8``."""
    os, architecture, *variant = platform.split("/")
    body: dict[str, JSONValue] = {"architecture": architecture, "os": os}
    return {**body, **({"variant": variant[0]} if variant else {})}


def make_config(base: Body, settings: ImageSettings, *, diff_id: str, time_s: int) -> dict[str, JSONValue]:
    """Return the configuration of an image that is built on a base.

    Args:
        base: the base's, without problems.
        settings: what is set on top of it.
        diff_id: of the layer that is added; empty where there is none.
        time_s: seconds since 1970 that it says it was made at.

    Raises:
        ValueError: when no calendar has that time.
    """
    created = shown_time(time_s)
    made: dict[str, JSONValue] = {"created": created, "created_by": MADE_BY}
    diff_ids = list_at(base, "rootfs", "diff_ids")
    return {
        "created": created,
        **{key: base[key] for key in _KEPT if base.get(key)},
        "config": _run(mapping_at(base, "config"), settings),
        "rootfs": {"type": "layers", "diff_ids": [*diff_ids, *([diff_id] if diff_id else [])]},
        "history": [*_history(base, len(diff_ids)), made if diff_id else {**made, "empty_layer": True}],
    }


def platform_json(config: Body) -> dict[str, JSONValue]:
    """Return the platform of an image as an index lists it."""
    return {key: config[key] for key in _PLATFORM if config.get(key)}


def shown_time(time_s: int) -> str:
    """Return a time as configurations hold it.

    Raises:
        ValueError: when no calendar has it.
    """
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError(f"{time_s} seconds since 1970 is a time that no calendar has") from error


def _run(base: Body, settings: ImageSettings) -> dict[str, JSONValue]:
    run: dict[str, JSONValue] = {key: value for key, value in base.items() if value is not None}
    if settings.entrypoint is not None:
        run["Entrypoint"] = list(settings.entrypoint)
        run.pop("Cmd", None)
    if settings.command is not None:
        run["Cmd"] = list(settings.command)
    if settings.env:
        run["Env"] = _env([one for one in list_at(base, "Env") if isinstance(one, str)], settings.env)
    if settings.labels:
        run["Labels"] = {**mapping_at(base, "Labels"), **dict(settings.labels)}
    if settings.ports:
        run["ExposedPorts"] = {**mapping_at(base, "ExposedPorts"), **{port: {} for port in settings.ports}}
    said: Mapping[str, str | None] = {"User": settings.user, "WorkingDir": settings.workdir}
    run.update({key: value for key, value in said.items() if value is not None})
    return {key: value for key, value in run.items() if value or key not in {"Entrypoint", "Cmd"}}


def _env(base: Sequence[str], given: Sequence[tuple[str, str]]) -> list[JSONValue]:
    """Return variables in the base's order; what it lacks comes last."""
    known = {line.partition("=")[0]: line for line in base}
    return list({**known, **{name: f"{name}={value}" for name, value in given}}.values())


def _history(base: Body, layers: int) -> Sequence[JSONValue]:
    """Return the base's history; where it has none, or one of other layers, an empty line for each layer."""
    known = list_at(base, "history")
    held = sum(is_mapping(one) and not one.get("empty_layer") for one in known)
    is_good = held == layers and all(map(is_mapping, known))
    return known if is_good else [{} for _ in range(layers)]


def labels_of(config: Body) -> dict[str, str]:
    """Return the labels of an image."""
    labels = mapping_at(config, "config", "Labels")
    return {key: value for key, value in labels.items() if isinstance(value, str)}
