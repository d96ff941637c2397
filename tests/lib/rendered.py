"""What a bundle renders to, read by another YAML reader; and whether a request body holds more than that."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import yaml

from bundler.actions.compose.compose import compose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.actions.release.install import InstallRequest

STAMPS = frozenset({("metadata", "labels", "bundler.dev/release-uid"), ("metadata", "labels", "bundler.dev/component")})
UID = ("metadata", "uid")
Path = tuple[Any, ...]


def rendered_bodies(request: InstallRequest) -> dict[tuple[str, str], Any]:
    """Return every rendered object by kind and name, with stringData encoded; read from the text that is printed."""
    texts = [one.text for one in compose(request.order).rendering.templates]
    found = [body for text in texts for body in yaml.safe_load_all(text) if body]
    return {(body["kind"], body["metadata"]["name"]): _encoded(body) for body in found}


def _encoded(body: Any) -> Any:
    plain = body.pop("stringData", None)
    if plain is not None:
        body["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
    return body


def leaves(value: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of each leaf; an empty map or list is one."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    empty = True
    for key, inner in items:
        empty = False
        yield from leaves(inner, (*at, key))
    if empty:
        yield at, value


def find_rendered(sent: Any, rendered: Mapping[tuple[str, str], Any]) -> Any:
    """Return the rendered object that a body was made from."""
    return rendered[(sent["kind"], sent["metadata"]["name"])]


def additions(content: bytes, rendered: Mapping[tuple[str, str], Any]) -> list[str]:
    """Return what a body says that its rendering does not; the stamps and the uid left out.

    ``spec.replicas`` may have another value: it follows the autoscaler. It may not be there unless it was rendered.
    """
    sent = json.loads(content)
    wanted = dict(leaves(find_rendered(sent, rendered)))
    found = []
    for path, value in leaves(sent):
        if path in STAMPS or path == UID:
            continue
        if path not in wanted:
            found.append(f"{path}: only in the body")
        elif wanted[path] != value and path != ("spec", "replicas"):
            found.append(f"{path}: rendered {wanted[path]!r}, sent {value!r}")
    return found
