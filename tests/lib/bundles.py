"""Builders of bundles for tests."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from bundler.loader.load import load_bundle
from bundler.loader.locate import find_bundle
from bundler.syntax.writer import dump_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bundler.model.bundle import Bundle
    from bundler.model.json import JSONValue


def bundle_yaml(name: str = "demo", version: str = "1.0.0", **spec: JSONValue) -> str:
    """Return a bundle.yaml; ``spec`` goes below ``spec``."""
    metadata = {"name": name, "version": version}
    return dump_yaml({"apiVersion": "bundler.dev/v1", "kind": "Bundle", "metadata": metadata, "spec": spec})


def make_bundle(
    parent: Path,
    files: Mapping[str, str | bytes | Mapping[str, JSONValue]] | None = None,
    *,
    name: str = "demo",
    version: str = "1.0.0",
    **spec: JSONValue,
) -> Path:
    """Write a bundle into ``parent/name`` and return that folder.

    ``files``: path inside the bundle -> text (dedented), bytes, or a mapping (written as YAML). Without a bundle.yaml
    there is one of ``name``, ``version`` and ``spec``.
    """
    root = parent / name
    for path, content in {"bundle.yaml": bundle_yaml(name, version, **spec), **(files or {})}.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            text = textwrap.dedent(content).lstrip("\n") if isinstance(content, str) else dump_yaml(content)
            target.write_text(text, "utf-8")
    return root


def load_from(path: Path) -> Bundle:
    """Load the bundle of a folder or an archive."""
    return load_bundle(find_bundle(str(path)))
