"""The kinds that bundles are ordered as, on a real API server."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors import BundlerError
from bundler.menu.definition import spec_schema
from bundler.menu.offer import order_kind
from bundler.menu.order_values import values_of_order
from bundler.menu.place import path_below
from bundler.model.json import pointer_tokens
from bundler.model.lean import replace
from bundler.model.values import LayerKind, UserLayers
from bundler.values.compute import compute_values
from bundler.values.merge import make_layer
from tests.lib.bundles import load_from
from tests.lib.order_kinds import DEMO, SCHEMAS, bundle_of, composed
from tests.lib.order_samples import Samples
from tests.lib.raw_api import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.model.bundle import Bundle
    from bundler.model.kind import OrderKind
    from tests.lib.controlplane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BATCHES = "/apis/menus.example/v1/batches"
BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
VALUES_EACH = 500
COMPOSED = 10


def bundles() -> dict[str, Bundle]:
    """Return bundles with every kind of rule, some that put them together, and those that bundler ships."""
    table = {name: bundle_of({"value": schema}) for name, schema in SCHEMAS.items()}
    mixed = {f"composed-{seed}": bundle_of(composed(random.Random(seed))) for seed in range(COMPOSED)}
    shipped = {path.parent.name: load_from(path.parent) for path in sorted(BUNDLES.glob("*/bundle.yaml"))}
    return {**table, **mixed, **{name: replace(one, menu=one.menu or DEMO) for name, one in shipped.items()}}


@pytest.fixture(scope="module")
def kinds() -> dict[str, OrderKind]:
    """Return the kind of each bundle."""
    return {name: order_kind(bundle) for name, bundle in bundles().items()}


def test_the_api_server_accepts_the_definition_of_every_kind(
    control_plane: ControlPlane, kinds: Mapping[str, OrderKind]
) -> None:
    refused = {}
    for name, kind in kinds.items():
        try:
            control_plane.api("POST", f"{DEFINITIONS}?dryRun=All", kind.definition)
        except ApiError as error:
            refused[name] = str(error)
    assert len(kinds) >= 60
    assert refused == {}


@pytest.fixture(scope="module")
def batches(control_plane: ControlPlane, kinds: Mapping[str, OrderKind]) -> Iterator[None]:
    """Serve one kind whose objects hold lists of specs, so that one request judges hundreds of orders."""
    properties = {
        f"of{number}": {"type": "array", "maxItems": VALUES_EACH, "items": spec_schema(kind)}
        for number, kind in enumerate(kinds.values())
    }
    spec = {"type": "object", "properties": properties}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "batches.menus.example"},
        "spec": {
            "group": "menus.example",
            "scope": "Cluster",
            "names": {"kind": "Batch", "plural": "batches", "singular": "batch", "listKind": "BatchList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    control_plane.api("POST", DEFINITIONS, definition)
    assert any(_is_served(control_plane) for _ in _patience()), "the definition was not served in time"
    yield
    control_plane.api("DELETE", f"{DEFINITIONS}/batches.menus.example")


def _patience() -> Iterator[None]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)


def _is_served(plane: ControlPlane) -> bool:
    try:
        plane.api("GET", BATCHES)
    except ApiError:
        return False
    return True


@pytest.mark.usefixtures("batches")
def test_what_the_server_accepts_and_the_controller_refuses_is_told_beforehand(
    control_plane: ControlPlane, kinds: Mapping[str, OrderKind]
) -> None:
    unlisted, judged, narrow = [], 0, []
    for number, (name, bundle) in enumerate(bundles().items()):
        orders = _orders(bundle, number)
        stored, refused = _stored(control_plane, f"of{number}", orders)
        judged += len(orders)
        for spec in stored:
            unlisted += [f"{name}: {json.dumps(spec)}: {line}" for line in _untold(bundle, kinds[name], spec)]
        # it takes long to say what is wrong: one in twenty shows that the server refuses nothing good
        narrow += [
            f"{name}: {json.dumps(spec)}: {why}"
            for spec, why in refused[::20]
            if not _problems(bundle, kinds[name], spec) and not _is_narrow(why)
        ]
    assert judged == VALUES_EACH * len(kinds)
    assert unlisted == []
    assert narrow == []


def _orders(bundle: Bundle, seed: int) -> list[Any]:
    schema: Any = bundle.schema or {"type": "object"}
    samples = Samples(schema, seed)
    exposed = {"type": "object", **{key: value for key, value in schema.items() if key != "type"}}
    drawn = (samples.mapping(exposed) for _ in range(VALUES_EACH))
    return list(drawn)


def _stored(plane: ControlPlane, field: str, orders: list[Any]) -> tuple[list[Any], list[tuple[Any, str]]]:
    """Return what the server stores of the orders that it accepts, and the others with a reason."""
    left, refused = orders, []
    while left:
        body = {"apiVersion": "menus.example/v1", "kind": "Batch", "metadata": {"name": "b"}, "spec": {field: left}}
        try:
            answer: Any = plane.api("POST", f"{BATCHES}?dryRun=All&fieldValidation=Ignore", body)
        except ApiError as error:
            wrong = _reasons(error, field)
            refused += [(left[index], why) for index, why in wrong.items()]
            left = [one for index, one in enumerate(left) if index not in wrong]
        else:
            return list(answer["spec"][field]), refused
    return [], refused


def _reasons(error: ApiError, field: str) -> dict[int, str]:
    assert error.status == 422, error
    causes: Any = json.loads(error.body)["details"]["causes"]
    texts = [f"{cause['field']} {cause['message']}" for cause in causes]
    wrong = {int(found[1]): text for text in texts for found in re.finditer(rf"spec\.{field}\[(\d+)\]", text)}
    assert wrong, error
    return wrong


def _problems(bundle: Bundle, kind: OrderKind, spec: Any) -> list[Any]:
    """Return what the controller finds wrong with an order."""
    try:
        values = values_of_order(spec, kind, {})
        user = UserLayers(layers=(make_layer(values, LayerKind.FILE, "order"),))
        names = {"release": {"name": "demo", "namespace": "default"}, "site": bundle.site_defaults}
        compute_values(bundle, user, names=names)
    except BundlerError as error:
        return list(error.context)
    return []


def _untold(bundle: Bundle, kind: OrderKind, spec: Any) -> list[str]:
    """Return what the controller finds wrong and the kind does not name as the controller's."""
    found = []
    for problem in _problems(bundle, kind, spec):
        path = _path(getattr(problem, "field", ""), spec_schema(kind))
        if not any(
            path == check.path or path.startswith((f"{check.path}.", f"{check.path}[")) for check in kind.checks
        ):
            found.append(f"{path}: {problem}")
    return found


def _path(pointer: str, schema: Any) -> str:
    path = ""
    for token in pointer_tokens(pointer):
        named, free = schema.get("properties", {}), schema.get("additionalProperties", {})
        if schema.get("type") == "array":
            path, schema = f"{path}[]", schema["items"]
        elif token in named or not free:
            path, schema = path_below(path, token), named.get(token, {})
        else:
            path, schema = f"{path}.*", free
    return path


def _is_narrow(why: str) -> bool:
    """Return whether the server may be the stricter one: about formats, types that are inferred, nulls, line ends."""
    return any(word in why for word in ("null", r"\n", "ipv4", "must be of type", "int64"))
