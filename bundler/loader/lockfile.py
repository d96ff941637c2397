"""bundle.lock: exact versions and digests of components. Layer: loader, pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bundler.loader.definition import API_VERSION, check_head
from bundler.model.digest import is_sha256_hex
from bundler.model.lean import dataclass
from bundler.syntax.writer import dump_yaml

if TYPE_CHECKING:
    from bundler.loader.decode import Node


@dataclass(frozen=True, slots=True, order=True)
class LockEntry:
    """One locked component."""

    name: str
    version: str
    source: str
    """As ``spec.components[].bundle`` names it."""
    sha256: str
    """64 hex digits: the digest of the component's file list."""


def dump_lock(entries: Iterable[LockEntry]) -> str:
    """Write a lock, sorted by name; the same entries give the same text."""
    components = [
        {"name": entry.name, "version": entry.version, "source": entry.source, "sha256": entry.sha256}
        for entry in sorted(entries)
    ]
    head = "# Written by bundler: exact versions and digests of the components.\n"
    return head + dump_yaml({"apiVersion": API_VERSION, "kind": "BundleLock", "components": components})


def decode_lock(root: Node) -> dict[str, LockEntry]:
    """Return the entries of a lock by component name; what is wrong is reported to the node's problems."""
    if not check_head(root, kind="BundleLock"):
        return {}
    root.allow("apiVersion", "kind", "components")
    entries = {}
    for node in root.items("components", "name", "version", "source", "sha256"):
        entry = LockEntry(
            node.named(),
            node.version("version", is_required=True),
            node.text("source", is_required=True),
            node.text("sha256", is_required=True),
        )
        if entry.sha256 and not is_sha256_hex(entry.sha256):
            node.fail("needs sha256 of 64 lower-case hex digits")
        entries[entry.name] = entry
    return entries
