"""The kinds that bundles are ordered as, on a real API server."""

from __future__ import annotations

import json
import random
import re
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors import BundlerError
from bundler.menu.definition import spec_schema
from bundler.menu.offer import order_kind
from bundler.menu.order_values import values_of_order
from bundler.menu.patterns import served_pattern
from bundler.menu.place import path_below
from bundler.model.json import pointer_tokens
from bundler.model.lean import replace
from bundler.model.values import LayerKind, UserLayers
from bundler.values.compute import compute_values
from bundler.values.merge import make_layer
from tests.lib.bundles import load_from
from tests.lib.order_kinds import DEFS, DEMO, SCHEMAS, bundle_of, composed
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
VALUES_EACH = 150
COMPOSED = 8


def bundles() -> dict[str, Bundle]:
    """Return bundles with every kind of rule, some that put them together, and those that bundler ships."""
    table = {name: bundle_of({"value": schema}) for name, schema in SCHEMAS.items()}
    mixed = {f"composed-{seed}": mixed_bundle(seed) for seed in range(COMPOSED)}
    shipped = {path.parent.name: load_from(path.parent) for path in sorted(BUNDLES.glob("*/bundle.yaml"))}
    return {**table, **mixed, **{name: replace(one, menu=one.menu or DEMO) for name, one in shipped.items()}}


def mixed_bundle(seed: int) -> Bundle:
    """Return a bundle whose schema puts some of the table together, and that sets values of its own."""
    properties = composed(random.Random(seed))
    samples = Samples({"$defs": DEFS}, seed)
    drawn = (samples.mapping({"properties": properties}) for _ in range(10))
    bundles = (bundle_of(properties, values=values, required=[*properties][:2]) for values in drawn)
    plain = bundle_of(properties, required=[*properties][:2])
    return next((one for one in bundles if not _breaks_its_own(one)), plain)


def _breaks_its_own(bundle: Bundle) -> bool:
    """Return whether what a bundle sets itself is wrong whatever an order says; what it leaves out, an order sets."""
    kind = order_kind(bundle)
    found = [(str(problem), _path(problem.field, spec_schema(kind))) for problem in _problems(bundle, kind, {})]
    return any("required value is missing" not in text or "[]" in path or "*" in path for text, path in found)


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
    """Serve one kind whose objects hold lists of specs, so that one request judges many orders."""
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
    with _served(control_plane, definition, BATCHES):
        yield


@contextmanager
def _served(plane: ControlPlane, definition: Any, path: str) -> Iterator[None]:
    plane.api("POST", DEFINITIONS, definition)
    deadline = time.monotonic() + 120
    while not _is_served(plane, path):
        assert time.monotonic() < deadline, "the definition was not served in time"
        time.sleep(0.05)
    yield
    plane.api("DELETE", f"{DEFINITIONS}/{definition['metadata']['name']}")


def _is_served(plane: ControlPlane, path: str) -> bool:
    try:
        plane.api("GET", path)
    except ApiError:
        return False
    return True


def test_the_api_server_takes_every_pattern_that_is_kept(control_plane: ControlPlane) -> None:
    draw = random.Random(1)
    signs = [
        *r"ab01^$.*+?(){}[]|-,:",
        *(r"\d", r"\.", r"\s", "(?:", "[^", "[a-z]", "{2}", "{1,9}", "{300}", "+?", "(?P<n>"),
    ]
    drawn = {"".join(draw.choices(signs, k=draw.randrange(1, 9))) for _ in range(6_000)}
    kept = sorted(text for text in drawn if not served_pattern(text).refusal)
    properties = {f"p{number}": {"type": "string", "pattern": text} for number, text in enumerate(kept[:1000])}
    control_plane.api("POST", f"{DEFINITIONS}?dryRun=All", order_kind(bundle_of(properties)).definition)
    assert len(properties) > 500


def test_a_shop_is_ordered_by_one_number(control_plane: ControlPlane, kinds: Mapping[str, OrderKind]) -> None:
    path = "/apis/bundles.example/v1/namespaces/default/shops"

    def order(name: str, **spec: Any) -> Any:
        body = {"apiVersion": "bundles.example/v1", "kind": "Shop", "metadata": {"name": name}, "spec": spec}
        return control_plane.api("POST", f"{path}?dryRun=All&fieldValidation=Strict", body)

    with _served(control_plane, kinds["shop"].definition, path):
        assert order("shop", qps=1000)["spec"] == {"qps": 1000}
        assert order("shop", qps=None, cache={"enabled": False})["spec"] == {"cache": {"enabled": False}}
        for name, spec, said in (
            ("shop", {"qps": 0}, "greater than or equal to 1"),
            ("shop", {"qsp": 5}, "unknown field"),
            ("x" * 54, {"qps": 5}, "at most 53 characters"),
            ("a.b", {"qps": 5}, "letters, digits and hyphens only"),
        ):
            with pytest.raises(ApiError) as caught:
                order(name, **spec)
            assert said in caught.value.body


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
        # it takes long to say what is wrong: one in thirty shows that the server refuses nothing good
        narrow += [
            f"{name}: {json.dumps(spec)}: {why}"
            for spec, why in refused[::30]
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
