"""The kinds of the controller in a real control plane, and orders as `kubectl` sees them."""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import yaml

from bundler.controller.definitions import all_definitions
from tests.lib.raw_api import APPLY_PATCH, MERGE_PATCH, ApiError

if TYPE_CHECKING:
    from tests.lib.controlplane import ControlPlane

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
ESTABLISHED_WITHIN_S = 120.0


def define(plane: ControlPlane) -> None:
    """Define the kinds, as `kubectl apply --server-side` does, and wait until they are served."""
    for body in yaml.safe_load_all(all_definitions()):
        path = f"{DEFINITIONS}/{body['metadata']['name']}"
        sent = json.dumps(body).encode()
        plane.api("PATCH", f"{path}?fieldManager=tests&force=true", sent, content_type=APPLY_PATCH)
        end_s = time.monotonic() + ESTABLISHED_WITHIN_S
        while not _is_established(plane.api("GET", path)):
            assert time.monotonic() < end_s, f"{path} is not established"
            time.sleep(0.05)


def undefine(plane: ControlPlane) -> None:
    """Delete the kinds with everything of them, and wait until they are gone: a bundle may bring them then."""
    _let_go(plane)
    for body in yaml.safe_load_all(all_definitions()):
        path = f"{DEFINITIONS}/{body['metadata']['name']}"
        end_s = time.monotonic() + ESTABLISHED_WITHIN_S
        while not _is_gone(plane, path):
            assert time.monotonic() < end_s, f"{path} is still there"
            time.sleep(0.05)


def releases_path(namespace: str, name: str = "") -> str:
    """Return the path of the Releases of a namespace, or of one of them."""
    return f"/apis/bundler.dev/v1/namespaces/{namespace}/releases{'/' if name else ''}{name}"


def table(plane: ControlPlane, path: str) -> dict[str, Any]:
    """Return what `kubectl get` prints of the first object, by column."""
    request = urllib.request.Request(plane.server + path)
    request.add_header("Authorization", f"Bearer {plane.token}")
    request.add_header("Accept", TABLE)
    trusted = ssl.create_default_context(cafile=str(plane.ca_file))
    with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:
        found = json.load(answer)
    names = [one["name"] for one in found["columnDefinitions"]]
    return dict(zip(names, found["rows"][0]["cells"], strict=True))


def _let_go(plane: ControlPlane) -> None:
    """Take the finalizers off orders that no controller keeps any more."""
    try:
        orders = plane.api("GET", "/apis/bundler.dev/v1/releases")["items"]
    except ApiError:
        return
    for one in orders:
        path = releases_path(one["metadata"]["namespace"], one["metadata"]["name"])
        plane.api("PATCH", path, {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)


def _is_gone(plane: ControlPlane, path: str) -> bool:
    try:
        plane.api("DELETE", path)
    except ApiError as error:
        return error.status == 404
    return False


def _is_established(body: dict[str, Any]) -> bool:
    conditions = body.get("status", {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
